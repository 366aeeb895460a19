"""Faults that clocks meet, and the right outcome of each. What is tested elsewhere:

31: instants across DST changes and leap days, tests/escalations/calendars/test_working_time.py against tests/vectors/.
32: with workers that were away, tests/soak/test_escalations.py; what the trace says, tests/flows/test_2_sla.py.
33: each sentence of the dead-end finder, tests/escalations/forecast/test_dead_ends.py; the fallback owner,
    tests/flows/test_2_sla.py.
34: each sentence of a refused policy, tests/escalations/kinds/test_checks.py; at the form's fields,
    tests/admin/test_policies.py
    and tests/admin/test_calendars.py, the only ways to save them.
35: a policy without its steps, tests/flows/test_2_sla.py; its page, tests/admin/test_escalations.py.
"""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from escalations.clocks import due_steps
from escalations.forecast.dead_ends import dead_ends
from escalations.models import (
    BusinessCalendar,
    CalendarDay,
    Escalation,
    Policy,
    PolicyStep,
    RunResult,
    StepRun,
    StepTarget,
    TeamCalendar,
)
from notifications import reasons
from notifications.channels import registry
from notifications.connectors import readable
from notifications.connectors.base import Standing
from notifications.delivery import claims
from notifications.engines import callback_claims
from notifications.models import (
    Absence,
    Callback,
    Engine,
    Notification,
    Recipient,
    Team,
    Template,
    TemplateVersion,
    VersionState,
)
from notifications.routing import claims as event_claims
from notifications.routing import pipeline
from tests.factories import CategoryFactory, RecipientFactory, TeamFactory, TemplateFactory
from tests.support.length import some
from tests.support.story import Story
from wfpush.queue import outbox

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
"""A Wednesday."""
DUE = NOON + 4 * HOUR
OFFICE = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
NIGHTS = {"sat": [["22:00", "06:00"]]}


@pytest.fixture
def approvals(story: Story) -> Policy:
    """An hour before: Bob. When due: Carol. Every hour after that, three times: Carol, who manages Bob."""
    made = Policy.objects.create(name="Approvals", time="wall")
    story.add_step(made, -60, StepTarget.ASSIGNEE)
    story.add_step(made, 0, StepTarget.TEAM_LEAD)
    story.add_step(made, 60, StepTarget.MANAGER, repeat_every=60, repeats=2)
    return made


def assign(story: Story, now: datetime = NOON, due: datetime | None = DUE, **task: Any) -> None:
    """Bob's from now on."""
    said = {"due_at": due.isoformat()} if due else {}
    with time_machine.travel(now, tick=False):
        story.assign(minute=None, **said, **task)


def clock() -> Escalation:
    return Escalation.objects.get()


def tick(now: datetime) -> list[StepRun]:
    """The clock of a worker reads that; what it does then."""
    known = set(StepRun.objects.values_list("pk", flat=True))
    with time_machine.travel(now, tick=False):
        while due_steps.tick(now):
            pass
    return list(StepRun.objects.exclude(pk__in=known).order_by("pk"))


def told(runs: Sequence[StepRun]) -> list[str]:
    return [each["ref"] for run in runs for each in run.told]


def calendar(week: dict[str, Any], name: str = "Office") -> BusinessCalendar:
    return BusinessCalendar.objects.create(name=name, week=week, timezone="Europe/Berlin")


# --- 31: clock jump, DST gap and fold, leap day: SLA instants right, each fired once ----------------------------------
CHANGES = [
    pytest.param(OFFICE, "2026-03-27T15:30Z", 120, "2026-03-30T08:30Z", id="a weekend with the change to summer time"),
    pytest.param(OFFICE, "2026-10-23T14:30Z", 120, "2026-10-26T09:30Z", id="a weekend with the change to winter time"),
    pytest.param(NIGHTS, "2026-03-28T20:00Z", 7 * 60, "2026-03-29T04:00Z", id="a night without its third hour"),
    pytest.param(NIGHTS, "2026-10-24T19:00Z", 9 * 60, "2026-10-25T05:00Z", id="a night with its third hour twice"),
    pytest.param({"sun": [["02:15", "02:45"], ["03:00", "04:00"]]}, "2026-03-29T00:00Z", 30, "2026-03-29T01:30Z",
                 id="hours that the change skips"),
    pytest.param(OFFICE, "2028-02-28T15:30Z", 120, "2028-02-29T09:30Z", id="into a leap day"),
    pytest.param(OFFICE, "2028-02-29T15:30Z", 120, "2028-03-01T09:30Z", id="out of a leap day"),
]  # fmt: skip


