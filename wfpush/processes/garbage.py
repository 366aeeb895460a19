"""Python's garbage collection in processes that make many objects at once."""

import gc

AFTER = 10_000
"""The number of new objects after which it runs; Python's default is 700."""


def tune_garbage_collection() -> None:
    """Exclude all present objects from collection, and let it run less often. With a hundred messages in flight,
    collection took a sixth of all time."""
    gc.freeze()
    gc.set_threshold(AFTER)
