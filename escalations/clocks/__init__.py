"""The clock of each task: begun, paused, moved and ended by `clock`; its steps taken when due by `due_steps`.

In: changes of tasks (`notifications/cases/lifecycle.py`), and clocks that are due.
Out: each step once, with the row that says so, in one transaction.
"""