@pytest.mark.parametrize(("week", "start", "minutes", "due"), CHANGES)
def test_row_31_what_is_due_across_a_change_of_the_clock_is_told_once_then(
    story: Story, week: dict[str, Any], start: str, minutes: int, due: str
) -> None:
    policy = Policy.objects.create(
        name="Approvals", clock="duration", minutes=minutes, time="business", calendar=calendar(week)
    )
    story.add_step(policy, 0, StepTarget.MANAGER)
    then = datetime.fromisoformat(due)

    assign(story, datetime.fromisoformat(start), None)

    assert (clock().deadline, story.task().sla_due_at) == (then, then)
    assert tick(then - SECOND) == []
    assert told(tick(then)) == ["carol"]
    assert tick(then + DAY) == []


def test_row_31_an_hour_that_comes_twice_has_two_repetitions(story: Story) -> None:
    """02:30 in Berlin, and 02:30 again."""
    policy = Policy.objects.create(name="Approvals", time="wall")
    story.add_step(policy, 0, StepTarget.MANAGER, repeat_every=60, repeats=1)
    assign(story, datetime(2026, 10, 24, 12, tzinfo=UTC), datetime.fromisoformat("2026-10-25T02:30:00+02:00"))

    first, again = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert [len(tick(now)) for now in (first - SECOND, first, again - SECOND, again, again + DAY)] == [0, 1, 0, 1, 0]


def test_row_31_a_worker_whose_clock_jumps_on_and_back_tells_nobody_twice(story: Story, approvals: Policy) -> None:
    assign(story)

    early = tick(NOON + 12 * HOUR)
    assert told(early) == ["carol"], "as after an outage: that is what its clock reads"

    for now in (NOON, DUE - HOUR, DUE, DUE + HOUR, DUE + 2 * HOUR, DUE + 3 * HOUR, NOON + 12 * HOUR, NOON + DAY):
        assert tick(now) == []
    assert StepRun.objects.count() == 5


def test_row_31_wherever_the_clock_jumps_each_step_is_taken_once_and_none_early(
    story: Story, approvals: Policy
) -> None:
    chance = random.Random(31)
    for number in range(8):
        assign(story, task_id=f"T-{number}", due=DUE + number * 7 * MINUTE)
    now = NOON

    for _ in range(24):
        now += chance.choice([MINUTE, 20 * MINUTE, HOUR, -HOUR, -20 * MINUTE, 3 * HOUR])
        assert all(run.due_at <= now == run.ran_at for run in tick(now))

    tick(NOON + 7 * DAY)
    assert StepRun.objects.count() == 8 * 5
    assert tick(NOON) == []


def test_row_31_a_pause_that_seems_to_end_before_it_began_brings_nothing_forward(
    story: Story, approvals: Policy
) -> None:
    assign(story, initiator="alice")
    with time_machine.travel(NOON + HOUR, tick=False):
        story.answer(story.bob, "request_info", "Which cost centre?")
        pipeline.drain()

    with time_machine.travel(NOON, tick=False):  # set back meanwhile
        story.happen("task.info_supplied", {"task": {"id": "T-42"}, "info": "4711."}, minute=None)

    assert (clock().state, clock().deadline, clock().due_at) == ("running", DUE, DUE - HOUR)


def test_row_31_the_lease_of_a_dead_worker_whose_clock_was_ahead_blocks_nobody(story: Story, approvals: Policy) -> None:
    assign(story)
    ahead = DUE + 12 * HOUR
    (dead,) = outbox.claim(due_steps.due(), limit=1, lease=due_steps.LEASE, now=ahead)
    assert dead.lease_until == ahead + due_steps.LEASE

    assert told(tick(DUE)) == ["carol"]
    with time_machine.travel(DUE, tick=False):
        assert due_steps.advance([dead], DUE) == [], "it was not dead, only slow"


def test_row_31_a_clock_set_back_a_little_makes_nobody_wait_longer_than_the_longest_lease(
    story: Story, approvals: Policy
) -> None:
    assign(story)
    outbox.claim(due_steps.due(), limit=1, lease=due_steps.LEASE, now=DUE + 2 * MINUTE)

    assert tick(DUE) == [], "it may be at work"
    assert told(tick(DUE + outbox.LONGEST_LEASE)) == ["carol"]


def test_row_31_no_lease_is_longer_than_that() -> None:
    leases = [module.LEASE for module in (callback_claims, claims, due_steps, event_claims)]
    leases += [channel.places.lease for channel in registry.person_channels()]
    assert max(leases) <= outbox.LONGEST_LEASE


