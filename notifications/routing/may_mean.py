"""Finds the targets of routes that may mean a person in an event, whether the routes match or not."""

from collections.abc import Iterator

from django.db.models import Q, QuerySet

from notifications.cases.facts import facts_of_task
from notifications.feature_targets import feature_targets
from notifications.models import CaseList, Event, Recipient, RouteTarget, TargetKind, Task, Team
from notifications.people.resolver import ref_of
from notifications.preferences import following
from notifications.routing import stakeholders
from notifications.types import Json, lookup


def targets_for(person: Recipient, event: Event) -> QuerySet[RouteTarget]:
    """Return the targets, of all routes."""
    condition = Q(pk=None)
    for part in _conditions(person, event):
        condition |= part
    return RouteTarget.objects.filter(condition)


def _conditions(person: Recipient, event: Event) -> Iterator[Q]:
    teams = list(person.teams.values_list("pk", flat=True))
    yield Q(kind=TargetKind.PERSON, person=person) | Q(kind=TargetKind.TEAM, team__in=teams)
    yield Q(kind=TargetKind.TEAM_LEAD, team__lead=person)
    if CaseList.objects.filter(Q(people=person) | Q(teams__in=teams)).exists():
        yield Q(kind=TargetKind.CASE_LIST)
    if event.case is not None and following.followers_of(event.case).filter(pk=person.pk).exists():
        yield Q(kind=TargetKind.FOLLOWERS)
    for name, kind in feature_targets().items():
        refs = set(RouteTarget.objects.filter(kind=name).values_list("ref", flat=True))
        yield Q(kind=name, ref__in=[ref for ref in refs if kind.may_be(ref, person.pk)])
    if event.task is not None:
        yield from _of_task(person, event.task, teams)
    yield from _of_data(person, facts_of_task(event.task, event.case, event))


def _of_task(person: Recipient, task: Task, teams: list[int]) -> Iterator[Q]:
    if has_task(person, task):
        yield Q(kind__in=(TargetKind.ASSIGNEE, TargetKind.CANDIDATES, TargetKind.TASK_TEAMS))
    if task.initiator_id == person.pk:
        yield Q(kind=TargetKind.INITIATOR)
    if task.assignee is not None and task.assignee.manager_id == person.pk:
        yield Q(kind=TargetKind.MANAGER)
    if Team.objects.filter(tasks=task, lead=person).exists():
        yield Q(kind=TargetKind.TEAM_LEAD, team=None)


def _of_data(person: Recipient, facts: Json) -> Iterator[Q]:
    recipients, case = facts.get("recipients"), facts.get("case")
    if isinstance(recipients, list) and person.ref in map(ref_of, recipients):
        yield Q(kind=TargetKind.RECIPIENTS)
    if ref_of(facts.get("customer")) == person.ref:
        yield Q(kind=TargetKind.CUSTOMER)
    roles = case.get("roles") if isinstance(case, dict) else None
    for role in roles if isinstance(roles, dict) else ():
        if person.ref in map(ref_of, stakeholders.refs_with_role(roles, role)):
            yield Q(kind=TargetKind.ROLE, role=role)
    for path in set(RouteTarget.objects.filter(kind=TargetKind.PATH).values_list("path", flat=True)):
        value = lookup(facts, path)
        if person.ref in map(ref_of, value if isinstance(value, list) else [value]):
            yield Q(kind=TargetKind.PATH, path=path)


def has_task(person: Recipient, task: Task) -> bool:
    """Return whether the task is the person's: as its assignee, or without one as a candidate or a team's member."""
    if task.assignee_id is not None:
        return task.assignee_id == person.pk
    mine = Task.objects.filter(Q(candidates=person) | Q(teams__members=person), pk=task.pk)
    return mine.exists()
