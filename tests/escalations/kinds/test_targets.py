"""A target means the same people in a route and in an SLA step, and for the same reason."""

import pytest
from django.utils import timezone

from escalations.kinds.targets import Search, Staff, reached, step_for
from escalations.models import StepTarget
from notifications.cases.facts import facts_of_task
from notifications.models import Event, Recipient, Route, RouteTarget, TargetKind, Task
from notifications.people.resolver import Directory
from notifications.people.roster import Roster
from notifications.routing import route, targets
from tests.factories import RecipientFactory, RouteFactory
from tests.support.story import Story

pytestmark = pytest.mark.django_db

Heard = list[tuple[str, str]]
"""Refs, and why."""


def by_route(event: Event, task: Task, target: RouteTarget) -> tuple[Heard, list[tuple[str, str]]]:
    facts = facts_of_task(task, task.case, event)
    subject = route.Subject(event, task, task.case, Directory(event.engine, []), Roster(timezone.now()), facts)
    found = route.people_for([route.Match(target.route, True, route.reasons.NOTHING)], subject)
    return [(each.recipient.ref, str(each.reason)) for each in found], [
        (each.ref, str(each.reason)) for each in subject.unresolved
    ]


def by_step(task: Task, target: RouteTarget) -> tuple[Heard, list[str]]:
    search = Search(task, step_for(target), Staff(timezone.now()))
    return [(each.recipient.ref, str(each.reason)) for each in reached(search)], [str(note) for note in search.notes]


def a_target(kind: TargetKind, **named: object) -> RouteTarget:
    of: Route = RouteFactory(name=f"By {kind}")
    return RouteTarget.objects.create(route=of, kind=kind, **named)


def test_each_kind_is_resolved_and_each_of_a_step_is_one_of_them() -> None:
    assert {*targets.KINDS, *targets.KINDS_OF_ROUTES} == set(TargetKind)
    assert set(StepTarget.values) <= set(TargetKind.values)


@pytest.mark.parametrize(
    ("kind", "task", "heard"),
    [
        (TargetKind.ASSIGNEE, {"assignee": "bob"}, [("bob", "assignee")]),
        (TargetKind.CANDIDATES, {"candidates": ["bob", "carol"]}, [("bob", "candidate"), ("carol", "candidate")]),
        (
            TargetKind.TASK_TEAMS,
            {"teams": ["finance"]},
            [("bob", "member of team Finance"), ("carol", "member of team Finance")],
        ),
        (TargetKind.TEAM_LEAD, {"teams": ["finance"]}, [("carol", "lead of team Finance")]),
        (TargetKind.MANAGER, {"assignee": "bob"}, [("carol", "manager of Bob")]),
    ],
)
def test_a_task_means_the_same_people_in_both(story: Story, kind: TargetKind, task: dict, heard: Heard) -> None:  # type: ignore[type-arg]
    event, target = story.assign(**task), a_target(kind)

    assert sorted(by_route(event, story.task(), target)[0]) == heard
    assert sorted(by_step(story.task(), target)[0]) == heard


def test_a_named_team_means_the_same_people_in_both(story: Story) -> None:
    event = story.assign()
    members = [("bob", "member of team Finance"), ("carol", "member of team Finance")]
    for kind, heard in ((TargetKind.TEAM, members), (TargetKind.TEAM_LEAD, [("carol", "lead of team Finance")])):
        target = a_target(kind, team=story.finance)

        assert sorted(by_route(event, story.task(), target)[0]) == heard
        assert sorted(by_step(story.task(), target)[0]) == heard


def test_a_named_person_is_who_is_named_whoever_names_them(story: Story) -> None:
    event, target = story.assign(), a_target(TargetKind.PERSON, person=story.alice)

    assert by_route(event, story.task(), target) == ([("alice", "named by the rule")], [])
    assert by_step(story.task(), target) == ([("alice", "named by the policy")], [])


def test_both_say_that_there_is_no_manager(story: Story) -> None:
    event, target = story.assign(assignee="carol"), a_target(TargetKind.MANAGER)

    assert by_route(event, story.task(), target) == ([], [("carol", "has no manager")])
    assert by_step(story.task(), target) == ([], ["Carol has no manager"])


def test_managers_in_a_circle_end_both_searches(story: Story) -> None:
    Recipient.objects.filter(pk=story.carol.pk).update(manager=story.carol)
    event, target = story.assign(assignee="carol"), a_target(TargetKind.MANAGER)

    assert by_route(event, story.task(), target) == ([], [("carol", "has no manager")])
    assert by_step(story.task(), target) == ([], ["the managers of Carol form a circle"])


def test_both_say_that_a_team_has_no_lead(story: Story) -> None:
    story.finance.lead = None
    story.finance.save()
    event, target = story.assign(), a_target(TargetKind.TEAM_LEAD, team=story.finance)

    assert by_route(event, story.task(), target) == ([], [("finance", "the team has no lead")])
    assert by_step(story.task(), target) == ([], ["team Finance has no lead"])


def test_an_event_without_candidates_lacks_nothing_where_a_step_finds_nobody(story: Story) -> None:
    event, target = story.assign(), a_target(TargetKind.CANDIDATES)

    assert by_route(event, story.task(), target) == ([], [])
    assert by_step(story.task(), target) == ([], ["the task has no candidates"])


def test_who_is_no_longer_active_is_told_of_in_both(story: Story) -> None:
    gone = RecipientFactory(ref="dora", name="Dora", active=False)
    event, target = story.assign(), a_target(TargetKind.PERSON, person=gone)

    assert by_route(event, story.task(), target) == ([], [("dora", "no longer active")])
    assert by_step(story.task(), target) == ([], ["Dora is no longer active"])
