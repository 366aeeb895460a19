"""Actions of operators that start work again. (Deliveries: `delivery.resend`; one callback: `callback.replay`.)"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db.models import F, Q, QuerySet

from notifications.items import undo_window
from notifications.models import Callback, CallbackState, Engine, Event, EventStatus, Recipient
from notifications.routing import claims
from notifications.types import Json
from wfpush.queue import outbox

PROCESSABLE = (EventStatus.FAILED, EventStatus.UNROUTED)
"""States of events that reached nobody: processing them again repeats nothing."""

MAY_BE_PROCESSED = Q(status__in=PROCESSABLE, due_at=None)
UNTAKEN = Q(status=EventStatus.ACCEPTED, due_at__isnull=False, lease_token=None, attempts=0)


def process_events(events: QuerySet[Event], now: datetime) -> int:
    """Process those events again for which MAY_BE_PROCESSED holds. Return how many."""
    revived = outbox.make_due(events, now, status=EventStatus.ACCEPTED, attempts=0, error="", processed_at=None)
    if revived:
        outbox.wake_on_commit("events")
    return revived


def keep_ended(before: Mapping[UUID, Json], now: datetime) -> set[UUID]:
    """Undo `process_events`: give the events their earlier values again. Return the keys of those that no worker had
    taken. Call in a transaction."""
    ended = outbox.end_untaken(Event.objects.filter(UNTAKEN), before)
    claims.release_next(Event.objects.filter(pk__in=ended), now)
    return ended


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
