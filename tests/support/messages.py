"""Due messages of conversations, where the feature is installed."""

from notifications.cases.messages import SOURCE_NAME
from wfpush.queue import outbox


def show_messages() -> None:
    """What the worker does with messages that are due."""
    if SOURCE_NAME in outbox.by_name():
        outbox.source_named(SOURCE_NAME).drain()
