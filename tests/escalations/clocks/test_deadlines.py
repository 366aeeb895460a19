"""A task's date is the one that counts, wherever people see it: whatever moves the deadline moves it there."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from escalations.clocks import due_steps, policy_reload
from escalations.models import Escalation, OnAcknowledge, Policy
from notifications.engines import callback, callback_claims
from notifications.items.representation import iso_utc, notification_json
from notifications.models import Callback, Delivery, Device, Notification, Recipient, Task
from notifications.reasons import said
from tests.support.story import Story
from wfpush.queue import outbox

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def policy(story: Story) -> Policy:
    """Nobody has longer than eight hours."""
    return Policy.objects.create(name="Eight hours", clock="duration", minutes=8 * 60, time="wall")


def give(policy: Policy, now: datetime, **fields: object) -> None:
    """Open tasks follow the policy as it is after this change."""
    Policy.objects.filter(pk=policy.pk).update(**fields)
    assert policy_reload.mark(policy, now)
    while due_steps.tick(now):
        pass


def seen(person: Recipient) -> list[tuple[str, str | None, int]]:
    """What the API and the page show: task, due date, seq; in the order in which they changed."""
    rows = [notification_json(row) for row in Notification.objects.filter(recipient=person).order_by("seq")]
    return [(row["task"]["id"], row["due_at"], row["seq"]) for row in rows]


def deadline(task_id: str = "T-42") -> datetime:
    """The one that counts."""
    due = Task.objects.get(task_id=task_id).deadline
    assert due is not None
    return due


# --- a policy that is edited ------------------------------------------------------------------------------------------
def test_who_has_it_sees_the_date_of_the_edited_policy(story: Story, policy: Policy) -> None:
    story.assign("T-1", candidates=["bob", "carol"])
    story.assign("T-2", candidates=["bob", "alice"])
    before = deadline("T-1"), deadline("T-2")
    Notification.objects.update(read_at=timezone.now())

    give(policy, timezone.now(), minutes=9 * 60)

    first, second = (iso_utc(each + HOUR) for each in before)
    assert (iso_utc(deadline("T-1")), iso_utc(deadline("T-2"))) == (first, second)
    assert seen(story.bob) == [("T-1", first, 3), ("T-2", second, 4)]
    assert seen(story.carol) == [("T-1", first, 2)]
    assert not Notification.objects.filter(read_at=None).exists(), "it is no news"


def test_what_is_due_as_before_changes_nothing(story: Story, policy: Policy) -> None:
    story.assign()
    give(policy, timezone.now(), pauses=False)
    assert seen(story.bob) == [("T-42", iso_utc(deadline()), 1)]


def test_devices_follow(story: Story, policy: Policy) -> None:
    story.assign()
    device = Device.objects.create(recipient=story.bob, channel="webpush", digest="d", name="Firefox")
    copy = story.copy(story.bob)
    about = {"event": copy.event, "notification": copy, "recipient": story.bob, "channel": "webpush", "device": device}
    shown = Delivery.objects.create(**about, address="a", state="delivered", created_at=timezone.now())
    give(policy, timezone.now(), minutes=9 * 60)
    shown.refresh_from_db()
    assert shown.outdated
    assert shown.due_at is not None


def test_without_a_policy_the_engines_date_counts_again(story: Story, policy: Policy) -> None:
    due = timezone.now().replace(microsecond=0) + 3 * DAY
    story.assign(due_at=due.isoformat())
    assert deadline() != due
    give(policy, timezone.now(), enabled=False)
    assert seen(story.bob) == [("T-42", iso_utc(due), 2)]


# --- what the engine makes of answers ---------------------------------------------------------------------------------
def engine_refuses() -> None:
    Callback.objects.update(due_at=timezone.now())
    (claimed,) = outbox.claim(Callback.objects.all(), limit=1, lease=callback_claims.LEASE, now=timezone.now())
    callback.record(claimed, callback.Result("refused", 422, said("Ask somebody else.")), timezone.now())


def test_a_question_that_the_engine_refuses_has_moved_the_date_by_as_long_as_it_was_open(
    story: Story, policy: Policy
) -> None:
    Policy.objects.update(pauses=True)
    story.assign(initiator="alice")
    before = deadline()
    story.answer(story.bob, "request_info", "Which cost centre?")
    escalation = story.task().escalations.get()
    escalation.paused_at -= HOUR
    escalation.save()

    engine_refuses()

    assert deadline() > before + HOUR - timedelta(seconds=1)
    assert story.copy(story.bob).due_at == deadline()
    assert story.copy(story.bob).seq == 3, "asked and read, refused: one change each"


@pytest.mark.parametrize("action", ["approve", "acknowledge"])
def test_a_task_that_is_open_again_shows_the_date_of_the_policy_that_fits_by_now(story: Story, action: str) -> None:
    story.assign()
    story.answer(story.bob, action)
    Policy.objects.create(name="Eight hours", clock="duration", minutes=8 * 60, time="wall")

    engine_refuses()

    assert story.copy(story.bob).due_at == deadline()


# --- what the engine says of the task ---------------------------------------------------------------------------------
def test_an_acknowledged_task_follows_its_engine_too(story: Story) -> None:
    Policy.objects.create(name="Approvals", clock="due", time="wall", on_acknowledge=OnAcknowledge.STOPS)
    first, other = (timezone.now().replace(microsecond=0) + days * DAY for days in (1, 3))
    story.assign(due_at=first.isoformat())
    story.answer(story.bob, "acknowledge")

    story.happen("task.updated", {"task": {"id": "T-42", "due_at": other.isoformat()}}, minute=5)

    assert (deadline(), story.copy(story.bob).due_at) == (other, other)
    escalation = story.task().escalations.get()
    assert (escalation.state, escalation.deadline, escalation.due_at) == ("stopped", other, None)


def test_who_gets_a_task_that_no_policy_fits_any_more_sees_the_engines_date(story: Story, policy: Policy) -> None:
    due = timezone.now().replace(microsecond=0) + 3 * DAY
    story.assign(due_at=due.isoformat())
    Policy.objects.update(enabled=False)

    story.assign(minute=1, assignee="carol", due_at=due.isoformat())

    assert (deadline(), story.copy(story.carol).due_at) == (due, due)


@pytest.mark.parametrize("first", ["task.updated", "task.info_supplied"])
def test_a_task_that_is_told_of_before_it_is_assigned_has_one_clock(story: Story, first: str) -> None:
    story.tell_manager_when_due()
    due_at = "2026-11-03T09:00:00Z"
    story.happen(first, {"task": {"id": "T-42", "name": "Approve it", "due_at": due_at}, "info": "42"})
    assigned = story.assign(due_at=due_at, minute=None)
    assert (assigned.status, assigned.error) == ("processed", "")
    assert Escalation.objects.get().deadline.isoformat() == "2026-11-03T09:00:00+00:00"
