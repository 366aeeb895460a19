"""Entitlement to tasks: whether the reason for a person's copy still holds, and the successors of those who lost it.

A membership, lead, manager, duty, role, case list or absence may end while a copy is open. Reasons that come from an
event, a route or a policy for one person do not end.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from typing import TypeAlias
from uuid import UUID

from notifications import reasons
from notifications.cases import internal_events
from notifications.items.plans import routes_of
from notifications.models import Case, Engine, Event, Notification, Recipient, RouteTarget, TargetKind, Team
from notifications.people.resolver import find_people
from notifications.people.roster import Roster
from notifications.reasons import NOTHING, Code, Reason
from notifications.routing import stakeholders, targets
from notifications.routing.entitlement_search import Search, part_subject_of
from notifications.types import Json
from wfpush import features

People: TypeAlias = Mapping[int, Recipient]
"""People by their keys."""

MAX_MANAGERS = 20
"""Maximum number of levels of managers above a person."""

STEP_EVENTS = "task.escalation_raised"
"""Type of the product's own events by which steps of policies notify people (escalations/kinds/base.py)."""

DELEGATED = (reasons.DELEGATE.name, reasons.DELEGATE_FOR.name, reasons.OFFERED.name)
"""Reasons of people who stand in for somebody: `reason` in the fact is the absent person's own."""


@dataclass(frozen=True)
class Successor:
    """A person who gets a task in place of one who lost it, and the absent person for whom this one stands in."""

    person: Recipient
    reason: Reason
    on_behalf_of: Recipient | None = None


def may_end(copy: Notification) -> bool:
    """Return whether the reason for the copy is of a kind that can end."""
    code = (copy.reason_fact or {}).get("code")
    return copy.task_id is not None and (code in kinds() or code in DELEGATED)


