"""Metrics of events, tasks, messages and engines, and the backlog of events.

In: rows and tallies of the database.
Out: families of metrics for `/metrics`, and a note for `/readyz` and the desk.
"""
