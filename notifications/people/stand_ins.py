"""Absent people and their delegates: the delegate gets the absent person's messages."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import chain
from typing import Any

from django.apps import apps
from django.db.models import IntegerField, Q, QuerySet, Value

from notifications import reasons
from notifications.models import AbsencePart, Recipient
from notifications.reasons import Reason
from wfpush import features


# --- tables of absences ---------------------------------------------------------------------------
@dataclass(frozen=True)
class AbsenceTable:
    """A table of absences. `model`: its label. Its rows have `begins_at`, `ends_at`, `recipient` and `delegate`;
    `person` and `delegate` are the lookups of these people."""

    model: str
    person: str
    delegate: str

    def rows(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = apps.get_model(self.model)._default_manager.order_by()
        return rows.select_related(self.person, self.delegate)

    def of(self, people: Iterable[int]) -> QuerySet[Any]:
        """Return the rows of these people, by key."""
        return self.rows().filter(**{f"{self.person}__in": people})

    def delegated_to(self, people: Iterable[int]) -> QuerySet[Any]:
        return self.rows().filter(**{f"{self.delegate}__in": people})


ENTERED = AbsenceTable("notifications.absence", "recipient", "delegate")


@cache
def tables() -> Sequence[AbsenceTable]:
    """Return the table of entered absences, and those that features add. Earlier ones take precedence."""
    return (ENTERED, *features.added(AbsenceTable))


def at(now: datetime) -> Q:
    """Return the condition of absences at that time."""
    return Q(begins_at__lte=now, ends_at__gt=now)


# --- stand-ins ------------------------------------------------------------------------------------
@dataclass(frozen=True)
class PartSubject:
    """The properties of a message by which parts of absences are chosen; None and empty belong to no part."""

    category: int | None = None
    engine: int | None = None
    case_type: str = ""


ANYTHING = PartSubject()


@dataclass(frozen=True)
class Part:
    """A part of an absence, or all the rest of one. `label`: the name of its subject."""

    subject: PartSubject
    delegate: int | None
    label: str = ""

    def fits(self, subject: PartSubject) -> bool:
        if self.subject.category is not None:
            return self.subject.category == subject.category
        if self.subject.engine is not None:
            return self.subject.engine == subject.engine
        return self.subject.case_type in ("", subject.case_type)


class StandIns:
    """Who is away at `now`, and who stands in; each person is read once."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._read_pks: set[int] = set()
        self._parts: dict[int, list[Part]] = {}
        """Parts of the absences by person, the rest last. People who are not away have no entry."""
        self._stand_ins: dict[int, Recipient | None] = {}

    @property
    def anybody(self) -> bool:
        """Return whether any person that was looked up is away."""
        return bool(self._parts)

    def look_up(self, people: Iterable[Recipient]) -> None:
        """Read whether these people, and their delegates, are away."""
        self._look_up({person.pk for person in people if not person.external})

    def _look_up(self, people: set[int]) -> None:
        further = people - self._read_pks
        while further:
            self._read_pks |= further
            parts_by_person = _parts_of(further, self.now)
            self._parts |= parts_by_person
            delegates = {part.delegate for parts in parts_by_person.values() for part in parts}
            further = {pk for pk in delegates if pk is not None} - self._read_pks

    def is_out(self, person: Recipient, subject: PartSubject = ANYTHING) -> bool:
        """Return whether the person is away, and nobody stands in."""
        self.look_up([person])
        return person.pk in self._parts and not self.of([person], subject)

    def of(self, people: Iterable[Recipient], subject: PartSubject = ANYTHING) -> dict[int, Recipient]:
        """Return the stand-ins of these people who are away, by the pk of the person.

        If a delegate is away too, their own delegate stands in, and so on. Where the chain ends in a circle, with
        nobody, or with a deactivated person, the person is left out, and messages stay with them. Makes one query for
        each link of the longest chain, and one for the stand-ins: a single one when nobody is away.
        """
        recipients = list(people)
        self.look_up(recipients)
        ends = {
            person.pk: end
            for person in recipients
            if person.pk in self._parts and (end := _end(person.pk, self._parts, subject)) is not None
        }
        if missing := set(ends.values()) - self._stand_ins.keys():
            there = Recipient.objects.filter(active=True, engine=None).select_related("brand").in_bulk(missing)
            self._stand_ins |= {pk: there.get(pk) for pk in missing}
        return {pk: person for pk, end in ends.items() if (person := self._stand_ins[end]) is not None}

    def chain(self, person: int, subject: PartSubject = ANYTHING) -> Sequence[int]:
        """Return the keys of the person's delegates, each link of the chain; empty unless the person is away."""
        self._look_up({person})
        delegates: list[int] = []
        while person in self._parts:
            part = fitting(self._parts[person], subject)
            if part is None or part.delegate is None or part.delegate in delegates:
                break
            person = part.delegate
            delegates.append(person)
        return delegates

    @property
    def away(self) -> Set[int]:
        """The keys of people who were looked up and are away."""
        return self._parts.keys()

    def is_away(self, person: int) -> bool:
        """Return whether the person (by key) is away, with or without a delegate."""
        self._look_up({person})
        return person in self._parts

    def why(self, person: Recipient, subject: PartSubject, reason: Reason) -> Reason:
        """Return the reason to notify a stand-in of the person; `reason`: why the person would be notified."""
        part = fitting(self._parts.get(person.pk, ()), subject)
        if part is None or not part.label:
            return reasons.DELEGATE(name=person, reason=reason)
        return reasons.DELEGATE_FOR(name=person, part=part.label, reason=reason)