class Entitlements:
    """The reasons of some copies at the time `now`. Data that several copies need is read once. Nothing is read for
    copies whose reasons cannot end."""

    def __init__(self, copies: Iterable[Notification], now: datetime) -> None:
        self._now = now
        self._copies = [copy for copy in copies if may_end(copy)]
        self._managers: dict[int, list[int]] = {}
        self._listed: dict[tuple[int, str], People] = {}
        self._people_by_refs: dict[tuple[int, frozenset[str]], People] = {}
        self._people_by_target: dict[tuple[object, ...], People] = {}
        self._targets: dict[tuple[object, ...], list[RouteTarget]] = {}
        self._facts_by_task: dict[UUID, list[Json]] = {}

    @cached_property
    def roster(self) -> Roster:
        return Roster(self._now)

    def ended(self, copy: Notification) -> Reason:
        """Return why the copy's person has lost the task; NOTHING while any reason for it holds."""
        task = copy.task
        if task is None or task.assignee_id == copy.recipient_id or not may_end(copy):
            return NOTHING
        if self._holds(copy.recipient_id, copy.reason_fact, copy) or self._is_named_otherwise(copy):
            return NOTHING
        return self._why_ended(copy)

    def successors(self, copy: Notification, *, others_have_it: bool) -> list[Successor]:
        """Return the successors of the copy's person. For a reason that several people share, the list is empty while
        `others_have_it`."""
        replacements = []
        for person, reason in self._named_by(copy.reason_fact, copy, others_have_it=others_have_it):
            if person.active:
                replacements.append(self._or_stand_in(person, reason, copy))
        return replacements

    def _or_stand_in(self, person: Recipient, reason: Reason, copy: Notification) -> Successor:
        context, stand_ins = part_subject_of(copy), self.roster.stand_ins
        stand_in = stand_ins.of([person], context).get(person.pk)
        if stand_in is None:
            return Successor(person, reason)
        return Successor(stand_in, stand_ins.why(person, context, reason), person)

    # --- the reason that the copy states ------------------------------------------------------------------------------
    def _holds(self, person: int, fact: Json | None, copy: Notification) -> bool:
        """Return whether the fact still holds for the person with the key `person`."""
        code = (fact or {}).get("code")
        if fact is not None and code in DELEGATED:
            away = copy.on_behalf_of_id
            stands_in = away is not None and person in self.roster.stand_ins.chain(away, part_subject_of(copy))
            return stands_in and away is not None and self._holds(away, fact.get("reason"), copy)
        kind = kinds().get(str(code))
        return fact is None or kind is None or kind.holds(self, person, fact, copy)

    def _why_ended(self, copy: Notification) -> Reason:
        fact = copy.reason_fact
        if fact["code"] not in DELEGATED:
            kind = kinds()[fact["code"]]
            return kind.ended(**{name: fact[name] for name in kind.words if name in fact})
        away = copy.on_behalf_of
        is_back = away is not None and not self.roster.stand_ins.is_away(away.pk)
        return (reasons.OFFER_IS_OVER if is_back else reasons.NO_LONGER_DELEGATE)(name=away or fact.get("name", ""))

    def _named_by(self, fact: Json | None, copy: Notification, *, others_have_it: bool) -> targets.People:
        code = (fact or {}).get("code")
        if code == reasons.OFFERED.name:
            return []  # the absent person has a copy of their own, which is offered to the current stand-in
        if fact is not None and code in DELEGATED:
            away, before = self.roster.person(copy.on_behalf_of_id), fact.get("reason")
            if away is not None and self._holds(away.pk, before, copy):
                return [(away, reasons.of(before))]
            return self._named_by(before, copy, others_have_it=others_have_it)
        kind = kinds().get(str(code))
        if fact is None or kind is None or (kind.is_shared and others_have_it):
            return []
        return kind.find_people(self, fact, copy)

    # --- other reasons ------------------------------------------------------------------------------------------------
    def _is_named_otherwise(self, copy: Notification) -> bool:
        """Return whether the person has the task for another reason that holds: a policy's step has notified them, or a
        route names them or a person for whom they stand in."""
        if copy.escalated:
            return any(self._holds(copy.recipient_id, fact, copy) for fact in self._facts_of_steps(copy))
        return any(self._is_named_by(target, copy) for target in self._other_targets(copy))

    def _is_named_by(self, target: RouteTarget, copy: Notification) -> bool:
        key = (target.kind, target.pk, copy.task_id, copy.category_id)
        if key not in self._people_by_target:
            pairs = targets.people_for(target.kind, Search(self, copy, target))
            self._people_by_target[key] = {person.pk: person for person, _reason in pairs}
        people, stand_ins, context = self._people_by_target[key], self.roster.stand_ins, part_subject_of(copy)
        if copy.recipient_id in people:
            return True
        stand_ins.look_up(people.values())
        return any(copy.recipient_id in stand_ins.chain(person, context) for person in people.keys() & stand_ins.away)

    def _other_targets(self, copy: Notification) -> list[RouteTarget]:
        """Return the targets of the routes that matched for the task; without a route, its candidates and teams."""
        if copy.route_id is None:
            return [RouteTarget(kind=TargetKind.CANDIDATES), RouteTarget(kind=TargetKind.TASK_TEAMS)]
        assigned = copy.task.assigned_event_id if copy.task is not None else None
        key = (copy.route_id, copy.event_id, assigned)
        if key not in self._targets:
            plans = Event.objects.filter(pk__in=[copy.event_id, assigned]).values_list("plan", flat=True)
            matched = {tried["route"] for plan in plans for tried in routes_of(plan) if tried["matched"]}
            rows = RouteTarget.objects.filter(route__in={copy.route_id, *matched})
            self._targets[key] = list(rows.select_related("route"))
        return self._targets[key]

    def _facts_of_steps(self, copy: Notification) -> list[Json]:
        """Return the other reasons for which steps of policies have notified the copy's person of the task."""
        assert copy.task_id is not None
        if copy.task_id not in self._facts_by_task:
            steps = Event.objects.filter(task=copy.task_id, source=internal_events.SOURCE, type=STEP_EVENTS)
            plans = steps.values_list("plan", flat=True)
            self._facts_by_task[copy.task_id] = [entry for plan in plans for entry in plan.get("recipients", ())]
        entries = (entry for entry in self._facts_by_task[copy.task_id] if entry["recipient"] == copy.recipient_id)
        return [fact for entry in entries if (fact := entry["reason_fact"]) and fact != copy.reason_fact]

    # --- data that is read once ---------------------------------------------------------------------------------------
    @cached_property
    def _people(self) -> set[int]:
        away = {copy.on_behalf_of_id for copy in self._copies if copy.on_behalf_of_id is not None}
        return away | {copy.recipient_id for copy in self._copies}

    @cached_property
    def teams_of(self) -> Mapping[int, Mapping[int, str]]:
        """The keys and names of people's teams, by person."""
        teams_by_person: dict[int, dict[int, str]] = {}
        rows = Team.members.through.objects.filter(recipient__in=self._people)
        for person, team, name in rows.values_list("recipient_id", "team_id", "team__name"):
            teams_by_person.setdefault(person, {})[team] = name
        return teams_by_person

    @cached_property
    def led_by(self) -> Mapping[int, Mapping[int, str]]:
        """The keys and names of the teams that people lead, by person."""
        teams_by_lead: dict[int, dict[int, str]] = {}
        for person, team, name in Team.objects.filter(lead__in=self._people).values_list("lead_id", "pk", "name"):
            teams_by_lead.setdefault(person, {})[team] = name
        return teams_by_lead

    def on_lists(self, case: Case) -> People:
        """Return everybody on the lists for the case's type."""
        key = (case.engine_id, case.type)
        if key not in self._listed:
            self._listed[key] = {person.pk: person for person in stakeholders.on_lists(case, self.roster)}
        return self._listed[key]

    def with_refs(self, engine: Engine, refs: Iterable[str]) -> People:
        """Return the people with these refs in the engine."""
        key = (engine.pk, frozenset(refs))
        if key not in self._people_by_refs:
            self._people_by_refs[key] = {person.pk: person for person in find_people(engine, set(key[1])).values()}
        return self._people_by_refs[key]

    def managers_of(self, person: int) -> Sequence[int]:
        """Return the keys of the managers above the person, the nearest first."""
        if person not in self._managers:
            self._managers[person] = managers_above(person)
        return self._managers[person]


