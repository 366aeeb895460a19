"""Who is away, and who stands in: the delegate gets what the person would get."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from notifications.models import Absence, Recipient

LONGEST = timedelta(days=2 * 365)
"""The longest absence, and how far ahead one may begin: people who are away for longer are deactivated instead."""


# --- who stands in --------------------------------------------------------------------------------
def stand_ins(people: Iterable[Recipient], now: datetime) -> dict[int, Recipient]:
    """By the pk of those people who are away: who stands in for them now.

    If a delegate is away too, their own delegate stands in, and so on. Where the chain ends in a circle, with nobody,
    or with a deactivated person, the person is left out, and messages stay with them. Makes one query for each link of
    the longest chain, and one for the stand-ins: a single one when nobody is away.
    """
    return Absences(now).stand_ins(people)


class Absences:
    """Who is away at `now`: of each person it is read once."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._asked: set[int] = set()
        self._delegates: dict[int, int | None] = {}
        self._stand_ins: dict[int, Recipient | None] = {}

    def look_up(self, people: Iterable[Recipient]) -> None:
        """Read of all these people, and of their delegates, whether they are away."""
        further = {person.pk for person in people if not person.external} - self._asked
        while further:
            self._asked |= further
            self._delegates |= _delegates(further, self.now)
            further = {pk for pk in self._delegates.values() if pk is not None} - self._asked

    def stand_ins(self, people: Iterable[Recipient]) -> dict[int, Recipient]:
        """As the function of that name."""
        asked = list(people)
        self.look_up(asked)
        ends = {
            person.pk: end
            for person in asked
            if person.pk in self._delegates and (end := _end(person.pk, self._delegates)) is not None
        }
        if missing := set(ends.values()) - self._stand_ins.keys():
            there = Recipient.objects.filter(active=True, engine=None).select_related("brand").in_bulk(missing)
            self._stand_ins |= {pk: there.get(pk) for pk in missing}
        return {pk: person for pk, end in ends.items() if (person := self._stand_ins[end]) is not None}


def _delegates(people: set[int], now: datetime) -> dict[int, int | None]:
    """Those of the people who are away, and their delegates; None for a deactivated one, or where there is none."""
    if not people:
        return {}
    found = away_at(now).filter(recipient__in=people).values_list("recipient_id", "delegate_id", "delegate__active")
    return {pk: delegate if active else None for pk, delegate, active in found}


def _end(pk: int, delegates: dict[int, int | None]) -> int | None:
    """The end of a chain of delegates: the first who is not away; None if there is none."""
    passed: set[int] = set()
    while pk in delegates:
        delegate = delegates[pk]
        if delegate is None or pk in passed:
            return None
        passed.add(pk)
        pk = delegate
    return pk


def away_at(now: datetime) -> QuerySet[Absence]:
    """Who is away at that time, with or without a delegate."""
    return Absence.objects.filter(begins_at__lte=now, ends_at__gt=now).order_by()


def away_from(person: Recipient, now: datetime) -> Absence | None:
    """The person's absence, unless it is over."""
    return Absence.objects.filter(recipient=person, ends_at__gt=now).select_related("recipient", "delegate").first()


# --- what makes sense -----------------------------------------------------------------------------
def faults_of(
    recipient: Recipient, begins_at: datetime, ends_at: datetime, delegate: Recipient | None, now: datetime
) -> dict[str, str]:
    """Faults of an absence: a sentence by field; empty if there are none."""
    faults = _check_time(begins_at, ends_at, now)
    if recipient.external:
        faults["recipient"] = _("Only people of your own organisation can be away.")
    if delegate is not None and (fault := _check_delegate(recipient, delegate)):
        faults["delegate"] = fault
    elif delegate is not None and not faults and (through := _circle(recipient, begins_at, ends_at, delegate)):
        faults["delegate"] = _(
            "This goes in a circle: in that time %(person)s is away too, and relies on %(recipient)s. Choose somebody "
            "else."
        ) % {"person": through, "recipient": recipient}
    return faults


def _check_time(begins_at: datetime, ends_at: datetime, now: datetime) -> dict[str, str]:
    if ends_at <= begins_at:
        return {"ends_at": _("An absence ends after it begins.")}
    if ends_at <= now:
        return {"ends_at": _("This is over already.")}
    if begins_at > now + LONGEST:
        return {"begins_at": _("This is more than two years ahead.")}
    if ends_at - begins_at > LONGEST:
        return {"ends_at": _("An absence is at most two years long.")}
    return {}


def _check_delegate(recipient: Recipient, delegate: Recipient) -> str:
    if delegate == recipient:
        return _("Nobody stands in for themselves.")
    if delegate.external:
        return _("%(person)s is not of your own organisation.") % {"person": delegate}
    if not delegate.active:
        return _("%(person)s is switched off, and would hear of nothing.") % {"person": delegate}
    return ""


def _circle(recipient: Recipient, begins_at: datetime, ends_at: datetime, delegate: Recipient) -> Recipient | None:
    """The last person of a chain of delegates that leads back to the person at some time of the absence; None without
    one."""
    passed: set[int] = set()
    while delegate.pk not in passed:
        passed.add(delegate.pk)
        theirs = Absence.objects.filter(recipient=delegate).select_related("delegate").first()
        if theirs is None or theirs.delegate is None:
            return None
        begins_at, ends_at = max(begins_at, theirs.begins_at), min(ends_at, theirs.ends_at)
        if begins_at >= ends_at:
            return None
        if theirs.delegate == recipient:
            return delegate
        delegate = theirs.delegate
    return None


# --- going and coming back ------------------------------------------------------------------------
@transaction.atomic
def set_absence(
    recipient: Recipient, begins_at: datetime, ends_at: datetime, delegate: Recipient | None, *, by: Recipient
) -> Absence:
    """Set an absence in place of the one before. `check` has found no fault; `by` is noted in the history."""
    row = Absence.objects.select_for_update().filter(recipient=recipient).first() or Absence(recipient=recipient)
    row.begins_at, row.ends_at, row.delegate = begins_at, ends_at, delegate
    _sign(row, by)
    row.save()
    return row


def end_absence(recipient: Recipient, *, by: Recipient) -> None:
    """End the absence."""
    row = Absence.objects.filter(recipient=recipient).first()
    if row is not None:
        _sign(row, by)
        row.delete()


def _sign(row: Absence, by: Recipient) -> None:
    """Set the history's user: callers with a token are no users, and not everybody has an account."""
    if by.user is not None:
        row._history_user = by.user  # type: ignore[attr-defined]
    row._change_reason = f"by {by.ref}"[:100]  # type: ignore[attr-defined]
