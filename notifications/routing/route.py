"""Matching of routes to an event, and of people to routes. Every decision has a reason for the trace."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.encoding import force_str

from notifications import reasons
from notifications.models import (
    Brand,
    Case,
    Category,
    Event,
    Recipient,
    Route,
    RouteCondition,
    RouteTarget,
    Task,
    Team,
    TemplateVersion,
)
from notifications.people.resolver import Directory, PersonInEvent, ref_of
from notifications.people.roster import Roster
from notifications.people.stand_ins import PartSubject
from notifications.reasons import Reason
from notifications.routing import targets
from notifications.routing.conditions import all_of, holds, why_not
from notifications.types import Json, behaviour_of, lookup
from wfpush.postgres.revision import Compiled


@dataclass(frozen=True)
class Match:
    """A route that was tried, and why it matched or did not."""

    route: Route
    matched: bool
    reason: Reason


@dataclass(frozen=True)
class Manner:
    """The way in which people are notified, by a route or by another source.

    `version`: that of the template; None: the published one. `escalated`: people are notified because the task runs
    late. `critical`: no preference of people holds the message back. `notice`: the template of a reminder or an
    escalation, whose text stands above the task's.
    """

    name: str
    category: Category
    channels: Sequence[str]
    template_id: int | None = None
    version: TemplateVersion | None = None
    brand: Brand | None = None
    answer_from_email: bool = False
    answer_from_push: bool = True
    route: Route | None = None
    escalated: bool = False
    critical: bool = False
    notice: TemplateVersion | None = None


def by_route(route: Route) -> Manner:
    return Manner(
        name=route.name,
        category=route.category,
        channels=route.category.channels,
        template_id=route.template_id,
        brand=route.brand,
        answer_from_email=route.answer_from_email,
        answer_from_push=route.answer_from_push,
        route=route,
    )


@dataclass(frozen=True, slots=True)
class MessageRecipient:
    """A person to notify, the manner, and the reason. `on_behalf_of` is the absent person whom this one replaces."""

    recipient: Recipient
    manner: Manner
    reason: Reason
    on_behalf_of: Recipient | None = None

    @property
    def meant(self) -> list[Recipient]:
        """The people whose copies of the task remain open, also from before they went away."""
        return [self.recipient, self.on_behalf_of] if self.on_behalf_of else [self.recipient]


@dataclass(frozen=True)
class Unresolved:
    """A name for which nobody could be notified, and why."""

    ref: str
    reason: Reason


@dataclass
class Subject:
    """The data that routes look at. `facts` is the event's data merged over its task's, and `event` itself."""

    event: Event
    task: Task | None
    case: Case | None
    directory: Directory
    roster: Roster
    facts: Json
    unresolved: list[Unresolved] = field(default_factory=list)

    def absence_context(self, category: int) -> PartSubject:
        """Return the subject that parts of absences are compared with."""
        return PartSubject(category, self.event.engine_id, self.case.type if self.case is not None else "")

    def person(self, reference: PersonInEvent | None) -> list[Recipient]:
        """Return the person as a list. The list is empty for an unknown person, who is added to `unresolved`."""
        if not reference:
            return []
        recipient = self.directory.get(reference)
        if recipient is None:
            self.unresolved.append(Unresolved(ref_of(reference) or force_str(reference)[:200], reasons.UNKNOWN()))
            return []
        return [recipient]


# --- matching -------------------------------------------------------------------------------------
def match(event: Event, facts: Json) -> list[Match]:
    """Try the enabled routes by priority, until a matching one says to stop. Return all, tried or stopped."""
    tried: list[Match] = []
    stopped_by = ""
    for rule in _RULES.get():
        route = rule.route
        if stopped_by:
            tried.append(Match(route, False, reasons.STOPPED_BY(route=stopped_by)))
            continue
        reason = _why_not(rule, event, facts)
        if reason:
            tried.append(Match(route, False, reason))
            continue
        why = all_of(rule.conditions) if rule.conditions else reasons.IS_TYPE(type=event.type)
        tried.append(Match(route, True, why))
        stopped_by = route.name if route.stop else ""
    return tried


@dataclass(frozen=True)
class _Rule:
    """A route with the data that decides whether it matches."""

    route: Route
    types: list[str]
    conditions: list[RouteCondition]


def _read_rules() -> list[_Rule]:
    types: dict[int, list[str]] = {}
    conditions: dict[int, list[RouteCondition]] = {}
    for route_id, name in Route.event_types.through.objects.values_list("route_id", "eventtype__name"):
        types.setdefault(route_id, []).append(name)
    for condition in RouteCondition.objects.all():
        conditions.setdefault(condition.route_id, []).append(condition)
    routes = (
        Route.objects.filter(enabled=True).select_related("category", "brand", "engine").prefetch_related("targets")
    )
    return [_Rule(route, types.get(route.pk, []), conditions.get(route.pk, [])) for route in routes]


_RULES = Compiled(_read_rules)


def obstacle(route: Route, event: Event, facts: Json) -> Reason:
    """Return why the route does not match the event; NOTHING if it matches, even if it is switched off."""
    types = list(route.event_types.values_list("name", flat=True))
    return _why_not(_Rule(route, types, list(route.conditions.all())), event, facts)


def meets(event: Event, facts: Json, route: Route, types: list[str], conditions: list[RouteCondition]) -> bool:
    """Return whether the event meets a route that need not be stored, with its types (none: every type)."""
    return not _why_not(_Rule(route, types, conditions), event, facts)


def met_routes(event: Event, facts: Json) -> list[Route]:
    """Return the enabled routes that the event meets, by priority, also those that an earlier one stops."""
    return [rule.route for rule in _RULES.get() if not _why_not(rule, event, facts)]


def _why_not(rule: _Rule, event: Event, facts: Json) -> Reason:
    if rule.route.engine_id is not None and rule.route.engine_id != event.engine_id:
        return reasons.OF_ENGINE(engine=rule.route.engine)
    if rule.types and event.type not in rule.types and behaviour_of(event.type) not in rule.types:
        return reasons.NOT_FOR(type=event.type)
    for condition in rule.conditions:
        if not holds(condition, facts):
            return why_not(condition, lookup(facts, condition.path))
    return reasons.NOTHING


# --- targets --------------------------------------------------------------------------------------
def people_for(matches: Iterable[Match], subject: Subject) -> list[MessageRecipient]:
    """Return all people of the matching routes, once each; the first route that names a person determines the message.

    People who are away are replaced by their delegate, unless the delegate is among the people anyway.
    """
    addressees = _find_direct_addressees(matches, subject)
    stand_ins = subject.roster.stand_ins
    stand_ins.look_up([entry.recipient for entry in addressees])
    delegates: dict[int, Recipient] = {}
    by_category: dict[int, list[Recipient]] = {}
    for entry in addressees:
        by_category.setdefault(entry.manner.category.pk, []).append(entry.recipient)
    for category, people in by_category.items():
        delegates |= stand_ins.of(people, subject.absence_context(category))
    by_person = {entry.recipient.pk: entry for entry in addressees if entry.recipient.pk not in delegates}
    for entry in addressees:
        if (delegate := delegates.get(entry.recipient.pk)) is not None:
            reason = stand_ins.why(entry.recipient, subject.absence_context(entry.manner.category.pk), entry.reason)
            by_person.setdefault(
                delegate.pk, MessageRecipient(delegate, entry.manner, reason, on_behalf_of=entry.recipient)
            )
    return list(by_person.values())


def _find_direct_addressees(matches: Iterable[Match], subject: Subject) -> list[MessageRecipient]:
    by_person: dict[int, MessageRecipient] = {}
    for tried in matches:
        if not tried.matched:
            continue
        manner = by_route(tried.route)
        for target in tried.route.targets.all():
            for person, reason in targets.people_for(target.kind, _Search(target, subject)):
                if not person.active:
                    subject.unresolved.append(Unresolved(person.ref, reasons.NO_LONGER_ACTIVE()))
                else:
                    by_person.setdefault(person.pk, MessageRecipient(person, manner, reason))
    return list(by_person.values())


class _Search(targets.RosterSearch):
    """The people that a route's target names in an event. Rows of the task take precedence over the event's data."""

    def __init__(self, target: RouteTarget, subject: Subject) -> None:
        self.target, self.subject, self.roster = target, subject, subject.roster
        self.task, self.case = subject.task, subject.case

    def assignee(self) -> Recipient | None:
        task = self.subject.task
        if task is not None and task.assignee is not None:
            return task.assignee
        return next(iter(self.named([self.value("task.assignee")])), None)

    def candidates(self) -> Iterable[Recipient]:
        return [] if self._is_assigned() else self.named(self.value("task.candidates") or [])

    def teams(self) -> Iterable[Team]:
        is_about_task = behaviour_of(self.subject.event.type).startswith("task.")
        return [] if is_about_task and self._is_assigned() else self._named_teams()

    def teams_led(self) -> Sequence[Team]:
        team = self.team()
        return [team] if team is not None else self._named_teams()

    def is_out(self, person: Recipient) -> bool:
        return self.roster.stand_ins.is_out(person, self.subject.absence_context(self.target.route.category_id))

    def leave_out(self, ref: str, reason: Reason) -> None:
        self.subject.unresolved.append(Unresolved(ref, reason))

    def miss(self, what: targets.Missing, of: Recipient | Team | None = None) -> None:
        if what in UNRESOLVED and of is not None:
            ref = of.slug if isinstance(of, Team) else of.ref
            self.subject.unresolved.append(Unresolved(ref, UNRESOLVED[what]()))

    def value(self, path: str) -> Any:
        return lookup(self.subject.facts, path)

    def recipients(self) -> Iterable[PersonInEvent]:
        return self.subject.event.data.get("recipients") or []

    def _is_assigned(self) -> bool:
        """Return whether the task has an assignee: then candidates and teams get no copy until it is reassigned."""
        task = self.subject.task
        return bool(task is not None and task.assignee_id) or bool(self.value("task.assignee"))

    def named(self, people: Iterable[PersonInEvent | None]) -> list[Recipient]:
        return [person for reference in people for person in self.subject.person(reference)]

    def _named_teams(self) -> list[Team]:
        """Return the teams in an event: those of its task, of its exception, or its own."""
        slugs: list[str] = []
        for place in ("task.teams", "exception.teams", "teams"):
            value = lookup(self.subject.facts, place)
            slugs += [slug for slug in value if isinstance(slug, str)] if isinstance(value, list) else []
        teams = self.roster.teams(slugs)
        for slug in dict.fromkeys(slugs):
            if slug not in teams:
                self.subject.unresolved.append(Unresolved(slug, reasons.UNKNOWN_TEAM()))
        return list(teams.values())


UNRESOLVED = {
    targets.Missing.LEAD: reasons.TEAM_WITHOUT_LEAD,
    targets.Missing.MANAGER: reasons.HAS_NO_MANAGER,
    targets.Missing.END_OF_MANAGERS: reasons.HAS_NO_MANAGER,
}
"""The missing parts that the trace mentions. An event without candidates, say, misses nothing."""
