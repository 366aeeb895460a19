"""The state of tasks and cases (`task_state`), and the list of those who observe it (`lifecycle`).

In: one event, its task or case locked.
Out: the task as it is now, and calls of the observers in the same transaction (escalations run clocks by them).
"""
