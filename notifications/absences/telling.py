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
    """Return the title and text of the notice. `submitted` is None for an absence that was ended."""
    if submitted is None:
        title, body = _("%(name)s has ended your absence") % {"name": by}, _("Messages come to you as usual.")
    else:
        title, delegate = _("%(name)s has entered that you are away") % {"name": by}, submitted.delegate
        times = _("It begins %(from)s and ends %(until)s.") % {
            "from": when(submitted.begins_at, now), "until": when(submitted.ends_at, now),
        }  # fmt: skip
        who = _("%(delegate)s stands in.") % {"delegate": delegate} if delegate is not None else _("Nobody stands in.")
        body = f"{times} {who}"
    return Words(title, body, short=body)
