"""Processes events again that failed or matched no route."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from notifications.models import Event, EventStatus
from notifications.routing import claims
from notifications.types import Json
from wfpush.queue import outbox

PROCESSABLE = (EventStatus.FAILED, EventStatus.UNROUTED)
"""States of events that reached nobody: processing them again repeats nothing."""

MAY_BE_SENT = Q(status__in=PROCESSABLE, due_at=None)
UNTAKEN = Q(status=EventStatus.ACCEPTED, due_at__isnull=False, lease_token=None, attempts=0)


def send_again(events: QuerySet[Event], now: datetime) -> int:
    """Process the events that match MAY_BE_SENT again. Return their number."""
    revived = outbox.make_due(events, now, status=EventStatus.ACCEPTED, attempts=0, error="", processed_at=None)
    if revived:
        outbox.wake_on_commit("events")
    return revived


def put_back(before: Mapping[UUID, Json], now: datetime) -> set[UUID]:
    """Restore events that were to be processed again. Return the keys of those that no worker had taken. Call it in a
    transaction."""
    ended = outbox.end_untaken(Event.objects.filter(UNTAKEN), before)
    claims.release_next(Event.objects.filter(pk__in=ended), now)
    return ended
