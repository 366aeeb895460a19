"""What happens to messages and tasks is recorded once, in its transaction, and told without personal data but refs."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from escalations.clocks import due_steps
from escalations.forecast import simulate
from escalations.models import RunResult, StepTarget
from notifications.event_subscriptions.models import EventSubscription, OutgoingEvent
from notifications.event_subscriptions.tests.conftest import Subscribe, dispatch
from notifications.items import inbox_items, ledger
from notifications.models import Delivery, DeliveryState, Engine, Notification, Recipient, Task
from notifications.reasons import TOO_OLD
from notifications.routing import entitlement_review
from tests.factories import TeamFactory
from tests.support.receiver import Receiver
from tests.support.story import Story
from tests.test_docs_samples import members, sample
from wfpush.queue import outbox

pytestmark = pytest.mark.django_db(transaction=True)
LEASE = outbox.LONGEST_LEASE


def kinds() -> list[str]:
    return list(OutgoingEvent.objects.order_by("occurred_at", "id").values_list("kind", flat=True))


def told(receiver: Receiver) -> dict[str, Any]:
    """The one event that came."""
    dispatch()
    (call,) = receiver.calls
    event: dict[str, Any] = json.loads(call.body)
    assert event["id"] == call.id
    documented = sample(f'"type": "{event["type"]}"')
    if event["data"].get("escalation", ...) is None:  # the sample is of a step
        documented["data"]["escalation"] = None
    assert members(event) == members(documented), "as docs/api/event-subscriptions.md has it"
    return event


def end(state: DeliveryState, story: Story, **fields: Any) -> None:
    """Bob's e-mail ends."""
    now = timezone.now()
    rows = Delivery.objects.filter(channel="email", recipient=story.bob, state=DeliveryState.PENDING)
    (row,) = outbox.claim(rows, limit=1, lease=LEASE, now=now)
    ledger.begin([row], now)
    ledger.record([ledger.outcome(row, state, **fields)], now)


def test_without_a_subscription_nothing_is_written(story: Story) -> None:
    story.assign()
    end(DeliveryState.DELIVERED, story)
    story.answer(story.bob, "approve")
    assert not OutgoingEvent.objects.exists()


def test_a_delivered_message(story: Story, subscribe: Subscribe, receiver: Receiver, settings: Any) -> None:
    subscribe(kinds=["message.delivered"])
    story.assign()
    end(DeliveryState.DELIVERED, story)
    event = told(receiver)
    assert event == {
        "specversion": "1.0",
        "id": event["id"],
        "source": settings.BASE_URL,
        "type": "message.delivered",
        "subject": "T-42",
        "time": event["time"],
        "datacontenttype": "application/json",
        "data": {
            "engine": "invoices",
            "task_id": "T-42",
            "case_id": "4711",
            "event": {"id": "e-1", "source": "invoices"},
            "notification_id": str(story.copy(story.bob).pk),
            "recipient": {"ref": "bob"},
            "channel": "email",
        },
    }


@pytest.mark.parametrize("state", [DeliveryState.DEAD, DeliveryState.EXPIRED])
def test_an_undeliverable_message(state: DeliveryState, story: Story, subscribe: Subscribe, receiver: Receiver) -> None:
    subscribe(kinds=["message.undeliverable"])
    story.assign()
    end(state, story, reason=TOO_OLD())
    data = told(receiver)["data"]
    assert (data["state"], data["reason"], data["channel"]) == (state, "too_old", "email")


def test_a_message_that_waits_or_is_not_needed_is_no_news(story: Story, subscribe: Subscribe) -> None:
    subscribe(kinds=["message.delivered", "message.undeliverable"])
    story.assign()
    end(DeliveryState.SUPERSEDED, story)
    assert kinds() == []


def test_a_read_message_is_told_once(story: Story, subscribe: Subscribe, receiver: Receiver) -> None:
    subscribe(kinds=["message.read"])
    story.assign()
    for _ in range(2):
        with transaction.atomic():
            inbox_items.mark_read(Notification.objects.filter(recipient=story.bob), timezone.now(), opened_by="email")
    event = told(receiver)
    assert (event["type"], event["data"]["recipient"], event["data"]["via"]) == (
        "message.read",
        {"ref": "bob"},
        "email",
    )


def test_an_answer(story: Story, subscribe: Subscribe, receiver: Receiver) -> None:
    subscribe(kinds=["task.answered", "message.read"])
    story.assign()
    recorded = story.answer(story.bob, "approve", "The text is nobody's business.", via="inbox")
    assert kinds() == ["message.read", "task.answered"]
    OutgoingEvent.objects.filter(kind="message.read").delete()
    event = told(receiver)
    assert event["data"] == {
        "engine": "invoices",
        "task_id": "T-42",
        "case_id": "4711",
        "event": {"id": "e-1", "source": "invoices"},
        "answer_id": str(recorded.response.pk),
        "action": "approve",
        "effect": "final",
        "responded_by": {"ref": "bob"},
        "via": "inbox",
    }


