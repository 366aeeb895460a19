"""Offers open tasks of an absent person to their delegate: a copy of the task with a note, as the delegate would have
got it. The first answer counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from notifications import reasons
from notifications.cases import internal_events
from notifications.items import inbox_items
from notifications.models import Notification, Priority, Recipient, Task
from notifications.routing import fanout, handing_on
from notifications.routing.addressing import Contacts
from notifications.routing.route import MessageRecipient
from notifications.wording.languages import speaking_to
from notifications.wording.times import when
from wfpush.identifiers import uuid7

TYPE = "task.offered"


@dataclass(frozen=True)
class Offer:
    """An offer of a task. `copy` belongs to the person who is away; `have`: everybody who has the task. `loud`: by all
    channels of its category, and not only in the inbox."""

    task: Task
    copy: Notification
    to: Recipient
    have: frozenset[int]
    until: datetime
    loud: bool


def make(offers: Sequence[Offer], now: datetime) -> list[Notification]:
    """Insert the copies and return them in the order of the offers. Tasks are locked; their people are locked here."""
    if not offers:
        return []
    contacts = Contacts()
    planners = [_planner(offer, contacts, now) for offer in offers]
    inbox_items.lock({offer.to.pk for offer in offers})
    made = [_copy(offer, planner, now) for offer, planner in zip(offers, planners, strict=True)]
    handing_on.save(planners, now)
    return made


def _planner(offer: Offer, contacts: Contacts, now: datetime) -> fanout.Planner:
    person = offer.copy.recipient
    event = internal_events.about_task(offer.task, TYPE, f"offer/{uuid7()}", now, offered_by=person.as_person())
    planner = handing_on.planner_of(event, offer.task, offer.have, now, contacts)
    planner.contents.stored.add(offer.copy.revision)
    return planner


def _copy(offer: Offer, planner: fanout.Planner, now: datetime) -> Notification:
    copy, person = offer.copy, offer.copy.recipient
    manner = handing_on.manner_of(copy, loud=offer.loud or offer.task.priority == Priority.URGENT)
    with speaking_to(offer.to):
        until = f"{timezone.localtime(offer.until):%Y-%m-%d %H:%M}"
        note = _("Offered by %(name)s, who is away. Back %(when)s.") % {"name": person, "when": when(offer.until, now)}
    why = reasons.OFFERED(name=person, until=until, reason=reasons.read(copy))
    planner.make([MessageRecipient(offer.to, manner, why, on_behalf_of=person)])
    (made,) = planner.made
    made.notice = note[: Notification._meta.get_field("notice").max_length]
    return made
