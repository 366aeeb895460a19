"""Somebody else has said when a person is away: it is recorded, and the person reads it in their inbox."""

from datetime import datetime

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from notifications import reasons
from notifications.models import Recipient
from notifications.people import absence
from notifications.people.absence import Given
from notifications.routing import notice
from notifications.routing.notice import About, Words
from notifications.wording.times import when

TYPE = "wfpush.absence"


@transaction.atomic
def set_for(person: Recipient, submitted: Given, by: Recipient, now: datetime) -> None:
    """Enter an absence that `faults_of` accepts. The person is notified unless they entered it."""
    absence.set_absence(person, submitted, by=by)
    if by != person:
        _tell(person, by, submitted, now)


@transaction.atomic
def end_for(person: Recipient, by: Recipient, now: datetime) -> None:
    row = absence.away_from(person, now)
    absence.end_absence(person, by=by)
    if by != person and row is not None:
        _tell(person, by, None, now)


def _tell(person: Recipient, by: Recipient, submitted: Given | None, now: datetime) -> None:
    subject = About(type=TYPE, data={"by": by.as_person()}, page=reverse("inbox:absence"), details={})
    notice.send(person, subject, lambda: _words(by, submitted, now), reasons.WRITTEN_TO(name=by), now)


def _words(by: Recipient, submitted: Given | None, now: datetime) -> Words:
    title, body = _title_and_text(by, submitted, now)
    return Words(title, body, short=body)


def _title_and_text(by: Recipient, submitted: Given | None, now: datetime) -> tuple[str, str]:
    """Return the title and text of the notice. `submitted` is None for an absence that was ended."""
    if submitted is None:
        return _("%(name)s has ended your absence") % {"name": by}, _("Messages come to you as usual.")
    title = _("%(name)s has entered that you are away") % {"name": by}
    times = _("It begins %(from)s and ends %(until)s.") % {
        "from": when(submitted.begins_at, now), "until": when(submitted.ends_at, now),
    }  # fmt: skip
    if submitted.delegate is None:
        return title, f"{times} {_('Nobody stands in.')}"
    return title, f"{times} {_('%(delegate)s stands in.') % {'delegate': submitted.delegate}}"