def managers_above(person: int) -> list[int]:
    """Return the keys of a person's managers at all levels, the nearest first; at most MAX_MANAGERS."""
    managers: list[int] = []
    below = person
    while len(managers) < MAX_MANAGERS:
        manager = Recipient.objects.filter(pk=below).values_list("manager_id", flat=True).first()
        if manager is None or manager in (person, *managers):
            break
        managers.append(manager)
        below = manager
    return managers


# --- kinds of reasons -------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class EntitlementKind:
    """A kind of reason that can end: `of`. `ended` is the reason for the trace then, with the members `words` of the
    fact. If `is_shared`, several people have the task for this reason at the same time."""

    of: Code
    holds: Callable[[Entitlements, int, Json, Notification], bool]
    find_people: Callable[[Entitlements, Json, Notification], targets.People]
    ended: Code
    words: Sequence[str]
    is_shared: bool = False


def _is_among(fact: Json, teams: Mapping[int, str]) -> bool:
    """Return whether the fact's team is among `teams`. Facts of the previous version have a name, but no key."""
    return fact["key"] in teams if "key" in fact else fact.get("name") in teams.values()


def _team_of(entitlements: Entitlements, fact: Json) -> Team | None:
    key = fact.get("key") or Team.objects.filter(name=fact.get("name")).values_list("pk", flat=True).first()
    return entitlements.roster.team(key)


