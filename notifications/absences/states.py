"""Absences in sentences, as entered or read from calendars. Also the subjects of a part of an absence: a category, a
kind of case or an engine."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from notifications.absences.models import CalendarAbsence
from notifications.additions import CaseTypes
from notifications.models import Absence, AbsencePart, Case, Category, Engine, Recipient
from notifications.people.colleagues import led_by
from notifications.people.stand_ins import StandIns
from notifications.wording.directions import all_apart
from notifications.wording.times import moment
from wfpush import features

AnyAbsence = Absence | CalendarAbsence

LOOKED_AT = 500
"""Newest cases whose kinds are offered, besides those that features know."""

Choice = tuple[str, Any]

SHOWN = 3
"""Absences of one person that pages show."""


def reports(reader: Recipient, now: datetime) -> list[tuple[Recipient, str]]:
    """Return everybody whom the reader leads, each with their absence in a sentence or two."""
    people = list(led_by(reader))
    absences = coming(people, now)
    return [(each, state(absences[each.pk][0], now, own=False) if absences[each.pk] else "") for each in people]


def coming(people: Iterable[Recipient], now: datetime) -> Mapping[int, Sequence[AnyAbsence]]:
    """Return the absences that are not over, by the person's key. The one that counts now is first: entered absences
    precede those of a calendar."""
    by_person: dict[int, list[AnyAbsence]] = {person.pk: [] for person in people}
    entered = Absence.objects.filter(recipient__in=list(by_person), ends_at__gt=now).select_related(
        "recipient", "delegate"
    )
    for row in entered.prefetch_related("parts__category", "parts__engine", "parts__delegate"):
        by_person[row.recipient_id].append(row)
    by_calendar = CalendarAbsence.objects.filter(feed__in=list(by_person), ends_at__gt=now).order_by("begins_at")
    for each in by_calendar.select_related("feed__recipient", "feed__delegate"):
        by_person[each.feed_id].append(each)
    return {pk: sorted(rows, key=lambda row: max(row.begins_at, now)) for pk, rows in by_person.items()}


def state(row: AnyAbsence, now: datetime, *, own: bool) -> str:
    """Return the absence in a sentence or two: since when, until when, and who stands in."""
    times = {"from": moment(row.begins_at, now), "until": moment(row.ends_at, now)}
    if row.begins_at <= now:
        when = _("You are away until %(until)s.") if own else _("Away until %(until)s.")
    else:
        when = _("You are away from %(from)s until %(until)s.") if own else _("Away from %(from)s until %(until)s.")
    parts = row.parts.all() if isinstance(row, Absence) else ()
    source = [_("From the calendar.")] if isinstance(row, CalendarAbsence) else []
    stand_ins = (_stands_in(part.delegate, part_label(part)) for part in parts)
    rest = _("%(delegate)s stands in.") if row.delegate else _("Nobody stands in.")
    return " ".join([when % times, *source, *stand_ins, rest % all_apart(delegate=row.delegate)])


def _stands_in(delegate: Recipient | None, part: str) -> str:
    sentence = _("%(delegate)s stands in for %(part)s.") if delegate else _("Nobody stands in for %(part)s.")
    return sentence % all_apart(delegate=delegate, part=part)


def unheard(row: AnyAbsence, now: datetime, *, own: bool) -> str:
    """Return a warning if the delegate cannot stand in, so that messages stay with the person; else an empty text."""
    moment = max(row.begins_at, now)
    if row.delegate is None or StandIns(moment).of([row.recipient]):
        return ""
    if own:
        sentence = _("%(delegate)s cannot stand in: they are away then, too. So messages still come to you.")
    else:
        sentence = _("%(delegate)s cannot stand in: they are away then, too. So messages still come to %(person)s.")
    return sentence % all_apart(delegate=row.delegate, person=row.recipient)


# --- the subjects of parts ------------------------------------------------------------------------
def part_choices(row: Absence | None) -> list[Choice]:
    """Return the grouped choices of a field. The parts of `row` are among them."""
    language = get_language() or "en"
    categories = [(f"category:{each.pk}", each.name_in(language)) for each in Category.objects.order_by("name")]
    case_types = {part.case_type for part in row.parts.all()} if row is not None else set()
    case_types |= {name for each in features.added(CaseTypes) for name in each.names()}
    case_types |= set(Case.objects.order_by("-pk").values_list("type", flat=True)[:LOOKED_AT])
    kinds = [(f"kind:{each}", each) for each in sorted(case_types - {""})]
    engines = [(f"engine:{each.pk}", each.name) for each in Engine.objects.order_by("name")]
    groups: list[Choice] = [(_("Category"), categories), (_("Kind of case"), kinds), (_("From"), engines)]
    return [("", "—"), *(group for group in groups if group[1])]


def choice_of(part: AbsencePart) -> str:
    if part.category_id is not None:
        return f"category:{part.category_id}"
    return f"engine:{part.engine_id}" if part.engine_id is not None else f"kind:{part.case_type}"


def part_of_choice(value: str) -> dict[str, Any]:
    """Return the model fields of a part for a value of the choices."""
    name, _colon, key = value.partition(":")
    if name == "category":
        return {"category": Category.objects.get(pk=int(key))}
    return {"engine": Engine.objects.get(pk=int(key))} if name == "engine" else {"case_type": key}


def part_label(part: AbsencePart) -> str:
    """Return the name of the part's category, case type or engine, in the reader's language."""
    return part.category.name_in(get_language() or "en") if part.category is not None else part.named
