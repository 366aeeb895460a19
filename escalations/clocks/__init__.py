"""The clock of each task. `clock` begins, pauses, moves and ends it; `due_steps` takes its steps when they are due.

In: changes of tasks (`notifications/cases/lifecycle.py`), and clocks that are due.
Out: each step once, with the row that records it, in one transaction.
"""
