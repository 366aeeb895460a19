"""A step that gives Bob's task to somebody else: whom it names, what the engine is asked, and where that ends."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import translation

from escalations.admin import timeline
from escalations.clocks import due_steps
from escalations.models import Escalation, Policy, PolicyStep, StepRun
from notifications.admin.ledger.timeline import trace
from notifications.connectors.reasons import HAS_IT_MEANWHILE
from notifications.models import Absence, Callback, CallbackState, FourEyesRule, Recipient
from notifications.reasons import Reason, read
from tests.factories import RecipientFactory
from tests.support.story import Story

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
DUE = NOON + 4 * HOUR


@pytest.fixture
def policy(story: Story) -> Policy:
    made = Policy.objects.create(name="Approvals", time="wall")
    give(made)
    return made


def give(policy: Policy, minutes: int = 0, target: str = "manager", **fields: Any) -> PolicyStep:
    return PolicyStep.objects.create(
        policy=policy, kind="reassign", time="wall", offset=minutes, target=target, **fields
    )


def assign(story: Story, now: datetime = NOON, due: datetime | None = DUE, **task: Any) -> None:
    dated = {"due_at": due.isoformat()} if due else {}
    with time_machine.travel(now, tick=False):
        story.assign(minute=None, **dated, **task)


def tick(now: datetime) -> list[tuple[str, str]]:
    """What the steps taken came to, and why."""
    known = set(StepRun.objects.values_list("pk", flat=True))
    with time_machine.travel(now, tick=False):
        while due_steps.tick(now):
            pass
    return [(run.result, run.why) for run in StepRun.objects.exclude(pk__in=known).order_by("pk")]


def calls() -> list[Any]:
    """What the engine is told, in order."""
    return [json.loads(body) for body in Callback.objects.order_by("position").values_list("body", flat=True)]


def engine_obeys(story: Story, now: datetime) -> str:
    """It has given the task to whom it was asked to, and says so."""
    call = Callback.objects.latest("position")
    Callback.objects.filter(pk=call.pk).update(state=CallbackState.DELIVERED, due_at=None, ended_at=now)
    new: str = json.loads(call.body)["data"]["to"]["ref"]
    clock = Policy.objects.get().clock
    assign(story, now, DUE if clock == "due" else None, assignee=new)
    return new


def asked(name: str, reason: str) -> tuple[str, str]:
    return "done", f"Invoices is asked to give it to {name} ({reason})"


# --- what the engine is asked -----------------------------------------------------------------------------------------
def test_the_engine_is_asked_in_its_turn_who_has_it_now_and_who_is_to(story: Story, policy: Policy) -> None:
    assign(story)
    with time_machine.travel(NOON, tick=False):
        story.answer(story.bob, "acknowledge")

    assert tick(DUE) == [asked("Carol", "manager of Bob")]

    _, call = calls()
    row = Callback.objects.latest("position")
    assert (call["type"], call["id"], call["subject"], row.position) == (
        "task.reassignment_requested",
        str(row.pk),
        "T-42",
        2,
    )
    assert call["data"] == {
        "task_id": "T-42",
        "case_id": "4711",
        "policy": "Approvals",
        "step": 1,
        "number": 0,
        "due_at": "2026-11-25T16:00:00Z",
        "raised_at": "2026-11-25T16:00:00Z",
        "assignee": {"ref": "bob", "name": "Bob"},
        "to": {"ref": "carol", "name": "Carol"},
    }
    assert story.states() == {"bob": "open"}, "nothing changes here before it has there"


def test_of_a_task_that_nobody_has_it_says_nobody(story: Story, policy: Policy) -> None:
    policy.steps.update(target="team_lead")
    assign(story, candidates=["bob"], teams=["finance"])
    assert tick(DUE) == [asked("Carol", "lead of team Finance")]
    assert calls()[0]["data"]["assignee"] is None


def test_of_one_whom_nobody_here_knows_it_says_what_the_engine_calls_them(story: Story, policy: Policy) -> None:
    policy.steps.update(target="person", person=story.carol)
    assign(story, assignee="dave")
    assert tick(DUE) == [asked("Carol", "named by the policy")]
    assert calls()[0]["data"]["assignee"] == {"ref": "dave", "name": "dave"}


# --- whom it names ----------------------------------------------------------------------------------------------------
def test_who_is_away_is_stood_in_for(story: Story, policy: Policy) -> None:
    policy.steps.update(target="person", person=story.carol)
    Absence.objects.create(recipient=story.carol, delegate=story.alice, begins_at=NOON - DAY, ends_at=NOON + DAY)
    assign(story)
    assert tick(DUE) == [asked("Alice", "delegate of Carol (named by the policy)")]


def test_where_there_is_no_manager_the_fallback_owner_gets_it(story: Story, policy: Policy) -> None:
    Policy.objects.update(fallback=story.alice)
    Recipient.objects.filter(pk=story.bob.pk).update(manager=None)
    assign(story)
    assert tick(DUE) == [asked("Alice", "fallback owner: Bob has no manager")]


@pytest.mark.parametrize(
    ("break_it", "result", "why"),
    [
        (lambda story: Recipient.objects.filter(ref="bob").update(manager=None), "nobody", "Bob has no manager"),
        (lambda story: type(story.engine).objects.update(callback_url=""), "nobody", "Invoices has no address to call"),
        (lambda story: PolicyStep.objects.update(target="person", person=story.bob), "done", "Bob has it already"),
    ],
)
def test_where_nobody_is_asked_it_says_why(story: Story, policy: Policy, break_it: Any, result: str, why: str) -> None:
    break_it(story)
    assign(story)
    assert tick(DUE) == [(result, why)]
    assert calls() == []


def test_whoever_may_not_decide_it_gets_it_all_the_same_and_it_says_so(story: Story, policy: Policy) -> None:
    FourEyesRule.objects.create(name="Invoices")
    assign(story, initiator="carol")
    ((result, why),) = tick(DUE)
    note = "Carol may not decide it, by “Invoices”"
    assert (result, why) == ("done", f"{asked('Carol', 'manager of Bob')[1]}; {note}")
    both = read(StepRun.objects.get(), "why").argument("reasons")
    assert isinstance(both, tuple)
    assert [each.code for each in both if isinstance(each, Reason)] == ["engine_asked", "four_eyes"]


# --- where it ends ----------------------------------------------------------------------------------------------------
def test_whoever_gets_what_is_overdue_already_is_not_passed_over_at_once(story: Story, policy: Policy) -> None:
    Recipient.objects.filter(pk=story.carol.pk).update(manager=RecipientFactory(ref="dave", name="Dave"))
    give(policy, 120)
    assign(story)
    tick(DUE)
    assert engine_obeys(story, DUE + MINUTE) == "carol"

    assert tick(DUE + 2 * MINUTE) == [("too_early", "Its time was before the task was created")]
    assert tick(DUE + 2 * HOUR) == [asked("Dave", "manager of Carol")]
    engine_obeys(story, DUE + 3 * HOUR)
    assert {result for result, _ in tick(DUE + 30 * DAY)} == {"too_early"}


def test_what_comes_overdue_is_not_taken_from_who_has_just_got_it(story: Story, policy: Policy) -> None:
    assign(story, DUE + DAY)
    assert tick(DUE + DAY) == [("too_early", "Its time was before the task was created")]


@pytest.mark.parametrize("fallback", [None, "alice"])
def test_managers_in_a_circle_do_not_pass_it_round(story: Story, policy: Policy, fallback: str | None) -> None:
    """Each time somebody new has it, their whole time begins; with the fallback owner, too, the circle is closed."""
    person = Recipient.objects.get(ref=fallback) if fallback else None
    Policy.objects.update(clock="duration", minutes=60, fallback=person)
    Recipient.objects.filter(pk=story.carol.pk).update(manager=None if fallback else story.bob)
    assign(story, due=None)

    has_it, ends = ["bob"], []
    for hour in range(1, 8):
        now = NOON + hour * HOUR + hour * MINUTE
        ends = tick(now) or ends
        if Callback.objects.filter(state=CallbackState.WAITING).exists():
            has_it.append(engine_obeys(story, now))

    assert has_it == ["bob", "carol", *([fallback] if fallback else [])]
    assert ends == [("nobody", "Bob had it before, and does not get it back")]
    assert not Escalation.objects.filter(due_at__isnull=False).exists()


# --- on the desk ------------------------------------------------------------------------------------------------------
def test_the_story_of_a_clock_tells_what_the_engine_made_of_it(story: Story, policy: Policy) -> None:
    assign(story)
    tick(DUE)
    Callback.objects.update(
        state=CallbackState.HANDLED, detail_fact=HAS_IT_MEANWHILE(name="dave").as_json(), due_at=None, ended_at=DUE
    )

    told = trace(StepRun.objects.get().event)
    line = timeline.lines(Escalation.objects.get())[1]

    assert line.text == "when due: reassign the task to the assignee's manager"
    assert line.detail == asked("Carol", "manager of Bob")[1]
    assert [(below.text, below.detail) for below in line.below] == [
        ("the engine had handled it already", "In the engine dave has it meanwhile.")
    ]
    with translation.override("de"):
        german = timeline.lines(Escalation.objects.get())[1].detail
    assert german == "Invoices soll sie Carol geben (Vorgesetzte Person von Bob)"
    assert (told[-1].text, told[-1].detail) == (line.below[0].text, line.below[0].detail)
