"""The kinds of steps: what each does, whom it tells, what can be wrong with it, how it reads as a sentence.

In: one step of a policy, its clock and task.
Out: copies, deliveries or a callback, and what the step's row says of them.
"""
