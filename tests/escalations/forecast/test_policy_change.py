"""What an edited policy would change for open tasks is what it changes, once they are given it."""

from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from escalations.clocks import clock, due_steps, policy_reload
from escalations.forecast import policy_change, simulate
from escalations.forecast.policy_change import Change, Turn
from escalations.kinds import KINDS
from escalations.models import Escalation, EscalationState, Policy, PolicyStep, RunResult, StepRun
from escalations.policies.rules import rules_of
from notifications.models import Notification
from tests.escalations.cases import CALENDARS, DAY, MINUTE, STARTS, Case, firms, histories, policies, steps, undone
from tests.escalations.model import Firm, Json
from tests.soak.installation import LONG

pytestmark = [pytest.mark.django_db, pytest.mark.soak]

START = STARTS[0]
DUE = START + 600 * MINUTE
NOBODY_AWAY = Firm({"alice": "dave", "bob": "carol", "carol": "dave", "dave": None}, "carol", [])
POLICY = {
    "clock": "due",
    "minutes": 60,
    "time": "wall",
    "pauses": True,
    "on_acknowledge": "goes_on",
    "hold_minutes": 60,
    "fallback": None,
}


def row(offset: int, target: str = "manager", **fields: Any) -> Json:
    blank = {"kind": "notify", "time": "wall", "repeat_every": None, "repeats": 0, "level": 1, "person": "dave"}
    return {**blank, "offset": offset, "target": target, **fields}


def case(*rows: Json, **fields: Any) -> Case:
    """Bob's task, due in ten hours."""
    return Case(NOBODY_AWAY, {**POLICY, **fields}, list(rows), "munich office", START, DUE)


def changes(policy: Policy, now: datetime) -> list[Change]:
    return policy_change.of_policy(policy, now).changes


def turn(policy: Policy, now: datetime = START) -> Turn | None:
    found = changes(policy, now)
    return found[0].turn if found else None


def give(policy: Policy, now: datetime) -> Escalation:
    assert policy_reload.mark(policy, now) == 1
    while due_steps.tick(now):
        pass
    return Escalation.objects.get()


# --- foreseen -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rows", "fields", "expected"),
    [
        ([row(0)], {}, None),
        ([row(-60)], {}, Turn.SOONER),
        ([row(60)], {}, Turn.LATER),
        ([], {}, Turn.NEVER),
        ([row(0, "person")], {}, Turn.OTHERWISE),
        ([row(0), row(60)], {}, Turn.OTHERWISE),
        ([row(0)], {"clock": "duration", "minutes": 300}, Turn.SOONER),
        ([row(0)], {"enabled": False}, Turn.NEVER),
    ],
)
def test_what_each_edit_would_change(rows: list[Json], fields: Json, expected: Turn | None) -> None:
    made = case(row(0))
    assert turn(made.edit({**POLICY, **fields}, rows)) == expected


def test_a_new_name_changes_nothing_for_anybody() -> None:
    made = case(row(0))
    Policy.objects.update(name="Renamed")
    assert changes(made.edit(POLICY, [row(0)]), START) == []


def test_a_task_to_which_nothing_was_to_come_escalates() -> None:
    made = case()
    assert turn(made.edit(POLICY, [row(0)])) == Turn.FIRST


def test_steps_that_were_taken_are_not_to_come_again() -> None:
    made = case(row(-60), row(0))
    made.clock_until(START, DUE - 30 * MINUTE)
    assert changes(made.edit(POLICY, [row(-90), row(0)]), DUE - 30 * MINUTE) == []


def test_a_clock_by_another_policy_only_joins() -> None:
    made = case(row(0))
    other = Policy.objects.create(name="Q", position=1)
    found = policy_change.of_policy(other, START)
    assert (found.clocks, found.changes, found.joining) == (0, [], 1)
    assert policy_reload.mark(other, START) == 0
    Policy.objects.update(enabled=False)
    made.send("task.assigned", START, id="T-2", name="Without", assignee="bob", due_at=DUE.isoformat())
    Policy.objects.filter(pk=other.pk).update(enabled=True)
    assert policy_change.of_policy(other, START).joining == 2, "one follows P, and one has no clock"