# --- 32: 12 h outage, then start: escalation steps not fired in a burst -----------------------------------------------
def test_row_32_after_twelve_hours_one_message_and_all_that_machines_are_told(story: Story, approvals: Policy) -> None:
    PolicyStep.objects.create(policy=approvals, kind="raise_priority", offset=30, time="wall", priority="urgent")
    PolicyStep.objects.create(policy=approvals, kind="tell_engine", offset=30, time="wall", repeat_every=60, repeats=1)
    for number in range(4):
        assign(story, task_id=f"T-{number}")

    runs = tick(DUE + 12 * HOUR)

    assert len(runs) == 4 * 8
    messages = [run for run in runs if run.result == RunResult.DONE and run.told and run.told[0]["ref"] == "carol"]
    assert len(messages) == Notification.objects.filter(recipient=story.carol).count() == 4
    assert [run.result for run in runs].count(RunResult.OVERTAKEN) == 4 * 4
    assert Callback.objects.count() == 8, "engines count; people do not like to"
    assert {row.priority for row in Notification.objects.all()} == {"urgent"}
    assert tick(DUE + 13 * HOUR) == []


def test_row_32_more_steps_than_a_worker_takes_in_a_minute_are_taken_in_portions(
    story: Story, approvals: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due_steps, "AT_ONCE", 10)
    PolicyStep.objects.create(policy=approvals, kind="tell_engine", time="wall", repeat_every=5, repeats=29)
    for number in range(3):
        assign(story, task_id=f"T-{number}")
    now = DUE + 12 * HOUR

    done = []
    while due_steps.tick(now):
        done.append(StepRun.objects.filter(result=RunResult.DONE).count())

    assert done == [10, 20, 30, 40, 50, 60, 70, 80, 90, 93]
    assert Callback.objects.count() == 90
    assert Notification.objects.filter(recipient=story.carol).count() == 3
    assert StepRun.objects.filter(result=RunResult.OVERTAKEN).count() == 3 * 4


# --- 33: escalation loop, empty target, absent everyone, manager cycle: bounded; fallback owner; shown ----------------
LOST = [
    pytest.param({"carol": "bob"}, {"carol": None},
                 "Carol is away, and nobody stands in; the managers of Carol form a circle", id="a cycle"),
    pytest.param({"bob": None}, {}, "Bob has no manager", id="an empty target"),
    pytest.param({}, {"bob": None, "carol": None}, "Carol is away, and nobody stands in; Carol has no manager",
                 id="everybody absent"),
    pytest.param({}, {"bob": "carol", "carol": "bob"}, "Carol is away, and nobody stands in; Carol has no manager",
                 id="delegates in a circle"),
]  # fmt: skip
"""Managers that are changed; who is away, and who stands in; what the trace says."""


@pytest.mark.parametrize(("managers", "away", "why"), some(LOST, 2))
def test_row_33_who_cannot_be_found_is_looked_for_so_often_and_no_more(
    story: Story, managers: dict[str, str | None], away: dict[str, str | None], why: str
) -> None:
    policy = Policy.objects.create(name="Approvals", time="wall", fallback=story.alice)
    story.add_step(policy, 0, StepTarget.MANAGER, repeat_every=60, repeats=3)
    people: dict[str | None, Recipient] = {each.ref: each for each in Recipient.objects.all()}
    for ref, manager in managers.items():
        Recipient.objects.filter(ref=ref).update(manager=people.get(manager))
    for ref, delegate in away.items():
        days = {"begins_at": NOON - DAY, "ends_at": NOON + 90 * DAY}
        Absence.objects.create(recipient=people[ref], delegate=people.get(delegate), **days)
    assign(story)

    runs = [run for hour in range(6) for run in tick(DUE + hour * HOUR)]

    assert [(run.told[0]["ref"], str(reasons.read(run.told[0]))) for run in runs] == [
        ("alice", f"fallback owner: {why}")
    ] * 4
    assert clock().due_at is None
    with time_machine.travel(NOON, tick=False):
        shown = {str(line.why): line for line in dead_ends(NOON)}
    assert shown[why].places == ["SLA policy “Approvals”, step 1"]
    assert shown[why].instead == ["Alice"]


