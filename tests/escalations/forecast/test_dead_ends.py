"""What reaches nobody is found before it happens: one line for each cause."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from escalations.forecast.dead_ends import DeadEnd, dead_ends
from escalations.models import BusinessCalendar, PersonCalendar, Policy, PolicyStep
from notifications.models import (
    Absence,
    CaseList,
    Category,
    CategoryChoice,
    Preferences,
    QuietHours,
    Recipient,
    Route,
    RouteTarget,
    Task,
    Team,
    Template,
)
from notifications.rotas.tests.rotas import override, rota_of
from tests.factories import EngineFactory, RecipientFactory, TaskFactory
from tests.support.berlin import berlin
from tests.support.story import Story

DAY = timedelta(days=1)
APPROVALS = "SLA policy “Approvals”, step 1"


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def story(db: None) -> Story:
    """Bob has had a task; it may be left alone."""
    told = Story.begin()
    told.assign()
    step(told, target="manager")
    return told


def step(story: Story, **fields: object) -> PolicyStep:
    policy, _ = Policy.objects.get_or_create(name="Approvals", defaults={"time": "wall"})
    late, category = Template.objects.get(slug="task-late"), Category.objects.get(slug="approvals")
    return PolicyStep.objects.create(policy=policy, time="wall", template=late, category=category, **fields)


def change(person: Recipient, **fields: object) -> None:
    Recipient.objects.filter(pk=person.pk).update(**fields)


def lines(found: list[DeadEnd]) -> list[tuple[str, list[str]]]:
    return [(str(line.why), line.places) for line in found]


def test_where_everybody_can_be_reached_there_is_nothing(story: Story, now: datetime) -> None:
    assert dead_ends(now) == []


BROKEN = [
    ({"manager": None}, "Bob has no manager"),
    ({"manager": "bob"}, "the managers of Bob form a circle"),
]


@pytest.mark.parametrize(("broken", "why"), BROKEN)
def test_a_broken_manager_record_is_the_one_line(
    story: Story, now: datetime, broken: dict[str, str | None], why: str
) -> None:
    change(story.bob, manager=story.bob if broken["manager"] else None)

    (line,) = dead_ends(now)

    assert (str(line.why), line.since) == (why, now)
    assert line.places == [APPROVALS]


def test_a_manager_who_has_left_is_named(story: Story, now: datetime) -> None:
    change(story.carol, active=False)

    whys = [str(line.why) for line in dead_ends(now)]

    assert "Carol is no longer active; Carol has no manager" in whys


def test_who_hears_instead_is_said(story: Story, now: datetime) -> None:
    change(story.bob, manager=None)
    change(story.alice, email="alice@example.org")
    Policy.objects.update(fallback=story.alice)

    (line,) = dead_ends(now)

    assert line.instead == ["Alice"]


def test_only_people_whom_a_policy_can_reach_are_named(story: Story, now: datetime) -> None:
    """By its engine and conditions, and not those who are customers or have tasks of another policy only."""
    change(story.bob, manager=None)
    customer = RecipientFactory(ref="C-9", name="Erin", engine=story.engine)
    story.assign("T-43", assignee="C-9")
    elsewhere = EngineFactory(slug="claims", name="Claims")
    TaskFactory(engine=elsewhere, assignee=RecipientFactory(ref="zoe", name="Zoe"))
    policy = Policy.objects.get()
    assert [str(end.why) for end in dead_ends(now)] == ["Bob has no manager", "Zoe has no manager"]
    Policy.objects.update(engine=story.engine)
    assert [str(end.why) for end in dead_ends(now)] == ["Bob has no manager"]
    Task.objects.filter(assignee=story.bob).update(assignee=customer)
    assert dead_ends(now) == []
    Task.objects.filter(task_id="T-42").update(assignee=story.bob)
    condition = policy.conditions.create(path="variables.amount", operator="gt", value="5000")
    assert dead_ends(now) == [], "his was of 1200.5"
    condition.delete()
    first = Policy.objects.create(name="Approvals first", position=-1, time="wall")
    assert dead_ends(now) == [], "the first policy that fits keeps the time"
    first.delete()
    approvals, words = Category.objects.get(slug="approvals"), Template.objects.get(slug="task")
    route = Route.objects.create(name="Up", category=approvals, template=words)
    RouteTarget.objects.create(route=route, kind="manager")
    assert [end.places for end in dead_ends(now)] == [[APPROVALS, "rule “Up”"], ["rule “Up”"]], "Bob, and Zoe"
    route.conditions.create(path="task.kind", operator="eq", value="field")
    assert [end.places for end in dead_ends(now)] == [[APPROVALS]]


def test_leave_without_a_delegate_is_foreseen(story: Story, now: datetime) -> None:
    away = Absence.objects.create(recipient=story.carol, begins_at=now + 3 * DAY, ends_at=now + 9 * DAY)

    (line,) = [each for each in dead_ends(now) if APPROVALS in each.places]

    assert str(line.why) == "Carol is away, and nobody stands in; Carol has no manager"
    assert line.since == away.begins_at
    away.delegate = story.bob
    away.save()
    assert dead_ends(now) == []


def test_leave_after_the_horizon_is_not_told_of(story: Story, now: datetime) -> None:
    Absence.objects.create(recipient=story.carol, begins_at=now + 15 * DAY, ends_at=now + 20 * DAY)

    assert dead_ends(now) == []


def test_whoever_has_neither_device_nor_email_sees_it_in_the_inbox_only(story: Story, now: datetime) -> None:
    change(story.carol, email="")

    assert lines(dead_ends(now))[0][0] == "Carol would see it in the inbox only: no device and no e-mail"


def test_whoever_has_turned_off_all_else_sees_it_in_the_inbox_only(story: Story, now: datetime) -> None:
    approvals = Category.objects.get(slug="approvals")
    choice = CategoryChoice.objects.create(
        recipient=story.carol, category=approvals, channels=dict.fromkeys(approvals.channels, False)
    )

    assert lines(dead_ends(now)) == [
        ("Carol would see it in the inbox only: the other channels are turned off", [APPROVALS])
    ]
    choice.channels = {"webpush": False}
    choice.save()
    assert dead_ends(now) == []


def test_a_holiday_on_which_nobody_hears_is_foreseen_and_a_night_is_none(story: Story, now: datetime) -> None:
    """Unless the step is critical."""
    christmas = (now + 3 * DAY).date()
    calendar = BusinessCalendar.objects.create(name="Office")
    calendar.days.create(date=christmas, hours=[])
    PersonCalendar.objects.create(recipient=story.carol, calendar=calendar)
    Preferences.objects.create(recipient=story.carol, quiet_on_holidays=True)
    QuietHours.objects.create(recipient=story.carol, days=list(range(7)), begins=time(22), ends=time(7))

    (line,) = dead_ends(now)

    assert line.since == datetime.combine(christmas - DAY, time(22), UTC)
    assert str(line.why) == f"Carol would be notified later: quiet hours until {christmas + DAY} 07:00 UTC"
    PolicyStep.objects.update(critical=True)
    assert dead_ends(now) == []


def test_a_team_without_members_a_lead_or_a_person_who_has_left(story: Story, now: datetime) -> None:
    empty = Team.objects.create(slug="empty", name="Empty")
    change(story.alice, active=False)
    step(story, target="team", team=empty)
    step(story, target="team_lead", team=empty)
    step(story, target="person", person=story.alice)

    assert lines(dead_ends(now)) == [
        ("Alice is no longer active", ["SLA policy “Approvals”, step 4"]),
        ("team Empty has no lead", ["SLA policy “Approvals”, step 3"]),
        ("team Empty has no members", ["SLA policy “Approvals”, step 2"]),
    ]


def test_a_task_that_would_be_given_to_nobody_and_devices_do_not_matter(story: Story, now: datetime) -> None:
    PolicyStep.objects.update(kind="reassign", template=None, category=None)
    Route.objects.update(enabled=False)
    change(story.carol, email="")
    assert dead_ends(now) == [], "she gets the task, and hears of it by routes"
    change(story.bob, manager=None)
    assert lines(dead_ends(now)) == [("Bob has no manager", [APPROVALS])]


def test_a_route_reaches_nobody_only_if_none_of_its_targets_does(story: Story, now: datetime) -> None:
    route = Route.objects.get(name="Tasks that wait too long")
    empty = Team.objects.create(slug="empty", name="Empty")
    RouteTarget.objects.filter(route=route).delete()
    RouteTarget.objects.create(route=route, kind="team", team=empty)
    assert lines(dead_ends(now)) == [("team Empty has no members", ["rule “Tasks that wait too long”"])]

    RouteTarget.objects.create(route=route, kind="person", person=story.carol)

    assert dead_ends(now) == []


def test_what_is_switched_off_is_not_told_of(story: Story, now: datetime) -> None:
    change(story.bob, manager=None)
    Policy.objects.update(enabled=False)
    Route.objects.update(enabled=False)

    assert dead_ends(now) == []


def test_what_one_policy_or_route_leads_into_is_told_by_itself(story: Story, now: datetime) -> None:
    change(story.bob, manager=None)
    policy, route = Policy.objects.get(), Route.objects.get(name="Tasks that wait too long")

    assert lines(dead_ends(now, of=policy)) == [("Bob has no manager", [APPROVALS])]
    assert dead_ends(now, of=route) == []


def test_whoever_goes_and_comes_back_is_asked_for_again(story: Story, now: datetime) -> None:
    """Carol is away, then her delegate is too, then she is back and cannot be reached but in the inbox."""
    change(story.carol, email="")
    first = Absence.objects.create(
        recipient=story.carol, begins_at=now - DAY, ends_at=now + 9 * DAY, delegate=story.alice
    )
    change(story.alice, email="alice@example.org")
    second = Absence.objects.create(recipient=story.alice, begins_at=now + 3 * DAY, ends_at=now + 5 * DAY)

    found = {str(line.why): line.since for line in dead_ends(now) if APPROVALS in line.places}

    assert found == {
        "Carol is away, and nobody stands in; Carol has no manager": second.begins_at,
        "Carol would see it in the inbox only: no device and no e-mail": first.ends_at,
    }


def test_many_people_cost_no_more_queries_than_few(
    story: Story, now: datetime, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """A hundred assignees of one manager, three of whom are away at different times."""
    people = Recipient.objects.bulk_create(
        Recipient(ref=f"p{number}", name=f"P {number}", email="p@example.org", manager=story.carol)
        for number in range(100)
    )
    Task.objects.bulk_create(
        Task(engine=story.engine, task_id=f"X-{number}", name="Approve", assignee=person)
        for number, person in enumerate(people)
    )
    for hours, person in enumerate(people[:3], 1):
        away = timedelta(hours=hours)
        Absence.objects.create(recipient=person, begins_at=now + away, ends_at=now + 2 * away, delegate=story.carol)
    for target in ("assignee", "team_lead", "manager", "candidates", "task_teams"):
        step(story, target=target)

    with django_assert_max_num_queries(60):
        dead_ends(now)


def test_the_command_lists_them_and_fails(story: Story, now: datetime) -> None:
    out = StringIO()
    call_command("dead_ends", stdout=out)
    assert "every rule and step reaches somebody" in out.getvalue()
    change(story.bob, manager=None)

    with pytest.raises(CommandError, match=r"^now: Bob has no manager \(SLA policy “Approvals”, step 1\)$"):
        call_command("dead_ends")


def test_lists_for_cases_are_looked_at_type_by_type(story: Story, now: datetime) -> None:
    template, category = Template.objects.get(slug="task"), Category.objects.get(slug="approvals")
    route = Route.objects.create(name="Stakeholders", template=template, category=category)
    RouteTarget.objects.create(route=route, kind="case_list")
    claims, repairs = (CaseList.objects.create(case_type=name) for name in ("claims", "repairs"))
    claims.people.set([story.bob])
    repairs.teams.set([Team.objects.create(slug="night", name="Night")])

    assert lines(dead_ends(now, of=route)) == [("team Night has no members", ["rule “Stakeholders”"])]
    repairs.people.set([story.carol])
    assert dead_ends(now, of=route) == []


# --- duty -------------------------------------------------------------------------------------------------------------
@pytest.fixture
def before_christmas() -> Iterator[datetime]:
    with time_machine.travel(berlin("2026-12-20T12:00"), tick=False):
        yield timezone.now()


def test_a_gap_of_a_rota_is_a_dead_end_from_its_beginning(db: None, before_christmas: datetime) -> None:
    told, now = Story.begin(), before_christmas
    rota = rota_of(told.finance, told.bob, told.carol)
    gap = override(rota, "2026-12-25T14:00", "2026-12-26T08:00")
    step(told, target="duty", ref=str(rota.pk))
    route = Route.objects.create(
        name="Claims", template=Template.objects.get(slug="task"), category=Category.objects.get(slug="approvals")
    )
    RouteTarget.objects.create(route=route, kind="duty", ref=str(rota.pk))

    (line,) = dead_ends(now)

    assert (str(line.why), line.since) == ("nobody is on duty for Claims", berlin("2026-12-25T14:00"))
    assert line.places == [APPROVALS, "rule “Claims”"]
    with pytest.raises(CommandError, match=r"from 2026-12-25T13:00:00Z on: nobody is on duty for Claims"):
        call_command("dead_ends", stdout=StringIO())

    gap.delete()
    assert dead_ends(now) == []
    override(rota, "2027-01-04T00:00", "2027-01-05T00:00")  # 15 days ahead
    assert dead_ends(now) == []


def test_whoever_is_on_duty_and_has_no_address_is_named(db: None, before_christmas: datetime) -> None:
    told = Story.begin()
    change(told.alice, email="")
    step(told, target="duty", ref=str(rota_of(told.finance, told.bob, told.alice).pk))

    assert [(str(line.why), line.since) for line in dead_ends(before_christmas)] == [
        ("Alice would see it in the inbox only: no device and no e-mail", berlin("2026-12-21T08:00"))
    ]
