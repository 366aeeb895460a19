"""Processing of an event (`pipeline`): matching routes, the people they address, and the channels for each person.

In: a stored Event that is due.
Out: task, copies and planned deliveries in one transaction, with a reason for each for the trace.
"""
