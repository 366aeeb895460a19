"""Checks an absence: its times, its delegates, and that no chain of delegates leads back to the person."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import product

from django.utils.translation import gettext as _

from notifications.absences.entering import AbsenceEntry, PartEntry
from notifications.calendar_feeds.content import LONGEST_ABSENCE
from notifications.models import Absence, AbsencePart, OpenItems, Recipient
from notifications.people.stand_ins import ANYTHING, Part, PartSubject, StandIns, fitting

MOST_PARTS = 20
"""Parts of one absence."""


def faults_of(
    recipient: Recipient, absence: AbsenceEntry, now: datetime, *, by: Recipient | None = None
) -> dict[str, str]:
    """Return the faults of an absence, sentences by field; empty: none. Those of the parts are `parts.0`, `parts.1`, …;
    `parts` if there are too many. `by`: the manager or lead who enters it; None: the person, or an administrator."""
    faults = _check_time(absence.begins_at, absence.ends_at, now)
    if recipient.external:
        faults["recipient"] = _("Only people of your own organisation can be away.")
    if absence.delegate is not None and (fault := fault_of_delegate(recipient, absence.delegate)):
        faults["delegate"] = fault
    faults |= _check_parts(recipient, absence.parts)
    if not faults and by is not None and by != recipient:
        faults |= dict(_for_the_leader(recipient, absence, by, now))
    if not faults:
        faults |= dict(_circles(recipient, absence))
    return faults


def _for_the_leader(
    recipient: Recipient, absence: AbsenceEntry, by: Recipient, now: datetime
) -> Iterator[tuple[str, str]]:
    """Yield faults where the absence would give the person's decisions to their leader `by`, or take open tasks away.
    An entry of the person or an administrator for all of that time may stay."""
    within = {"begins_at__lte": absence.begins_at, "ends_at__gte": absence.ends_at}
    row = Absence.objects.filter(recipient=recipient, entered_by=None, **within).prefetch_related("parts").first()
    before = (
        {ANYTHING: row.delegate_id, **{_subject_of(part): part.delegate_id for part in row.parts.all()}} if row else {}
    )
    absences = StandIns(max(absence.begins_at, now))
    own = [(f"parts.{number}", part.subject, part.delegate) for number, part in enumerate(absence.parts)]
    for field, subject, delegate in [*own, ("delegate", ANYTHING, absence.delegate)]:
        if delegate is None or before.get(subject) == delegate.pk:
            continue
        if by.pk in (delegate.pk, *absences.chain(delegate.pk, subject)):
            yield field, _("Only %(person)s or an administrator can choose you as stand-in.") % {"person": recipient}
    if absence.open_items == OpenItems.REASSIGN and (row is None or row.open_items != OpenItems.REASSIGN):
        yield (
            "open_items",
            _("Only %(person)s or an administrator can hand over open tasks. Choose to offer them.")
            % {"person": recipient},
        )


def _check_parts(recipient: Recipient, parts: Sequence[PartEntry]) -> dict[str, str]:
    faults = {}
    if len(parts) > MOST_PARTS:
        faults["parts"] = _("An absence has at most %(most)d parts.") % {"most": MOST_PARTS}
    subjects: set[PartSubject] = set()
    for number, part in enumerate(parts):
        if part.subject in subjects:
            faults[f"parts.{number}"] = _("This already has a delegate.")
        elif part.delegate is not None and (fault := fault_of_delegate(recipient, part.delegate)):
            faults[f"parts.{number}"] = fault
        subjects.add(part.subject)
    return faults


def _check_time(begins_at: datetime, ends_at: datetime, now: datetime) -> dict[str, str]:
    if ends_at <= begins_at:
        return {"ends_at": _("The absence must end after it starts.")}
    if ends_at <= now:
        return {"ends_at": _("This is in the past.")}
    if begins_at > now + LONGEST_ABSENCE:
        return {"begins_at": _("This is more than two years ahead.")}
    if ends_at - begins_at > LONGEST_ABSENCE:
        return {"ends_at": _("An absence is at most two years long.")}
    return {}


def fault_of_delegate(recipient: Recipient, delegate: Recipient) -> str:
    """Return the reason why the delegate cannot stand in; empty if they can."""
    if delegate == recipient:
        return _("People cannot stand in for themselves.")
    if delegate.external:
        return _("%(person)s does not belong to your organisation.") % {"person": delegate}
    if not delegate.active:
        return _("%(person)s is not active and would not be notified.") % {"person": delegate}
    return ""


def _circles(recipient: Recipient, absence: AbsenceEntry) -> Iterator[tuple[str, str]]:
    """Yield a fault of each field whose delegate relies on the person at some time of the absence, for some subject."""
    chains = _DelegateAbsences(recipient)
    fields = [(f"parts.{number}", part.subject, part.delegate) for number, part in enumerate(absence.parts)]
    rest = Part(ANYTHING, absence.delegate.pk if absence.delegate else None)
    own = [*(Part(subject, delegate.pk if delegate else None) for _field, subject, delegate in fields), rest]
    names = [*(field for field, _subject, _delegate in fields), "delegate"]
    chains.read(part.delegate for part in own)
    faulty_fields: set[str] = set()
    for subject in chains.subjects(own):
        part = fitting(own, subject)
        through = chains.back_from(part.delegate, subject, absence) if part is not None and part.delegate else None
        if through is not None and part is not None and (field := names[own.index(part)]) not in faulty_fields:
            faulty_fields.add(field)
            yield (
                field,
                _(
                    "This goes in a circle: in that time %(person)s is away too, and relies on %(recipient)s. Choose "
                    "somebody else."
                )
                % {"person": through, "recipient": recipient},
            )


class _DelegateAbsences:
    """The absences of the delegates, of their delegates, and so on."""

    def __init__(self, recipient: Recipient) -> None:
        self.recipient = recipient
        self._rows: dict[int, tuple[Absence, list[Part]]] = {}

    def read(self, delegates: Iterable[int | None]) -> None:
        read_pks = {self.recipient.pk}
        further = {pk for pk in delegates if pk is not None} - read_pks
        while further:
            read_pks |= further
            rows = Absence.objects.filter(recipient__in=further).select_related("recipient").prefetch_related("parts")
            for row in rows:
                parts = [Part(_subject_of(part), part.delegate_id) for part in row.parts.all()]
                self._rows[row.pk] = row, [*parts, Part(ANYTHING, row.delegate_id)]
            following = {part.delegate for pk in further & self._rows.keys() for part in self._rows[pk][1]}
            further = {pk for pk in following if pk is not None} - read_pks

    def subjects(self, own: Sequence[Part]) -> Iterator[PartSubject]:
        """Yield all combinations of the subjects that parts distinguish."""
        all_parts = [*own, *(part for _row, parts in self._rows.values() for part in parts)]
        categories = dict.fromkeys([None, *(part.subject.category for part in all_parts)])
        engines = dict.fromkeys([None, *(part.subject.engine for part in all_parts)])
        kinds = dict.fromkeys(["", *(part.subject.case_type for part in all_parts)])
        return (PartSubject(*each) for each in product(categories, engines, kinds))

    def back_from(self, delegate: int, subject: PartSubject, absence: AbsenceEntry) -> Recipient | None:
        """Return the last person of a chain of delegates that leads back to the person; None without one."""
        begins_at, ends_at, passed = absence.begins_at, absence.ends_at, set[int]()
        while delegate in self._rows and delegate not in passed:
            passed.add(delegate)
            row, parts = self._rows[delegate]
            begins_at, ends_at = max(begins_at, row.begins_at), min(ends_at, row.ends_at)
            part = fitting(parts, subject)
            if begins_at >= ends_at or part is None or part.delegate is None:
                return None
            if part.delegate == self.recipient.pk:
                return row.recipient
            delegate = part.delegate
        return None


def _subject_of(part: AbsencePart) -> PartSubject:
    return PartSubject(part.category_id, part.engine_id, part.case_type)
