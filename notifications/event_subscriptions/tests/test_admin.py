"""Subscriptions at the desk: their secrets are shown once, stopped ones told, and failed events sent again."""

import base64
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from notifications.event_subscriptions.models import EventSubscription, OutgoingEvent, SubscriptionSecret
from notifications.event_subscriptions.tests.world import add_to
from tests.admin.pages import add_row, list_of, page_of, press, save_form, text_of
from tests.admin.world import World

FIELDS: dict[str, Any] = {
    "name": "Monitoring",
    "address": "https://monitoring.example/events",
    "kinds": ["message.undeliverable", "task.unreachable"],
    "signing": "v1",
}


@pytest.fixture
def warehouse(world: World) -> EventSubscription:
    add_to(world)
    return EventSubscription.objects.get(name="Data warehouse")


def word_of(page: str, prefix: str) -> str:
    return next(word for word in page.split() if word.startswith(prefix))


def test_a_subscription_is_added_and_its_secret_shown_once(world: World, root: Client) -> None:
    shown = text_of(add_row(root, EventSubscription, **FIELDS))
    row = EventSubscription.objects.get(name="Monitoring")
    secret = word_of(shown, "whsec_")
    assert row.signing_secrets.get().secret == secret
    assert secret not in text_of(root.get(page_of(row)))
    assert "Monitoring every engine message undeliverable, task or SLA step that reaches nobody 0 0 active" in text_of(
        root.get(list_of(EventSubscription))
    )


def test_a_private_key_stays_here_and_its_public_key_is_shown(world: World, root: Client) -> None:
    shown = text_of(add_row(root, EventSubscription, **{**FIELDS, "signing": "v1a"}))
    public_key = word_of(shown, "whpk_")
    assert len(base64.b64decode(public_key.removeprefix("whpk_"))) == 32
    page = text_of(root.get(page_of(EventSubscription.objects.get(name="Monitoring"))))
    assert public_key in page and "whsk_" not in page


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("address", "http://10.0.0.1/", "private"),
        ("address", "", "required"),
        ("kinds", [], "Tick at least one kind of events."),
        ("name", "DATA warehouse", "Another subscription has this name."),
    ],
)
def test_what_cannot_work_is_refused(
    warehouse: EventSubscription, root: Client, field: str, value: Any, error: str
) -> None:
    page = text_of(add_row(root, EventSubscription, **{**FIELDS, field: value}))
    assert error in page and not EventSubscription.objects.filter(name="Monitoring").exists()


def test_a_new_secret_replaces_the_old_one_after_a_while(
    world: World, root: Client, warehouse: EventSubscription
) -> None:
    shown = text_of(press(root, page_of(warehouse, "new_secret"), old_ones_end="24"))
    old, new = warehouse.signing_secrets.order_by("pk")
    assert new.secret == word_of(shown, "whsec_") and new.expires_at is None and old.expires_at is not None
    press(root, page_of(warehouse, "new_secret"), old_ones_end="0")
    assert SubscriptionSecret.objects.filter(expires_at__gt=timezone.now()).count() == 0
    assert "no longer" in text_of(root.get(page_of(warehouse)))


def test_failed_events_are_sent_again_one_or_all(world: World, root: Client, warehouse: EventSubscription) -> None:
    event = OutgoingEvent.objects.get()
    assert "1 event was given up. It is sent again under the same ID." in text_of(
        root.get(page_of(warehouse, "send_failed"))
    )
    press(root, page_of(warehouse, "send_failed"))
    event.refresh_from_db()
    assert (event.state, event.ended_at) == ("waiting", None)
    OutgoingEvent.objects.update(state="failed", due_at=None)
    press(root, page_of(event, "send_again"))
    event.refresh_from_db()
    assert event.state == "waiting"
    OutgoingEvent.objects.update(state="failed", due_at=None)
    root.post(list_of(OutgoingEvent), {"action": "chosen_again", "_selected_action": [str(event.pk)]})
    event.refresh_from_db()
    assert event.state == "waiting"


def test_a_stopped_subscription_is_told_until_it_is_switched_on(
    world: World, root: Client, warehouse: EventSubscription
) -> None:
    warehouse.gone_at = timezone.now()
    warehouse.save()
    assert "Data warehouse The receiver answered 410: it is gone." in text_of(root.get("/admin/"))
    assert "stopped" in text_of(root.get(list_of(EventSubscription)))
    save_form(root, warehouse, active="on")
    warehouse.refresh_from_db()
    assert warehouse.active and warehouse.gone_at is None


def test_operators_send_again_and_change_no_subscription(
    world: World, operator: Client, warehouse: EventSubscription
) -> None:
    assert operator.get(page_of(warehouse)).status_code == 200
    assert operator.post(page_of(warehouse, "new_secret"), {"old_ones_end": "0"}).status_code == 403
    press(operator, page_of(warehouse, "send_failed"))
    assert OutgoingEvent.objects.get().state == "waiting"


def test_a_subscription_is_deleted_with_its_events(world: World, root: Client, warehouse: EventSubscription) -> None:
    press(root, page_of(warehouse, "delete"), post="yes")
    assert not OutgoingEvent.objects.exists() and not SubscriptionSecret.objects.exists()
