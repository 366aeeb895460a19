"""Sends waiting answers to engines at once."""

from datetime import datetime

from django.db.models import F

from notifications.items import undo_window
from notifications.models import Callback, CallbackState, Engine, Recipient
from wfpush.queue import outbox


def enable_answers(engine: Engine, now: datetime) -> None:
    """Enable an engine's address again after it was disabled; answers that waited are sent first."""
    engine.callback_disabled_at, engine.callback_disabled_reason_fact = None, None
    engine._change_reason = "Answers are sent again"  # type: ignore[attr-defined]  # django-simple-history reads it
    engine.save(update_fields=["callback_disabled_at", "callback_disabled_reason_fact"])
    hurry_callbacks(engine, now)


def hurry_callbacks(engine: Engine, now: datetime, *, of: Recipient | None = None) -> None:
    """Send the waiting answers of an engine, or of one person there, now; the longest waiting first. Answers that may
    still be taken back keep their time."""
    waiting = Callback.objects.filter(engine=engine, state=CallbackState.WAITING, lease_until=None)
    may_be_taken_back = {"attempts": 0, "due_at__gt": now, "due_at__lte": F("response__at") + undo_window.HELD}
    waiting = waiting.exclude(response__isnull=False, **may_be_taken_back)
    if of is not None:
        waiting = waiting.filter(response__recipient=of)
    # Weeks in which nothing could be sent do not count.
    outbox.bring_forward(waiting, now, first_attempt_at=None)
    outbox.wake_on_commit("callbacks")