def _is_member(entitlements: Entitlements, person: int, fact: Json, copy: Notification) -> bool:
    return _is_among(fact, entitlements.teams_of.get(person, {}))


def _members(entitlements: Entitlements, fact: Json, copy: Notification) -> targets.People:
    team = _team_of(entitlements, fact)
    return [(person, reasons.of(fact)) for person in entitlements.roster.members(team)] if team is not None else []


def _is_lead(entitlements: Entitlements, person: int, fact: Json, copy: Notification) -> bool:
    return _is_among(fact, entitlements.led_by.get(person, {}))


def _lead(entitlements: Entitlements, fact: Json, copy: Notification) -> targets.People:
    team = _team_of(entitlements, fact)
    return [(team.lead, reasons.of(fact))] if team is not None and team.lead is not None else []


def _is_manager(entitlements: Entitlements, person: int, fact: Json, copy: Notification) -> bool:
    """Return whether the person is a manager above the assignee, at any level, or the task has no assignee."""
    assignee = copy.task.assignee_id if copy.task is not None else None
    return assignee is None or person in entitlements.managers_of(assignee)


def _manager(entitlements: Entitlements, fact: Json, copy: Notification) -> targets.People:
    return targets.people_for(TargetKind.MANAGER, Search(entitlements, copy, RouteTarget(), int(fact.get("level", 1))))


def _has_role(entitlements: Entitlements, person: int, fact: Json, copy: Notification) -> bool:
    return person in _with_role(entitlements, fact, copy)


def _in_role(entitlements: Entitlements, fact: Json, copy: Notification) -> targets.People:
    return [(person, reasons.of(fact)) for person in _with_role(entitlements, fact, copy).values()]


def _with_role(entitlements: Entitlements, fact: Json, copy: Notification) -> People:
    case = copy.task.case if copy.task is not None else None
    if copy.task is None or case is None:
        return {}
    names = [role for role in case.roles or {} if stakeholders.role_in_words(role) == fact.get("role")]
    return entitlements.with_refs(
        copy.task.engine, {ref for role in names for ref in stakeholders.refs_with_role(case.roles, role)}
    )


def _is_on_list(entitlements: Entitlements, person: int, fact: Json, copy: Notification) -> bool:
    case = copy.task.case if copy.task is not None else None
    return case is not None and person in entitlements.on_lists(case)


def _on_list(entitlements: Entitlements, fact: Json, copy: Notification) -> targets.People:
    case = copy.task.case if copy.task is not None else None
    people = entitlements.on_lists(case).values() if case is not None else ()
    return [(person, reasons.of(fact)) for person in people]


CORE = (
    EntitlementKind(reasons.MEMBER, _is_member, _members, reasons.NO_LONGER_MEMBER, ["name"], is_shared=True),
    EntitlementKind(reasons.LEAD, _is_lead, _lead, reasons.NO_LONGER_LEAD, ["name"]),
    EntitlementKind(reasons.MANAGER, _is_manager, _manager, reasons.NO_LONGER_MANAGER, ["name"]),
    EntitlementKind(reasons.MANAGER_OF_LEVEL, _is_manager, _manager, reasons.NO_LONGER_MANAGER, ["name"]),
    EntitlementKind(reasons.HAS_ROLE, _has_role, _in_role, reasons.NO_LONGER_IN_ROLE, ["role"]),
    EntitlementKind(reasons.ON_LIST, _is_on_list, _on_list, reasons.NO_LONGER_ON_LIST, ["type"], is_shared=True),
)


@cache
def kinds() -> Mapping[str, EntitlementKind]:
    """Return the kinds by the codes of their reasons."""
    return {kind.of.name: kind for kind in (*CORE, *features.added(EntitlementKind))}


def ending() -> list[str]:
    """Return the codes of all reasons that may end."""
    return [*kinds(), *DELEGATED]
