"""How Bob and Carol are left in peace: what they do without, quiet hours, and what comes together. Nothing is lost."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from escalations.clocks import due_steps
from escalations.forecast import simulate
from escalations.models import Policy, PolicyStep, StepRun
from notifications import reasons
from notifications.admin.ledger import timeline
from notifications.items import ledger
from notifications.models import (
    Category,
    CategoryChoice,
    CategoryDefault,
    Delivery,
    DeliveryState,
    Frequency,
    Preferences,
    QuietHours,
    Recipient,
    Task,
    Team,
    Template,
)
from notifications.preferences import change_effects
from tests.support.world import World

EVENING = datetime(2026, 11, 27, 21, tzinfo=UTC)  # a Friday; 22:00 in Berlin
HOUR = timedelta(hours=1)
MORNING = datetime(2026, 11, 28, 6, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def assign(world: World, id: str = "T-42", **task: Any) -> None:
    world.send("task.assigned", {"task": {"id": id, "name": f"Approve {id}", "assignee": "bob", **task}})


def of(person: Recipient, channel: str = "email") -> list[tuple[str, str]]:
    rows = Delivery.objects.filter(recipient=person, channel=channel).order_by("pk")
    return [(row.state, row.reason) for row in rows]


def test_what_comes_at_night_waits_and_comes_in_the_morning(world: World, bob: Recipient, night: QuietHours) -> None:
    with time_machine.travel(EVENING, tick=False):
        assign(world)
        assert mail.outbox == []
        assert of(bob) == [("pending", "quiet hours until 2026-11-28 07:00 CET")]
        assert [each["title"] for each in world.inbox("bob")] == ["Approve T-42"]  # the inbox has it at once
    with time_machine.travel(MORNING - timedelta(seconds=1), tick=False):
        world.run()
        assert mail.outbox == []
    with time_machine.travel(MORNING, tick=False):
        world.run()
    assert [each.to for each in mail.outbox] == [["bob@example.org"]]
    assert of(bob) == [("delivered", "")]


def test_what_is_urgent_comes_at_once_and_once(world: World, bob: Recipient, night: QuietHours) -> None:
    with time_machine.travel(EVENING, tick=False):
        assign(world, "T-1", priority="urgent")
        assert len(mail.outbox) == 1
        assign(world, "T-2")
        world.send("task.updated", {"task": {"id": "T-2", "priority": "urgent"}})
        assert len(mail.outbox) == 2
    assert of(bob)[1:] == [("superseded", "A newer message says the same"), ("delivered", "")]
    with time_machine.travel(MORNING, tick=False):
        world.run()
    assert len(mail.outbox) == 2


def test_what_has_been_decided_by_the_morning_is_not_sent(world: World, bob: Recipient, night: QuietHours) -> None:
    with time_machine.travel(EVENING, tick=False):
        assign(world)
        world.respond("bob", "approve")
    with time_machine.travel(MORNING, tick=False):
        world.run()
    assert mail.outbox == []
    assert [state for state, _ in of(bob)] == ["superseded"]


def test_whoever_changes_their_quiet_hours_hears_by_the_new_ones(
    world: World, bob: Recipient, night: QuietHours
) -> None:
    with time_machine.travel(EVENING, tick=False):
        assign(world)
        night.ends = time(9)
        night.save()
        change_effects.apply(bob, timezone.now())
        assert of(bob) == [("pending", "quiet hours until 2026-11-28 09:00 CET")]
        night.delete()
        change_effects.apply(bob, timezone.now())
        world.run()
        assert len(mail.outbox) == 1


def test_quiet_hours_that_were_set_after_it_was_planned_count(world: World, bob: Recipient) -> None:
    with time_machine.travel(EVENING, tick=False):
        mail_server_is_asked = Delivery.objects.filter(channel="email")
        event = {"task": {"id": "T-42", "name": "Approve", "assignee": "bob"}}
        world.post(
            "/api/v1/events", {"specversion": "1.0", "id": "e", "source": "s", "type": "task.assigned", "data": event}
        )
        world._work()
        assert mail_server_is_asked.get().held is None
        QuietHours.objects.create(recipient=bob, days=[4], begins=time(22), ends=time(7))
        world.run()
        assert mail.outbox == []
        row = mail_server_is_asked.get()
        assert (row.held, row.attempts, row.due_at) == ("quiet", 0, MORNING)
    with time_machine.travel(MORNING, tick=False):
        world.run()
        assert len(mail.outbox) == 1


def test_updates_come_together_at_set_times(world: World, bob: Recipient) -> None:
    Category.objects.update(frequency=Frequency.DIGEST)
    Preferences.objects.create(recipient=bob, digest_times=[time(18)])
    with time_machine.travel(EVENING, tick=False):
        case = {"id": "C-1", "title": "Claim", "status": "under_review"}
        world.send("case.status_changed", {"case": case, "recipients": ["bob"]})
        rows = Delivery.objects.filter(channel="email", state="pending")
        assert [row.reason for row in rows] == ["comes in a digest at 2026-11-28 18:00 CET"]
        assign(world)
        assert len(mail.outbox) == 1  # somebody waits for an answer
    with time_machine.travel(datetime(2026, 11, 28, 17, tzinfo=UTC), tick=False):
        world.run()
        assert not rows.all().exists()


@pytest.mark.parametrize(
    ("critical", "mails", "reason"), [(False, 0, "quiet hours until 2026-11-28 07:00 CET"), (True, 1, "")]
)
def test_a_step_says_when_it_is_heard_and_a_critical_one_is_heard_at_once(
    world: World, bob: Recipient, night: QuietHours, critical: bool, mails: int, reason: str
) -> None:
    """And the simulation has the same rows."""
    made = Policy.objects.create(name="Approvals", time="wall", clock="duration", minutes=60)
    reminder, approvals = Template.objects.get(slug="task-reminder"), Category.objects.get(slug="approvals")
    PolicyStep.objects.create(
        policy=made, offset=0, time="wall", target="assignee", template=reminder, category=approvals, critical=critical
    )
    with time_machine.travel(EVENING - HOUR, tick=False):
        assign(world)
        mail.outbox.clear()
        foreseen = simulate.of_task(Task.objects.get(), timezone.now()).rows
    with time_machine.travel(EVENING, tick=False):
        due_steps.drain()
        world.run()
        assert len(mail.outbox) == mails
        assert foreseen == [simulate.row_of(run) for run in StepRun.objects.all()]
    (person,) = timeline.dry_lines({"recipients": foreseen[0].told}, "")
    would = f"would wait: {reason}" if reason else "would be sent"
    assert [line.text for line in person.below][1:] == [f"e-mail bob@example.org: {would}"]
    channels = {each["channel"]: str(reasons.read(each)) for each in foreseen[0].told[0]["channels"]}
    assert channels == {"live": "", "email": reason}
    with time_machine.travel(MORNING, tick=False):
        world.run()
    assert len(mail.outbox) == 1


def test_bob_does_without_mails_of_a_category_and_nobody_without_mandatory_ones(world: World, bob: Recipient) -> None:
    carol, category = Recipient.objects.get(ref="carol"), Category.objects.get(slug="approvals")
    CategoryDefault.objects.create(team=Team.objects.get(slug="finance"), category=category, channels={"email": False})
    CategoryChoice.objects.create(recipient=carol, category=category, channels={"email": True})
    assign(world)
    world.send("task.assigned", {"task": {"id": "T-2", "name": "Approve", "assignee": "carol"}})
    assert of(bob) == [("suppressed", "turned off for team Finance")]
    assert of(carol) == [("delivered", "")]
    carols = CategoryChoice.objects.get(recipient=carol)
    carols.channels = {"email": False}
    carols.save()
    world.send("task.assigned", {"task": {"id": "T-3", "name": "Approve", "assignee": "carol"}})
    assert of(carol)[1:] == [("suppressed", "turned off by this person")]
    category.mandatory = ["email"]
    category.save()
    world.send("task.assigned", {"task": {"id": "T-4", "name": "Approve", "assignee": "carol"}})
    assert of(carol)[2:] == [("delivered", "")]
    assert sum(ledger.sums(Delivery.objects.all()).values()) == Delivery.objects.count()
    assert not Delivery.objects.filter(state=DeliveryState.PENDING).exists()
