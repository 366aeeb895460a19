"""Absences that people enter: stored, ended and read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from notifications.models import Absence, AbsencePart, Category, Engine, OpenItems, Recipient
from notifications.models.history import record_parts
from notifications.people.stand_ins import PartSubject, at


def away_at(now: datetime) -> QuerySet[Absence]:
    """Return the absences at that time, with or without a delegate."""
    return Absence.objects.filter(at(now)).order_by()


def away_from(person: Recipient, now: datetime) -> Absence | None:
    """Return the person's absence as it was entered, unless it is over."""
    absences = Absence.objects.filter(recipient=person, ends_at__gt=now).select_related("recipient", "delegate")
    return absences.prefetch_related("parts__category", "parts__engine", "parts__delegate").first()


@dataclass(frozen=True)
class PartEntry:
    """A part as it is entered: one of `category`, `engine` and `case_type`."""

    delegate: Recipient | None
    category: Category | None = None
    engine: Engine | None = None
    case_type: str = ""

    @property
    def subject(self) -> PartSubject:
        return PartSubject(
            self.category.pk if self.category else None, self.engine.pk if self.engine else None, self.case_type
        )


@dataclass(frozen=True)
class AbsenceEntry:
    """An absence as it is entered."""

    begins_at: datetime
    ends_at: datetime
    delegate: Recipient | None = None
    parts: Sequence[PartEntry] = ()
    open_items: str = OpenItems.OFFER
    give_back: bool = False


@transaction.atomic
def set_absence(recipient: Recipient, absence: AbsenceEntry, *, by: Recipient | None, because: str = "") -> Absence:
    """Replace the absence; `faults_of` has found nothing wrong. `by` or `because` is noted in the history."""
    row = Absence.objects.select_for_update().filter(recipient=recipient).first() or Absence(recipient=recipient)
    row.begins_at, row.ends_at, row.delegate = absence.begins_at, absence.ends_at, absence.delegate
    row.open_items, row.give_back = absence.open_items, absence.give_back
    row.entered_by = by if by != recipient else None
    sign(row, by, because)
    row.save()
    row.parts.all().delete()
    AbsencePart.objects.bulk_create(
        AbsencePart(
            absence=row,
            category=part.category,
            engine=part.engine,
            case_type=part.case_type,
            delegate=part.delegate,
        )
        for part in absence.parts
    )
    record_parts(row)
    return row


@transaction.atomic
def end_absence(recipient: Recipient, *, by: Recipient | None, because: str = "") -> None:
    """End the absence."""
    row = Absence.objects.filter(recipient=recipient).first()
    if row is not None:
        sign(row, by, because)
        row.delete()


def sign(row: Any, by: Recipient | None, because: str) -> None:
    """Set the history's user: callers with a token are no users, and not everybody has an account."""
    if by is not None and by.user is not None:
        row._history_user = by.user
    row._change_reason = (f"by {by.ref}" if by is not None else because)[:100]
