"""Absences that somebody enters: they are recorded, and the person is notified unless they entered it themselves."""

from datetime import datetime

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from notifications import reasons
from notifications.absences import entering, feeds
from notifications.absences.entering import AbsenceEntry
from notifications.models import Recipient
from notifications.routing import system_notices
from notifications.routing.system_notices import NoticeSubject, Words
from notifications.wording.times import when

TYPE = "wfpush.absence"


@transaction.atomic
def enter(
    person: Recipient, submitted: AbsenceEntry | None, by: Recipient | None, now: datetime, because: str = ""
) -> None:
    """Set an absence that `faults_of` accepts; None: end it, and the one of the person's calendar. The person is
    notified of changes by others. `by` None: a program, which `because` names."""
    row = entering.away_from(person, now)
    if submitted is not None:
        entering.set_absence(person, submitted, by=by, because=because)
    else:
        entering.end_absence(person, by=by, because=because)
        feeds.come_back(person, now)
    if by is not None and by != person and (submitted or row):
        subject = NoticeSubject(type=TYPE, data={"by": by.as_person()}, page=reverse("absences:absence"), details={})
        system_notices.send(person, subject, lambda: _words(by, submitted, now), reasons.WRITTEN_TO(name=by), now)


def _words(by: Recipient, submitted: AbsenceEntry | None, now: datetime) -> Words:
    """Return the title and text of the notice. `submitted` is None for an absence that was ended."""
    if submitted is None:
        title, body = _("%(name)s has ended your absence") % {"name": by}, _("Messages come to you as usual.")
    else:
        title, delegate = _("%(name)s entered an absence for you") % {"name": by}, submitted.delegate
        times = _("It begins %(from)s and ends %(until)s.") % {
            "from": when(submitted.begins_at, now), "until": when(submitted.ends_at, now),
        }  # fmt: skip
        who = _("%(delegate)s stands in.") % {"delegate": delegate} if delegate is not None else _("Nobody stands in.")
        body = f"{times} {who}"
    return Words(title, body, short=body)