READ = (
    "recipient_id",
    "delegate_id",
    "delegate__active",
    "parts__pk",
    "parts__delegate_id",
    "parts__delegate__active",
    "parts__category_id",
    "parts__category__name",
    "parts__engine_id",
    "parts__engine__name",
    "parts__case_type",
)
NO_PARTS = [Value(None, IntegerField())] * 8
"""The columns of parts, for the tables of features, which have none."""


def _parts_of(people: set[int], now: datetime) -> dict[int, list[Part]]:
    """Return the parts of the absences of people who are away; a deactivated delegate is None."""
    if not people:
        return {}
    parts_by_person: dict[int, list[Part]] = {}
    rest: dict[int, Part] = {}
    added: dict[int, list[Part]] = {}
    own = ENTERED.of(people).filter(at(now)).values_list(Value(False), *READ)
    others = (_without_parts(table, people, now) for table in tables() if table != ENTERED)
    rows = own.union(*others, all=True)  # one statement: it is made for all recipients of all messages
    for is_added, pk, delegate, active, part, *part_columns in sorted(rows, key=lambda row: row[4] or 0):
        whole = Part(ANYTHING, delegate if active else None)
        if is_added:
            added[pk] = [whole]
            continue
        rest[pk] = whole
        parts = parts_by_person.setdefault(pk, [])
        if part is not None:
            parts.append(_part(*part_columns))
    return added | {pk: [*parts, rest[pk]] for pk, parts in parts_by_person.items()}


def _without_parts(table: AbsenceTable, people: set[int], now: datetime) -> QuerySet[Any, Any]:
    columns = (table.person, table.delegate, f"{table.delegate}__active")
    return table.of(people).filter(at(now)).values_list(Value(True), *columns, *NO_PARTS)


def _part(
    delegate: int | None,
    active: bool | None,
    category: int | None,
    name: str | None,
    engine: int | None,
    engine_name: str | None,
    kind: str,
) -> Part:
    return Part(PartSubject(category, engine, kind), delegate if active else None, name or engine_name or kind)


def fitting(parts: Iterable[Part], subject: PartSubject) -> Part | None:
    return next((part for part in parts if part.fits(subject)), None)


def _end(pk: int, parts: Mapping[int, Sequence[Part]], subject: PartSubject) -> int | None:
    """Return the end of a chain of delegates: the first who is not away; None if there is none."""
    passed: set[int] = set()
    while pk in parts:
        part = fitting(parts[pk], subject)
        if part is None or part.delegate is None or pk in passed:
            return None
        passed.add(pk)
        pk = part.delegate
    return pk


def people_away_at(now: datetime) -> frozenset[int]:
    """Return the keys of all people who are away at that time."""
    own, *others = (table.rows().filter(at(now)).values_list(table.person, flat=True) for table in tables())
    return frozenset(own.union(*others))


def current(person: int, now: datetime) -> Any:
    """Return the row of the person's absence at that time; None without one."""
    rows = (table.of([person]).filter(at(now)).first() for table in tables())
    return next((row for row in rows if row is not None), None)


def have_parts() -> bool:
    """Return whether a part of some absence has its own delegate."""
    return AbsencePart.objects.exists()


def delegators(delegates: Iterable[int]) -> set[int]:
    """Return the keys of people who name one of these as their delegate, of an absence or a part of one."""
    rows = (table.delegated_to(delegates).values_list(table.person, flat=True) for table in tables())
    return {*chain(AbsencePart.objects.filter(delegate__in=delegates).values_list("absence_id", flat=True), *rows)}
