"""The state of tasks and cases (`task_state`), and the list of its observers (`lifecycle`).

In: one event, its task or case locked.
Out: the updated task, and calls of the observers in the same transaction (escalations run clocks by them).
"""
