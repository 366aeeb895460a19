"""Push services that do not accept our credentials are left alone for a while, and operators are told.

Answers of 401 and 403 are ours to mend (a wrong key, a revoked service account): no message would get through, and
every further one makes it worse.
"""

from datetime import datetime, timedelta

import structlog
from django.db import transaction

from notifications.models import Delivery, DeliveryState, PausedService
from wfpush import outbox

log = structlog.get_logger(__name__)

FIRST = timedelta(minutes=10)
MOST = timedelta(hours=6)

Service = tuple[str, str]
"""Channel and name of a push service."""


def known() -> dict[Service, datetime]:
    """Paused services, and until when."""
    return {(row.channel, row.service): row.until for row in PausedService.objects.all()}


@transaction.atomic
def pause(service: Service, reason: str, now: datetime) -> datetime:
    """Leave the service alone, each time twice as long; returns until when."""
    channel, name = service
    row = PausedService.objects.select_for_update().filter(channel=channel, service=name).first()
    if row is None:
        row = PausedService(channel=channel, service=name, paused_at=now, until=now)
    if row.until <= now:
        row.until = now + min(max(FIRST, now - row.paused_at), MOST)
        log.error("push_service_paused", channel=channel, service=name, until=row.until.isoformat(), reason=reason)
    row.reason = reason[:500]
    row.save()
    return row.until


@transaction.atomic
def resume(service: Service, now: datetime) -> None:
    """Send to it again, and what waits for it at once."""
    channel, name = service
    if not PausedService.objects.filter(channel=channel, service=name).delete()[0]:
        return
    log.info("push_service_resumed", channel=channel, service=name)
    waiting = Delivery.objects.filter(
        state=DeliveryState.PENDING, channel=channel, due_at__gt=now, lease_token=None, reason=waiting_for(name)
    )
    waiting.update(due_at=now)
    outbox.wake_on_commit("push")


def waiting_for(name: str) -> str:
    """The reason of what waits for a paused service."""
    return f"{name} does not accept our credentials, and is left alone for a while"
