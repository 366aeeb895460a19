"""Listens while a dispatcher runs to receipts of channels whose services send them over a connection of their own."""

from collections.abc import Sequence
from functools import partial

from django.db import close_old_connections
from django.utils import timezone

from notifications.channels import registry
from notifications.items import receipts
from notifications.types import Receipt


def begin() -> None:
    for channel in registry.channels().values():
        if channel.receipts.listen is not None:
            channel.receipts.listen(partial(_note, channel.name))


def end() -> None:
    for channel in registry.channels().values():
        if channel.receipts.hang_up is not None:
            channel.receipts.hang_up()


def _note(channel: str, new_receipts: Sequence[Receipt]) -> None:
    """Called in a thread of the channel."""
    close_old_connections()
    try:
        receipts.note(channel, new_receipts, timezone.now())
    finally:
        close_old_connections()
