"""Dead ends: steps and routes that will reach nobody in the coming days. One line for each cause, with all steps and
routes that lead to it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, partial
from uuid import UUID

from django.db.models import Q

from escalations import reasons
from escalations.forecast.target_cache import Question, TargetCache, Tasks
from escalations.kinds import KINDS
from escalations.kinds.targets import step_for
from escalations.models import Policy
from escalations.policies import matching, rules
from escalations.policies.rules import Step
from notifications.cases.facts import facts_of_task
from notifications.channels.registry import person_channels
from notifications.feature_targets import Period, feature_targets
from notifications.models import (
    CaseList,
    Category,
    Condition,
    Device,
    Recipient,
    Route,
    RouteTarget,
    TargetKind,
    Task,
)
from notifications.people import stand_ins
from notifications.preferences import delivery_decision
from notifications.preferences.lookup import Reading
from notifications.reasons import NOTHING, Reason, joined
from notifications.routing.conditions import holds
from notifications.types import behaviour_of

HORIZON = timedelta(days=14)
MOST_INSTANTS, MOST_HAND_OVERS = 40, 200
LONG = timedelta(hours=24)
"""The shortest quiet hours that count as a dead end. Nights are shorter."""

Stretch = tuple[datetime, datetime]


@dataclass(frozen=True)
class Place:
    """A step of a policy, or a route (`step` is 0), with its targets. `channels`: None for a step that reassigns the
    task, because routes tell the new people. `category`: that of the messages; None if it depends on the task.
    `conditions`: those that tasks must fulfil."""

    row: Policy | Route
    step: int
    targets: tuple[Step, ...]
    channels: frozenset[str] | None
    category: Category | None = None
    critical: bool = False
    instead: str = ""
    conditions: tuple[Condition, ...] = ()

    @property
    def name(self) -> str:
        return f"SLA policy “{self.row}”, step {self.step}" if self.step else f"rule “{self.row}”"


@dataclass
class DeadEnd:
    """A cause and its effects. `since`: when it begins. `leads`: the steps and routes. `instead`: the fallback owners
    who are told."""

    why: Reason
    since: datetime
    leads: list[Place] = field(default_factory=list)
    instead: list[str] = field(default_factory=list)

    @property
    def places(self) -> list[str]:
        return [place.name for place in self.leads]

    @property
    def policies(self) -> set[int]:
        return {place.row.pk for place in self.leads if place.step}

    def add(self, place: Place) -> None:
        if place not in self.leads:
            self.leads.append(place)
            self.instead += [place.instead] if place.instead not in ("", *self.instead) else []


# --- addresses and quiet hours ----------------------------------------------------------------------------------------
class Reachability:
    """The addresses and long quiet hours of all people, as they are now. Quiet hours are read up to `until`."""

    def __init__(self, now: datetime, until: datetime) -> None:
        self._now, self._until = now, until
        self._reading = Reading()
        self._channels: dict[int, set[str]] = defaultdict(set)
        for pk, channel in Device.objects.order_by().values_list("recipient_id", "channel").distinct():
            self._channels[pk].add(channel)

    def has_address(self, person: Recipient, channels: Iterable[str], category: Category | None = None) -> bool:
        """Return whether the person has an address on one of the channels and has not turned it off for the
        category."""
        at = {each.name for each in person_channels() if each.transport.address_of(person)}
        own = (self._channels.get(person.pk, set()) | at).intersection(channels)
        if category is None or not own:
            return bool(own)
        chosen = self._reading.of(person)
        return any(not chosen.off(category, channel) for channel in own)

    def waits_until(self, person: Recipient, instant: datetime) -> str:
        """Return the end of long quiet hours around the instant, by the person's wall clock; empty outside them."""
        mine = self._stretches.get(person.pk, ())
        ends = (delivery_decision.local(end, self._reading.of(person)) for begin, end in mine if begin <= instant < end)
        return next(ends, "")

    @cached_property
    def changes(self) -> Mapping[datetime, set[int]]:
        """The pks of people, by the instant at which long quiet hours of theirs begin."""
        people_by_start: dict[datetime, set[int]] = defaultdict(set)
        for pk, stretches in self._stretches.items():
            for begin, _ in stretches:
                if begin > self._now:
                    people_by_start[begin].add(pk)
        return people_by_start

    @cached_property
    def _stretches(self) -> dict[int, list[Stretch]]:
        people = Recipient.objects.filter(active=True, engine=None)
        self._reading.look_up(people)
        by_person = {}
        for person in people:
            quiet = self._reading.of(person).quiet
            stretches = quiet.stretches(self._now, self._until) if quiet is not None else ()
            if mine := [(begin, end) for begin, end in stretches if end - begin >= LONG]:
                by_person[person.pk] = mine
        return by_person


