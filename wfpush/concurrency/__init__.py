"""Helpers for threads and asyncio: limits for each key (`places`, `slots`), group commit, database calls from the loop.

In: a function or coroutine, and a key, such as the engine that is called.
Out: its result. Nothing here knows what the work is.
"""
