"""Actions of operators that start work again. (Deliveries: `deliver.resend`; one callback: `callback.replay`.)"""

from datetime import datetime
from uuid import UUID

from notifications.models import Callback, CallbackState, Engine, Event, EventStatus, Recipient
from wfpush.queue import outbox

PROCESSABLE = (EventStatus.FAILED, EventStatus.UNROUTED)
"""States of events that reached nobody, so that processing them again repeats nothing."""


def process_event(event_id: UUID, now: datetime) -> bool:
    """Process an event again that failed or matched no route. False when it is no such event."""
    ended = Event.objects.filter(pk=event_id, status__in=PROCESSABLE, due_at=None)
    revived = outbox.make_due(ended, now, status=EventStatus.ACCEPTED, attempts=0, error="", processed_at=None)
    if revived:
        outbox.wake_on_commit("events")
    return bool(revived)


def enable_answers(engine: Engine, now: datetime) -> None:
    """Enable an engine's address again after it was disabled; answers that waited are sent first."""
    engine.callback_disabled_at, engine.callback_disabled_reason = None, ""
    engine._change_reason = "Answers are sent again"  # type: ignore[attr-defined]  # django-simple-history reads it
    engine.save(update_fields=["callback_disabled_at", "callback_disabled_reason"])
    hurry_callbacks(engine, now)


def hurry_callbacks(engine: Engine, now: datetime, *, of: Recipient | None = None) -> None:
    """Send an engine's waiting answers, or one person's, now, those that waited longest first."""
    waiting = Callback.objects.filter(engine=engine, state=CallbackState.WAITING, lease_until=None)
    if of is not None:
        waiting = waiting.filter(response__recipient=of)
    # The time in which nothing could be sent does not count.
    outbox.bring_forward(waiting, now, first_attempt_at=None)
    outbox.wake_on_commit("callbacks")
