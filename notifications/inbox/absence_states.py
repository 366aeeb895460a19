"""Who is away, and until when, in sentences: as it was entered, and as calendars say."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from notifications.inbox import absence_subjects as subjects
from notifications.models import Absence, CalendarAbsence, Recipient
from notifications.people import absence
from notifications.people.colleagues import led_by
from notifications.wording.directions import all_apart
from notifications.wording.times import moment

AnyAbsence = Absence | CalendarAbsence

SHOWN = 3
"""Absences of one person that pages tell."""


@dataclass(frozen=True)
class Report:
    """Somebody whom the reader leads."""

    person: Recipient
    state: str


def reports(reader: Recipient, now: datetime) -> Iterator[Report]:
    """Everybody whom the reader leads."""
    people = list(led_by(reader))
    absences = coming(people, now)
    for person in people:
        rows = absences[person.pk]
        yield Report(person, state(rows[0], now, own=False) if rows else "")


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
    """The absence in a sentence or two: since when, until when, and who stands in."""
    times = {"from": moment(row.begins_at, now), "until": moment(row.ends_at, now)}
    if row.begins_at <= now:
        when = _("You are away until %(until)s.") if own else _("Away until %(until)s.")
    else:
        when = _("You are away from %(from)s until %(until)s.") if own else _("Away from %(from)s until %(until)s.")
    parts = row.parts.all() if isinstance(row, Absence) else ()
    source = [_("So says the calendar.")] if isinstance(row, CalendarAbsence) else []
    stand_ins = (_stands_in(part.delegate, subjects.label(part)) for part in parts)
    return " ".join([when % times, *source, *stand_ins, _rest(row)])


def _stands_in(delegate: Recipient | None, part: str) -> str:
    sentence = _("%(delegate)s stands in for %(part)s.") if delegate else _("Nobody stands in for %(part)s.")
    return sentence % all_apart(delegate=delegate, part=part)


def _rest(row: AnyAbsence) -> str:
    return _("%(delegate)s stands in.") % all_apart(delegate=row.delegate) if row.delegate else _("Nobody stands in.")


def unheard(row: AnyAbsence, now: datetime, *, own: bool) -> str:
    """Return a warning if the delegate cannot stand in, so that messages stay with the person; else an empty text."""
    moment = max(row.begins_at, now)
    if row.delegate is None or absence.stand_ins([row.recipient], moment):
        return ""
    if own:
        sentence = _("%(delegate)s cannot stand in: they are away then, too. So messages still come to you.")
    else:
        sentence = _("%(delegate)s cannot stand in: they are away then, too. So messages still come to %(person)s.")
    return sentence % all_apart(delegate=row.delegate, person=row.recipient)
