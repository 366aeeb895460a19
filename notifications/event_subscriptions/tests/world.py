"""What event subscriptions add to the world of the desk's tests."""

from django.utils import timezone

from notifications.connectors import credentials
from notifications.connectors.signatures import new_secret
from notifications.event_subscriptions.models import EventSubscription, OutgoingEvent, OutgoingKind
from tests.admin.world import World
from wfpush.identifiers import uuid7


def add_to(day: World) -> None:
    row = EventSubscription.objects.create(
        name="Data warehouse", active=False, address="https://warehouse.example/", kinds=["task.escalated"]
    )
    credentials.replace_secrets(row, new_secret(), now=timezone.now())
    OutgoingEvent.objects.create(
        id=uuid7(),
        subscription=row,
        kind=OutgoingKind.ESCALATED,
        subject_key=uuid7(),
        occurred_at=timezone.now(),
        state="failed",
        ended_at=timezone.now(),
    )
