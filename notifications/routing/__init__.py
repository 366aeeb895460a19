"""The walk of an event (`pipeline`): which routes match, whom they name, by which channels each is told.

In: a stored Event that is due.
Out: task, copies and planned deliveries in one transaction, with a reason for each for the trace.
"""