def test_no_more_are_looked_at_than_is_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy_change, "MAX_CLOCKS", 2)
    made = case(row(0))
    for number in range(2, 5):
        made.send("task.assigned", START, id=f"T-{number}", name="x", assignee="bob", due_at=DUE.isoformat())
    found = policy_change.of_policy(made.edit(POLICY, [row(-60)]), START)
    assert (found.clocks, len(found.changes)) == (3, 2)


# --- given --------------------------------------------------------------------------------------------------------
def test_open_tasks_keep_their_rules_unless_they_are_given_others() -> None:
    made = case(row(0))
    made.edit(POLICY, [row(60)])
    made.clock_until(START, DUE)
    assert StepRun.objects.get().due_at == DUE


def test_what_is_given_counts_from_then_on() -> None:
    made = case(row(0))
    given_one = give(made.edit(POLICY, [row(60)]), START)
    assert (given_one.due_at, given_one.anew) == (DUE + 60 * MINUTE, False)
    made.clock_until(START, DUE + DAY)
    assert StepRun.objects.get().due_at == DUE + 60 * MINUTE


def test_what_is_overdue_by_the_new_rules_comes_at_once_and_once() -> None:
    made, now = case(row(600)), DUE + 60 * MINUTE
    policy = made.edit(POLICY, [row(-120), row(-60), row(0), row(600)])
    give(policy, now)
    assert [(run.due_at, run.result) for run in StepRun.objects.order_by("due_at")] == [
        (DUE - 120 * MINUTE, RunResult.OVERTAKEN),
        (DUE - 60 * MINUTE, RunResult.OVERTAKEN),
        (DUE, RunResult.DONE),
    ]
    give(policy, now + MINUTE)
    assert StepRun.objects.count() == 3, "no step is taken twice"


def test_a_task_that_no_policy_fits_any_more_is_over() -> None:
    made = case(row(0))
    given_one = give(made.edit({**POLICY, "enabled": False}, [row(0)]), START)
    assert (given_one.state, given_one.end_reason) == (EscalationState.CLOSED, "no policy matches any more")


def test_pauses_stay_counted() -> None:
    made = case(row(0))
    made.asked(START + 60 * MINUTE)
    made.supplied(START + 180 * MINUTE)
    Notification.objects.update(notice="Reminder: due soon.")
    given_one = give(made.edit({**POLICY, "clock": "duration", "minutes": 300}, [row(0)]), START + 200 * MINUTE)
    assert given_one.deadline == START + (300 + 120) * MINUTE
    (copy,) = Notification.objects.filter(state="open", task=made.task)
    assert copy.due_at == made.task.sla_due_at == given_one.deadline, "people see the new date"
    assert copy.notice == "", "and no reminder of the old one"


def test_a_paused_clock_stays_so_and_is_given_the_rules() -> None:
    made = case(row(0))
    made.asked(START + 60 * MINUTE)
    given_one = give(made.edit(POLICY, [row(-300)]), DUE)
    assert (given_one.state, given_one.due_at) == (EscalationState.PAUSED, None)
    assert not StepRun.objects.exists()
    assert [step.offset for step in rules_of(given_one).steps] == [-300 * MINUTE]


def test_a_question_that_no_longer_pauses_lets_the_clock_go_on() -> None:
    made = case(row(0))
    made.asked(START + 60 * MINUTE)
    given_one = give(made.edit({**POLICY, "pauses": False}, [row(0)]), START + 90 * MINUTE)
    assert (given_one.state, given_one.paused_at) == (EscalationState.RUNNING, None)
    assert given_one.deadline == DUE + 30 * MINUTE