def test_row_33_an_engine_that_passes_an_escalated_task_on_and_on_is_told_once_each_time(story: Story) -> None:
    """Its own loop: each new owner has a clock, and none of them goes on without it."""
    policy = Policy.objects.create(name="Approvals", time="wall")
    PolicyStep.objects.create(policy=policy, kind="tell_engine", time="wall")
    assign(story)
    tick(DUE)

    for round, person in enumerate(("carol", "bob", "carol"), 1):
        now = DUE + round * MINUTE
        assign(story, now, assignee=person)
        assert [len(tick(now)), len(tick(now + DAY))] == [1, 0]

    assert Callback.objects.count() == 4
    assert Escalation.objects.filter(due_at__isnull=False).count() == 0


# --- 34: calendar without working time; step offsets that never come --------------------------------------------------
def test_row_34_a_calendar_that_ends_after_its_policy_was_saved_loses_no_step(story: Story) -> None:
    """Saving looks a year ahead at the policy's own calendar. Beyond, and by a team's, the wall's clock counts."""
    fair = calendar({})
    CalendarDay.objects.create(calendar=fair, date=NOON.date(), hours=[["09:00", "18:00"]])
    TeamCalendar.objects.create(team=story.finance, calendar=fair)
    policy = Policy.objects.create(
        name="Approvals", time="wall", calendar_of="team", calendar=calendar(OFFICE, "Whole weeks")
    )
    for minutes in (60, 10 * 60):
        story.add_step(policy, minutes, StepTarget.MANAGER, repeat_every=24 * 60, repeats=1)
    PolicyStep.objects.update(time="business")
    due = NOON + HOUR  # there are four hours left until the fair ends

    assign(story, due=due)

    first, second = due + HOUR, due + 10 * HOUR
    for instant in (first, second, first + DAY, second + DAY):
        assert tick(instant - SECOND) == []
        assert told(tick(instant)) == ["carol"]
    assert tick(NOON + 500 * DAY) == []


def test_row_34_a_time_to_take_that_never_ends_is_taken_by_the_wall(story: Story) -> None:
    closed = calendar({})
    policy = Policy.objects.create(name="Approvals", clock="duration", minutes=60, time="business", calendar=closed)
    story.add_step(policy, 0, StepTarget.MANAGER)

    assign(story, due=None)

    assert clock().deadline == NOON + HOUR
    assert told(tick(NOON + HOUR)) == ["carol"]


# --- 35: policy, route or template edited mid-flight: running items keep their version --------------------------------
def publish(slug: str, title: str) -> TemplateVersion:
    """Another version of the template, which says something else."""
    template = Template.objects.get(slug=slug)
    old = template.versions.get(state=VersionState.PUBLISHED)
    TemplateVersion.objects.filter(pk=old.pk).update(state=VersionState.RETIRED)
    new = TemplateVersion.objects.create(template=template, number=old.number + 1, state=VersionState.PUBLISHED)
    new.texts.create(language="en", channel="", title=title, body=title, short_body=title)
    return new


def notice(story: Story, task_id: str = "T-42") -> str:
    return story.copy(story.carol, task_id).notice


def test_row_35_a_deleted_policy_goes_on_for_those_who_have_begun(story: Story, approvals: Policy) -> None:
    assign(story)

    approvals.delete()

    assert told(tick(DUE - HOUR)) == ["bob"]
    assert told(tick(DUE)) == ["carol"]
    assign(story, task_id="T-43")
    assert not Escalation.objects.filter(task__task_id="T-43").exists()


def test_row_35_a_calendar_closed_on_the_way_is_as_it_was(story: Story) -> None:
    office = calendar(OFFICE)
    policy = Policy.objects.create(name="Approvals", time="business", calendar=office)
    story.add_step(policy, 60, StepTarget.MANAGER)
    PolicyStep.objects.update(time="business")
    due = datetime(2026, 11, 25, 15, 30, tzinfo=UTC)  # half an hour before the office closes
    assign(story, due=due)

    office.week = {"sun": [["09:00", "10:00"]]}
    office.save()

    morning = datetime(2026, 11, 26, 8, 30, tzinfo=UTC)
    assert tick(morning - SECOND) == []
    assert told(tick(morning)) == ["carol"]


def test_row_35_a_template_published_on_the_way_words_later_tasks(story: Story, approvals: Policy) -> None:
    assign(story)
    publish("task-late", "Somebody must see to {{ task.name }}")
    assign(story, task_id="T-43")

    tick(DUE)

    assert notice(story).startswith("Bob has not answered yet.")
    assert notice(story, "T-43") == "Somebody must see to Approve invoice 4711"


