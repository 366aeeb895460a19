"""The simulation in the API.

In: a policy or task, and an instant.
Out: the people who would be told, with time, channel and reason.
"""