def test_what_is_held_stays_held_and_acknowledged_may_mean_more() -> None:
    made = case(row(-595), on_acknowledge="holds")
    made.acknowledged(START + MINUTE)
    policy = made.edit({**POLICY, "on_acknowledge": "holds"}, [row(-590)])
    assert give(policy, START + 2 * MINUTE).due_at == START + 61 * MINUTE
    assert not StepRun.objects.exists()
    given_one = give(made.edit({**POLICY, "on_acknowledge": "stops"}, [row(-590)]), START + 3 * MINUTE)
    assert (given_one.state, given_one.due_at) == (EscalationState.STOPPED, None)


def test_each_step_says_by_which_rules_it_was_taken() -> None:
    made = case(row(-60, "assignee"), row(0))
    made.clock_until(START, DUE - 60 * MINUTE)
    policy = made.edit(POLICY, [row(-60, "assignee"), row(30)])
    PolicyStep.objects.filter(offset=-60).delete()
    given_one = give(policy, DUE - 30 * MINUTE)
    made.clock_until(DUE - 30 * MINUTE, DUE + DAY)
    first, second = StepRun.objects.order_by("pk")
    assert first.rules_id != given_one.rules_id == second.rules_id
    assert [simulate.row_of(run).position for run in (first, second)] == [1, 1], "each by its own rules"


# --- all of it ----------------------------------------------------------------------------------------------------
@settings(
    max_examples=100 if LONG else 5, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.generate,)
)
@given(st.data())
def test_what_would_change_is_what_changes(data: st.DataObject) -> None:
    """A random policy, what happened, and a random edit: the effect told is the effect had."""
    start = data.draw(st.sampled_from(STARTS))
    rows = st.lists(steps, min_size=1, max_size=4, unique_by=lambda step: step["offset"])
    due = start + data.draw(st.integers(-300, 3000)) * MINUTE
    with undone():
        made = Case(
            data.draw(firms(start)),
            data.draw(policies),
            data.draw(rows),
            data.draw(st.sampled_from(CALENDARS)),
            start,
            due,
        )
        now = start
        for after, name in data.draw(histories()):
            before, now = now, start + after * MINUTE
            made.clock_until(before, now)
            made.happens(name, now)
        now += data.draw(st.integers(0, 600)) * MINUTE
        made.clock_until(now, now)
        before_all = next_steps(now)

        policy = made.edit(data.draw(policies), data.draw(rows))
        found = policy_change.of_policy(policy, now)
        policy_reload.mark(policy, now)
        known = set(StepRun.objects.values_list("pk", flat=True))
        while due_steps.tick(now):
            pass

        told = {change.task.pk: change.after for change in found.changes}
        for pk, (task, was) in before_all.items():
            escalation = Escalation.objects.get(pk=pk)
            taken = escalation.runs.exclude(pk__in=known).exclude(result=RunResult.TOO_EARLY).exists()
            paused = escalation.state == EscalationState.PAUSED
            is_now = now if taken else next_of(escalation, now) if paused else escalation.due_at
            assert is_now == told.get(task, was)


def next_steps(now: datetime) -> dict[Any, tuple[Any, datetime | None]]:
    """Clock to task and next step, of those that run or are paused."""
    open_ones = Escalation.objects.filter(ended_at=None, state__in=policy_reload.OPEN)
    return {each.pk: (each.task_id, next_of(each, now)) for each in open_ones}


def next_of(escalation: Escalation, now: datetime) -> datetime | None:
    """Of a paused one, if it went on now."""
    escalation.state = EscalationState.RUNNING
    occurrences = rules_of(escalation).occurrences(escalation.deadline)
    too_late = {each.key for each in occurrences if KINDS[each.step.kind].came_too_late(each, escalation)}
    due = clock.next_due(escalation, occurrences, clock.done(escalation) | too_late)
    return max(due, now) if due is not None else None