def test_row_35_a_route_edited_on_the_way_rewords_nobodys_copy(story: Story) -> None:
    assign(story)
    copy = story.copy(story.bob)
    publish(copy.template_version.template.slug, "Something else: {{ task.name }}")
    copy.route.delete()

    story.happen("task.updated", {"task": {"id": "T-42", "name": "Approve invoice 4712"}}, minute=None)

    assert (story.copy(story.bob).title, story.copy(story.bob).pk) == ("Approve invoice 4712", copy.pk)


GONE = [
    pytest.param(StepTarget.TEAM, "the team was deleted", id="a team"),
    pytest.param(StepTarget.TEAM_LEAD, "no team lead could be notified", id="the team of a lead"),
    pytest.param(StepTarget.PERSON, "the person was deleted", id="a person"),
]


@pytest.mark.parametrize(("target", "why"), GONE)
def test_row_35_whoever_was_deleted_on_the_way_is_said_to_be_no_more(
    story: Story, target: StepTarget, why: str
) -> None:
    team, person = TeamFactory(members=[story.carol], lead=story.carol), RecipientFactory(ref="dave")
    policy = Policy.objects.create(name="Approvals", time="wall")
    story.add_step(policy, 0, target, **({"person": person} if target == StepTarget.PERSON else {"team": team}))
    story.add_step(policy, 1, StepTarget.MANAGER)
    assign(story)

    team.delete()
    person.delete()

    assert [(run.result, run.why) for run in tick(DUE)] == [(RunResult.NOBODY, why)]
    assert told(tick(DUE + MINUTE)) == ["carol"]


def test_row_35_a_deleted_assignee_leaves_the_lead(story: Story, approvals: Policy) -> None:
    dave = RecipientFactory(ref="dave", name="Dave")
    assign(story, assignee="dave", teams=["finance"])

    dave.delete()

    assert [(run.result, run.why) for run in tick(DUE - HOUR)] == [(RunResult.NOBODY, "the task has no assignee")]
    assert told(tick(DUE)) == ["carol"]


def test_row_35_a_template_deleted_on_the_way_leaves_the_tasks_name(story: Story) -> None:
    policy = Policy.objects.create(name="Approvals", time="wall")
    story.add_step(policy, 0, StepTarget.MANAGER)
    spare = TemplateFactory()
    policy.steps.update(template=spare)
    assign(story)

    policy.steps.all().delete()
    spare.delete()

    assert told(tick(DUE)) == ["carol"]
    assert story.copy(story.carol).title == "Approve invoice 4711"


def test_row_35_a_category_deleted_on_the_way_holds_up_nothing(story: Story) -> None:
    policy = Policy.objects.create(name="Approvals", time="wall")
    story.add_step(policy, 0, StepTarget.MANAGER)
    spare = CategoryFactory(slug="spare")
    policy.steps.update(category=spare)
    story.add_step(policy, 120, StepTarget.TEAM_LEAD)
    assign(story)
    assign(story, task_id="T-43", assignee="carol", teams=["finance"])

    policy.steps.all().delete()
    spare.delete()

    for number in range(due_steps.TRIES):
        tick(DUE + number * 6 * MINUTE)
    assert told(tick(DUE + 2 * HOUR)) == ["carol", "carol"]


# --- engines that are read before a step ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "broken", ["escalations.clocks.due_steps._reader.read", "notifications.engines.task_sync.apply_differences"]
)
def test_an_engine_that_nobody_understands_keeps_no_step_from_being_taken(
    story: Story, approvals: Policy, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(tasks: Any, *_: Any) -> Any:
        raise ValueError("not what a task looks like")

    monkeypatch.setattr(
        due_steps._reader, "read", lambda tasks, now: {task.pk: Standing(is_open=True) for task in tasks}
    )
    monkeypatch.setattr(broken, breaks)
    Engine.objects.update(kind=min(readable()))
    assign(story)

    assert told(tick(DUE)) == ["carol"]


# --- names that would be more than names ------------------------------------------------------------------------------
def test_a_name_is_text_wherever_a_step_says_it(story: Story, approvals: Policy) -> None:
    name = "{{ task.name }} <script>alert('%s')</script> {0} \u202e" + "x" * 120
    Recipient.objects.filter(pk=story.bob.pk).update(name=name)
    Team.objects.filter(pk=story.finance.pk).update(name=name[:120])
    assign(story)
    tick(DUE - HOUR)

    lead, manager = tick(DUE)[0], tick(DUE + HOUR)[0]

    assert [str(reasons.read(each)) for each in (lead.told[0], manager.told[0])] == [
        f"lead of team {name[:120]}",
        f"manager of {name}",
    ]