# --- causes -----------------------------------------------------------------------------------------------------------
def dead_ends(now: datetime, of: Policy | Route | None = None) -> list[DeadEnd]:
    """Return the dead ends, the soonest first. `of`: only those of that policy or route."""
    places = [place for place in (*_steps(), *_routes()) if of is None or place.row == of]
    periods = _periods(places, now)
    tasks, reachability = Tasks(now), Reachability(now, now + HORIZON)
    cache, policies = TargetCache(periods), _PolicyOf()
    searches = [
        _Search(place, *each)
        for place in places
        for each in tasks.different(place.targets, partial(_may_reach, place, policies))
    ]
    asking: dict[Question, list[_Search]] = {}
    for search in searches:
        for question in search.questions:
            asking.setdefault(question, []).append(search)
    by_cause: dict[Reason, DeadEnd] = {}
    for instant in _instants(now, reachability, periods.values()):
        forgotten = cache.at(instant, reachability.changes.get(instant, ()))
        for search in searches if instant == now else [each for question in forgotten for each in asking[question]]:
            if why := _cause(search, cache, reachability):
                by_cause.setdefault(why, DeadEnd(why, instant)).add(search.place)
    return sorted(by_cause.values(), key=lambda line: (line.since, str(line.why)))


def _periods(places: Iterable[Place], now: datetime) -> dict[str, Period]:
    """Return the rows of features that the places name, for the horizon, by their targets."""
    refs: dict[str, set[str]] = {}
    for step in (step for place in places for step in place.targets if step.ref):
        refs.setdefault(step.target or "", set()).add(step.ref)
    return {
        value: kind.over(refs[value], now, now + HORIZON) for value, kind in feature_targets().items() if value in refs
    }


class _PolicyOf(dict[UUID, int | None]):
    """The policies that keep the time of such tasks if they have a due date, by the tasks' ids. Each is looked up
    once."""

    def __init__(self) -> None:
        self._policies = matching.enabled()

    def of(self, task: Task) -> int | None:
        if task.pk not in self:
            tried = matching.tried(task, self._policies)
            fits = (each.policy.pk for each in tried if each.fits or each.reason.code == reasons.NO_DUE_DATE.name)
            self[task.pk] = next(fits, None)
        return self[task.pk]


def _may_reach(place: Place, policies: _PolicyOf, task: Task) -> bool:
    """Return whether the place is for such tasks: the policy is the first that fits, or the route's engine and
    conditions fit. Conditions of routes for other events than those of tasks are not read: the events are not known."""
    row = place.row
    if isinstance(row, Policy):
        return policies.of(task) == row.pk
    if row.engine_id is not None and row.engine_id != task.engine_id:
        return False
    facts = facts_of_task(task, task.case) if place.conditions else {}
    return all(holds(condition, facts) for condition in place.conditions)


@dataclass(frozen=True)
class _Search:
    """A search for the people of a place's targets, for one task."""

    place: Place
    task: Task
    questions: tuple[Question, ...]


def _cause(search: _Search, cache: TargetCache, reachability: Reachability) -> Reason:
    """Return why the search reaches nobody; NOTHING if it reaches somebody."""
    pairs = zip(search.questions, search.place.targets, strict=True)
    answers = [cache.ask(question, search.task, step) for question, step in pairs]
    hear = [each.recipient for answer in answers for each in answer.hear]
    if not hear:
        return joined(dict.fromkeys(note for answer in answers for note in answer.notes))
    place = search.place
    if place.channels is None:
        return NOTHING
    reachable = [person for person in hear if reachability.has_address(person, place.channels, place.category)]
    if not reachable:
        wants = any(reachability.has_address(person, place.channels) for person in hear)
        return (reasons.TURNED_OFF if wants else reasons.INBOX_ONLY)(names=_names(hear))
    assert cache.staff is not None
    waits = [reachability.waits_until(person, cache.staff.now) for person in reachable]
    if place.critical or not all(waits):
        return NOTHING
    return reasons.QUIET(names=_names(reachable), until=min(waits))


