"""What is wrong with a policy is said in a sentence at its field: every sentence once."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from escalations.kinds.checks import MOST_STEPS, Fault, faults_of
from escalations.models import BusinessCalendar, CalendarDay, Policy, PolicyStep
from notifications.models import Category, Recipient, Team, Template
from tests.factories import CategoryFactory, EngineFactory, RecipientFactory, TeamFactory, TemplateFactory

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
OFFICE = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> BusinessCalendar:
    return BusinessCalendar.objects.create(name="Office", timezone="Europe/Berlin", week=OFFICE)


@pytest.fixture
def template() -> Template:
    made: Template = TemplateFactory(name="Reminder")
    return made


@pytest.fixture
def category() -> Category:
    made: Category = CategoryFactory()
    return made


@pytest.fixture
def reminder(template: Template, category: Category) -> PolicyStep:
    """As it should be: an hour before, by the clock, whose it is."""
    return PolicyStep(offset=-60, time="wall", target="assignee", template=template, category=category)


def policy(**fields: Any) -> Policy:
    return Policy(**{"name": "Approvals", "time": "wall", **fields})


def changed(step: PolicyStep, **fields: Any) -> PolicyStep:
    for name, value in fields.items():
        setattr(step, name, value)
    return step


def faults(policy: Policy, *steps: PolicyStep) -> list[Fault]:
    return faults_of(policy, steps, NOW)


def test_what_is_whole_has_no_faults(office: BusinessCalendar, reminder: PolicyStep) -> None:
    assert faults(policy(), reminder) == []
    assert faults(policy(clock="duration", minutes=480, time="business", calendar=office), reminder) == []
    assert faults(policy(on_acknowledge="holds", hold_minutes=60)) == []


# --- the policy's own -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"clock": "duration"}, "minutes", "Enter how long the task may take."),
        ({"time": "business"}, "calendar", "Choose the calendar that defines working time."),
        ({"on_acknowledge": "holds"}, "hold_minutes", "Enter how long nobody is notified."),
    ],
)
def test_what_a_policy_lacks(fields: dict[str, Any], field: str, sentence: str) -> None:
    assert faults(policy(**fields)) == [Fault(field, sentence)]


def test_a_calendar_that_cannot_be_read(reminder: PolicyStep) -> None:
    broken = BusinessCalendar.objects.create(name="Broken", week={"mon": [["nine", "five"]]})

    assert faults(policy(calendar=broken), reminder) == [
        Fault(
            "calendar",
            "This calendar cannot be used: /week/mon/0/0: A time is written as 09:30, from 00:00 to 23:59.",
        )
    ]


# --- telling somebody -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"target": ""}, "target", "Choose who is notified."),
        ({"target": "team"}, "team", "Choose the team."),
        ({"target": "person"}, "person", "Choose the person."),
        ({"template": None}, "template", "Choose the template of the message."),
        ({"category": None}, "category", "Choose the category. It sets the channels."),
        (
            {"channels": ["live", "pigeon"]},
            "channels",
            "There is no channel pigeon; there are live, webpush, fcm, email, appworks.",
        ),
        ({"repeats": 3}, "repeat_every", "Enter the time between repetitions."),
        ({"repeat_every": 60}, "repeats", "Enter the number of repetitions."),
        (
            {"repeat_every": 366 * 24 * 60, "repeats": 2},
            "repeats",
            "Repetitions may last at most one year.",
        ),
        (
            {"time": "business"},
            "time",
            "Working time needs the policy's calendar: choose one, or count around the clock.",
        ),
    ],
)
def test_what_a_step_lacks(reminder: PolicyStep, fields: dict[str, Any], field: str, sentence: str) -> None:
    assert faults(policy(), changed(reminder, **fields)) == [Fault(field, sentence, 0)]


def test_a_template_without_a_published_version(reminder: PolicyStep, template: Template) -> None:
    template.versions.update(state="draft")

    assert faults(policy(), reminder) == [Fault("template", "The template “Reminder” has no published version.", 0)]


def test_named_teams_and_people_are_enough(reminder: PolicyStep) -> None:
    team: Team = TeamFactory()
    bob: Recipient = RecipientFactory(ref="bob")

    assert faults(policy(), changed(reminder, target="team", team=team)) == []
    assert faults(policy(), changed(reminder, target="person", person=bob)) == []
    assert faults(policy(), changed(reminder, target="team_lead", team=None)) == []


# --- the other kinds --------------------------------------------------------------------------------------------------
def test_raising_the_priority_needs_one() -> None:
    step = PolicyStep(kind="raise_priority", time="wall")

    assert faults(policy(), step) == [Fault("priority", "Choose the priority that the task gets.", 0)]
    assert faults(policy(), changed(step, priority="urgent")) == []


def test_telling_the_engine_needs_nothing() -> None:
    assert faults(policy(), PolicyStep(kind="tell_engine", time="wall")) == []


def test_giving_the_task_away_needs_one_person_and_no_message() -> None:
    step = PolicyStep(kind="reassign", time="wall")
    one = [Fault("target", "Choose one person who gets the task, such as the manager, the lead or a named person.", 0)]
    for target in ("", "assignee", "candidates", "task_teams", "team"):
        assert faults(policy(), changed(step, target=target)) == one
    for target in ("manager", "team_lead"):
        assert faults(policy(), changed(step, target=target)) == []
    assert faults(policy(), changed(step, target="person")) == [Fault("person", "Choose the person.", 0)]
    dave, customer = RecipientFactory(ref="dave"), RecipientFactory(ref="C-9", name="Erin", engine=EngineFactory())
    outside = Fault("person", "Erin does not belong to your organisation.", 0)
    assert faults(policy(), changed(step, person=customer)) == [outside]
    assert faults(policy(), changed(step, person=dave)) == []


# --- what never comes -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("clock", "step", "offset", "comes"),
    [
        ("wall", "wall", -60, True),  # as the clock begins
        ("wall", "wall", -61, False),
        ("business", "business", -61, False),
        ("wall", "business", -61, False),  # an hour's work takes an hour at least
        ("business", "wall", -61, True),  # an hour's work may take days
    ],
)
def test_before_the_clock_begins(
    clock: str, step: str, offset: int, comes: bool, office: BusinessCalendar, reminder: PolicyStep
) -> None:
    hour = policy(clock="duration", minutes=60, time=clock, calendar=office)
    said = Fault("offset", "This is before the clock starts: the total time is 1 h.", 0)

    assert faults(hour, changed(reminder, time=step, offset=offset)) == ([] if comes else [said])


def test_a_due_date_of_the_engine_may_be_any_time_ahead(office: BusinessCalendar, reminder: PolicyStep) -> None:
    assert faults(policy(calendar=office), changed(reminder, time="business", offset=-100_000)) == []


@pytest.mark.parametrize(("fields", "comes"), [
    ({"offset": 60}, True),
    ({"offset": 600}, False),
    ({"offset": -600}, False),
    ({"offset": 60, "repeat_every": 60, "repeats": 9}, False),
])  # fmt: skip
def test_beyond_the_end_of_the_calendar(fields: dict[str, Any], comes: bool, reminder: PolicyStep) -> None:
    fair = BusinessCalendar.objects.create(name="Fair")
    opens = NOW + timedelta(days=2)
    CalendarDay.objects.create(calendar=fair, date=date(opens.year, opens.month, opens.day), hours=[["09:00", "14:00"]])
    never = Fault("offset", "The calendar “Fair” has no working time that far ahead: this never happens.", 0)

    assert faults(policy(calendar=fair), changed(reminder, time="business", **fields)) == ([] if comes else [never])


def test_a_duration_beyond_the_end_of_the_calendar(reminder: PolicyStep) -> None:
    closed = BusinessCalendar.objects.create(name="Closed")
    never = Fault("offset", "The calendar “Closed” has no working time that far ahead: this never happens.", 0)

    assert faults(policy(clock="duration", minutes=60, time="business", calendar=closed), reminder) == [never]


def test_too_many_steps(template: Template, category: Category) -> None:
    steps = [PolicyStep(time="wall", target="assignee", template=template, category=category)] * (MOST_STEPS + 1)

    assert faults(policy(), *steps) == [Fault("kind", "A policy has at most 50 steps.", MOST_STEPS)]
    assert faults(policy(), *steps[1:]) == []


def test_each_fault_is_said_at_its_own_step(reminder: PolicyStep) -> None:
    found = faults(policy(clock="duration"), reminder, PolicyStep(kind="raise_priority", time="wall"))

    assert [(fault.field, fault.step) for fault in found] == [("minutes", None), ("priority", 1)]
