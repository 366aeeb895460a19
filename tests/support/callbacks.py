"""Callbacks as the dispatcher claims and sends them."""

from asgiref.sync import async_to_sync
from django.utils import timezone

from notifications.engines import callback
from notifications.engines.callback import Ready
from notifications.models import Callback, CallbackState


def claimed() -> list[Ready]:
    """What is due, leased, and on record as begun, unless its task is read in the engine first."""
    return [ready for _, ready in callback._claim(callback._door.places.room).jobs]


def make_due() -> None:
    Callback.objects.filter(state=CallbackState.WAITING).update(
        due_at=timezone.now(), lease_until=None, lease_token=None
    )


@async_to_sync
async def dispatch() -> None:
    """The dispatcher's turn, and its end: what is due goes out."""
    try:
        await callback._door.drained()
    finally:
        await callback._door.close()
