"""What follows a change of an engine, at the desk or in files."""

from collections.abc import Collection
from datetime import datetime

from notifications.connectors import readable
from notifications.engines import poll as polls
from notifications.engines import requeue
from notifications.models import CallbackState, ConnectedAccount, Engine, EngineAccess, PersonalSignIn, Poll
from wfpush.queue import outbox


def before_saving(engine: Engine, changed: Collection[str]) -> None:
    """A new address is tried again, although the former one was disabled."""
    if "callback_url" in changed:
        engine.callback_disabled_at, engine.callback_disabled_reason_fact = None, None


def after_saving(engine: Engine, changed: Collection[str], now: datetime) -> bool:
    """Send waiting answers at once if they can go now, and return whether some go to a new address."""
    if not engine.takes_answers or not {"callback_url", "active"} & set(changed):
        return False
    requeue.hurry_callbacks(engine, now)
    return "callback_url" in changed and engine.callbacks.filter(state=CallbackState.WAITING).exists()


def after_saving_parts(engine: Engine, changed: Collection[str], now: datetime) -> bool:
    """Poll all tasks again after a change of address, and return whether credentials were deleted: kinds without a REST
    interface have none."""
    if engine.kind not in readable():
        parts = (EngineAccess, PersonalSignIn, ConnectedAccount, Poll)
        deleted = [part.objects.filter(engine=engine).delete()[0] for part in parts]
        return any(deleted)
    if {"callback_url", "kind"} & set(changed):
        for poll in Poll.objects.filter(engine=engine):
            Poll.objects.filter(pk=poll.pk).update(swept_at=None)
            poll_now(poll, now)
    return False


def poll_now(poll: Poll, now: datetime) -> None:
    """Poll at once, unless a poll is running."""
    if outbox.bring_forward(Poll.objects.filter(pk=poll.pk, enabled=True, lease_until=None), now):
        outbox.wake_on_commit(polls.SOURCE_NAME)