def _names(people: Iterable[Recipient]) -> str:
    return ", ".join(dict.fromkeys(map(str, people)))


# --- steps and routes -------------------------------------------------------------------------------------------------
def _steps() -> Iterator[Place]:
    policies = Policy.objects.filter(enabled=True).select_related("calendar", "fallback")
    for policy in policies.prefetch_related("steps__category", "conditions"):
        conditions = tuple(policy.conditions.all())
        instead = str(policy.fallback) if policy.fallback and policy.fallback.active else ""
        rule_set = rules.read(rules.written(policy, None))
        for step, row in zip(rule_set.steps, policy.steps.all(), strict=True):
            kind = KINDS[step.kind]
            if step.target is not None and "target" in kind.fields:
                named = kind.channels(step, row)
                channels = frozenset(named) if named is not None else None
                yield Place(policy, step.position, (step,), channels, row.category, step.critical, instead, conditions)


FORESEEN = (
    TargetKind.ASSIGNEE,
    TargetKind.MANAGER,
    TargetKind.TEAM,
    TargetKind.TEAM_LEAD,
    TargetKind.PERSON,
)
"""Targets of routes that can be foreseen. All other targets depend on the event."""


def _routes() -> Iterator[Place]:
    routes = Route.objects.filter(enabled=True).select_related("category")
    for route in routes.prefetch_related("targets", "conditions", "event_types"):
        types = [each.name for each in route.event_types.all()]
        of_tasks = not types or any(behaviour_of(name).startswith("task.") for name in types)
        conditions = tuple(route.conditions.all()) if of_tasks else ()
        for targets in _target_lists(route):
            if targets and all(_is_foreseen(target) for target in targets):
                steps, channels = tuple(step_for(target) for target in targets), frozenset(route.category.channels)
                yield Place(route, 0, steps, channels, route.category, conditions=conditions)


def _target_lists(route: Route) -> Iterator[list[RouteTarget]]:
    """Yield the route's targets. If one is the list for a type of cases, yield the targets for each type."""
    targets = list(route.targets.all())
    others = [target for target in targets if target.kind != TargetKind.CASE_LIST]
    if len(others) == len(targets):
        yield targets
        return
    mine = Q() if route.engine_id is None else Q(engine=None) | Q(engine=route.engine_id)
    by_type: dict[str, list[RouteTarget]] = {}
    for row in CaseList.objects.filter(mine).prefetch_related("people", "teams"):
        people = [RouteTarget(route=route, kind=TargetKind.PERSON, person=person) for person in row.people.all()]
        teams = [RouteTarget(route=route, kind=TargetKind.TEAM, team=team) for team in row.teams.all()]
        by_type.setdefault(row.case_type, []).extend([*people, *teams])
    for of_type in by_type.values():
        yield [*others, *of_type]


def _is_foreseen(target: RouteTarget) -> bool:
    if target.kind not in TargetKind.values:
        return True
    return target.kind in FORESEEN and (target.kind != TargetKind.TEAM_LEAD or target.team_id is not None)


# --- instants ---------------------------------------------------------------------------------------------------------
def _instants(now: datetime, reachability: Reachability, periods: Iterable[Period]) -> list[datetime]:
    """Return now, when absences and long quiet hours begin or end, and when the people of features' rows change."""
    end = now + HORIZON
    coming = (table.rows().filter(ends_at__gt=now, begins_at__lt=end) for table in stand_ins.tables())
    entered, *added = (rows.values_list("begins_at", "ends_at") for rows in coming)
    times = {instant for row in entered.union(*added) for instant in row if now < instant < end}
    changes = sorted(times.union(reachability.changes))
    hand_overs = sorted({instant for period in periods for instant in period.changes})
    return sorted({now, *changes[:MOST_INSTANTS], *hand_overs[:MOST_HAND_OVERS]})
