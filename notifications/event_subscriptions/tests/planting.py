"""Puts a person into the tables of event subscriptions, for the test of erasure (notifications/retention/tests)."""

from django.utils import timezone

from notifications.event_subscriptions.models import EventSubscription, OutgoingEvent, OutgoingKind
from notifications.models import Recipient
from notifications.reasons import said
from tests.support.world import World
from wfpush.identifiers import uuid7


def plant(world: World, person: Recipient) -> None:
    """They are named by a subscription, by the reply of its receiver, and by the policy of a step."""
    row = EventSubscription.objects.create(
        name=f"Warehouse of {person.name}", active=False, address="https://warehouse.example/", kinds=["message.read"]
    )
    row.signing_secrets.create(secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    OutgoingEvent.objects.create(
        id=uuid7(),
        subscription=row,
        kind=OutgoingKind.UNREACHABLE,
        subject_key=uuid7(),
        circumstances={"escalation": {"policy": f"Approvals of {person.name}"}},
        occurred_at=timezone.now(),
        state="failed",
        detail_fact=said(f"{person.name} is unknown.").as_json(),
        ended_at=timezone.now(),
    )