def test_an_escalation(story: Story, subscribe: Subscribe, receiver: Receiver) -> None:
    subscribe(kinds=["task.escalated"])
    story.tell_manager_when_due()
    story.assign(due_at="2026-11-02T10:00:00Z")
    due_steps.drain()
    event = told(receiver)
    assert event["data"] | {"event": None} == {
        "engine": "invoices",
        "task_id": "T-42",
        "case_id": "4711",
        "event": None,
        "policy": "Approvals",
        "step": 1,
        "number": 0,
        "due_at": "2026-11-02T10:00:00Z",
    }


def test_a_task_that_finds_nobody(story: Story, subscribe: Subscribe, receiver: Receiver) -> None:
    subscribe(kinds=["task.unreachable"])
    story.assign(assignee="nobody-here")
    event = told(receiver)
    assert (event["type"], event["subject"], event["data"]["state"]) == ("task.unreachable", "T-42", "open")
    assert event["data"]["escalation"] is None


def test_a_step_that_reaches_nobody_is_told_once(story: Story, subscribe: Subscribe, receiver: Receiver) -> None:
    subscribe()
    policy = story.tell_manager_when_due()
    story.add_step(policy, 1, StepTarget.ASSIGNEE)
    story.add_step(policy, 2, StepTarget.TEAM_LEAD, team=TeamFactory(name="Auditors"))
    Recipient.objects.filter(pk=story.bob.pk).update(manager=None)
    story.assign(due_at="2026-11-02T10:00:00Z")
    due = datetime(2026, 11, 2, 10, tzinfo=UTC)

    for minutes in (0, 0, 1, 2):
        due_steps.tick(due + timedelta(minutes=minutes))

    assert sorted(kinds()) == ["task.escalated", "task.unreachable", "task.unreachable"]
    OutgoingEvent.objects.exclude(occurred_at=due).delete()
    data = told(receiver)["data"]
    assert (data["task_id"], data["state"], data["event"]) == ("T-42", "open", {"id": "e-1", "source": "invoices"})
    assert data["escalation"] == {
        "policy": "Approvals",
        "step": 1,
        "number": 0,
        "due_at": "2026-11-02T10:00:00Z",
        "reasons": ["no_manager"],
    }


def test_a_simulated_step_that_reaches_nobody_is_no_news(story: Story, subscribe: Subscribe) -> None:
    subscribe()
    story.tell_manager_when_due()
    Recipient.objects.filter(pk=story.bob.pk).update(manager=None)
    story.assign(due_at="2026-11-02T10:00:00Z")
    (row,) = simulate.of_task(Task.objects.get(), timezone.now()).rows
    assert row.result == RunResult.NOBODY
    assert kinds() == []


def test_a_task_whose_last_person_leaves(story: Story, subscribe: Subscribe, receiver: Receiver) -> None:
    subscribe(kinds=["task.unreachable"])
    story.assign(teams=["finance"])
    assert kinds() == []
    story.finance.members.clear()
    entitlement_review.drain()
    assert told(receiver)["data"]["task_id"] == "T-42"


def test_an_event_comes_with_the_change_or_not_at_all(story: Story, subscribe: Subscribe) -> None:
    subscribe()
    with transaction.atomic():
        story.assign()
        end(DeliveryState.DELIVERED, story)
        assert kinds() == ["message.delivered"]
        transaction.set_rollback(True)
    assert kinds() == []


def test_a_subscription_gets_what_it_wants_of_its_engine(story: Story, subscribe: Subscribe) -> None:
    other = Engine.objects.create(slug="loans", name="Loans")
    subscribe("of all", kinds=["message.delivered"])
    subscribe("of this engine", engine=story.engine)
    subscribe("of another", engine=other)
    subscribe("of others", kinds=["task.escalated"])
    subscribe("off", active=False)
    story.assign()
    end(DeliveryState.DELIVERED, story)
    names = OutgoingEvent.objects.order_by("subscription__name").values_list("subscription__name", flat=True)
    assert list(names) == ["of all", "of this engine"]


def test_a_subscription_that_is_being_deleted_holds_up_nobody(story: Story, subscribe: Subscribe) -> None:
    row = subscribe(kinds=["message.delivered"])
    story.assign()
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("DELETE FROM event_subscriptions_subscriptionsecret")
            cursor.execute("DELETE FROM event_subscriptions_eventsubscription WHERE id = %s", [row.pk])
        end(DeliveryState.DELIVERED, story)
        other.rollback()
    finally:
        other.close()
    assert kinds() == []
    EventSubscription.objects.update(name="Renamed, and still there")
    story.assign("T-2")
    end(DeliveryState.DELIVERED, story)
    assert kinds() == ["message.delivered"]


def test_a_message_costs_no_statement_more(story: Story, subscribe: Subscribe) -> None:
    def statements() -> int:
        story.assign(task_id=f"T-{EventSubscription.objects.count()}")
        with CaptureQueriesContext(
            connection,
        ) as captured:
            end(DeliveryState.DELIVERED, story)
        return len(captured)

    before = statements()
    subscribe()
    assert statements() == before
    assert kinds() == ["message.delivered"]
