"""What `manage.py up --demo` makes at its first start, and leaves alone at every other."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.utils import timezone

from escalations.clocks import due_steps
from escalations.kinds.checks import faults_of
from escalations.models import Escalation, Policy
from notifications import starter
from notifications.intake import ingest
from notifications.models import Delivery, Engine, Notification, Recipient
from notifications.routing import pipeline
from notifications.types import InboundEvent, Json
from wfpush.management import demo_accounts

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture
def start(db: None, tmp_path: Path) -> Callable[[], demo_accounts.DemoAccounts]:
    starter.ensure(apps)
    return lambda: demo_accounts.ensure(tmp_path / "demo.json", "http://127.0.0.1:8001/callback")


def assign(**task: object) -> None:
    """The demo's engine asks."""
    said: Json = {"task": {"id": "T-1", "name": "Approve invoice 4711", "kind": "approval", **task}}
    event = InboundEvent(id="e-1", source="demo", type="task.assigned", data=said, digest="d")
    ingest.accept(Engine.objects.get(slug="demo"), [event], timezone.now())
    pipeline.drain()


def titles(who: str) -> list[str]:
    return [item.title for item in Notification.objects.filter(recipient__ref=who)]


def test_bob_is_reminded_after_a_minute_and_carol_hears_after_two(start: Callable[[], object]) -> None:
    start()
    assign(assignee="bob", due_at=(datetime.now(UTC) + timedelta(hours=2)).isoformat())
    began = Escalation.objects.get().started_at

    due_steps.tick(began + MINUTE)
    assert Notification.objects.get(recipient__ref="bob").notice.startswith("Reminder: due ")
    assert (titles("bob"), titles("carol")) == (["Approve invoice 4711"], [])
    due_steps.tick(began + 2 * MINUTE)
    assert titles("carol") == ["Approve invoice 4711"]
    assert Notification.objects.get(recipient__ref="carol").reason == "manager of Bob"
    told = Delivery.objects.filter(recipient=Recipient.objects.get(ref="carol"))
    assert {"live", "email"} <= set(told.values_list("channel", flat=True))


def test_what_waits_for_several_has_time(start: Callable[[], object]) -> None:
    start()
    assign(candidates=["bob", "carol"])

    assert not Escalation.objects.exists()


def test_the_desk_would_take_the_policy(start: Callable[[], object]) -> None:
    start()
    policy = Policy.objects.get()

    assert faults_of(policy, list(policy.steps.all()), timezone.now()) == []


def test_a_second_start_changes_nothing_that_administrators_changed(start: Callable[[], object]) -> None:
    start()
    Policy.objects.update(name="Ours", minutes=60)
    start()
    assert [(policy.name, policy.minutes) for policy in Policy.objects.all()] == [("Ours", 60)]

    Policy.objects.all().delete()
    start()
    assert not Policy.objects.exists()
