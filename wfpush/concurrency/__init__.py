"""Helpers for threads and asyncio: limits by key (`keyed_limits`, `slots`), group commit, database calls from loops.

In: a function or coroutine, and a key, such as the engine that is called.
Out: its result. Nothing here knows what the work is.
"""
