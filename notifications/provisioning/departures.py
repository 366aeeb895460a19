"""People whom a directory deactivates: the bound of an hour, the end of their access, and their open tasks.

Access ends in the transaction of the request (notifications/people/revocation.py). A worker then offers the open tasks
to the delegate, or else to the manager, and notifies the manager once. What the person has decided stays.
"""

import math
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from notifications import reasons
from notifications.cases import internal_events
from notifications.errors import TooMany
from notifications.items import inbox_items
from notifications.models import Notification, NotificationState, Recipient, Task
from notifications.people import stand_ins
from notifications.people.stand_ins import StandIns
from notifications.provisioning.models import ScimDeparture, ScimDirectory
from notifications.provisioning.reasons import LEADS_LEAVER, LEFT_BEHIND
from notifications.routing import handing_on, system_notices
from notifications.routing.addressing import Contacts
from notifications.routing.batch import Copies
from notifications.routing.fanout import Planner
from notifications.routing.route import MessageRecipient
from notifications.routing.system_notices import NoticeSubject, Words
from notifications.wording.languages import speaking_to
from wfpush.identifiers import uuid7
from wfpush.postgres import revision
from wfpush.queue import outbox
from wfpush.queue.outbox import Source

SOURCE_NAME = "scim_departures"
LEASE = timedelta(minutes=2)
RETRY = outbox.Backoff(give_up_after=timedelta(days=1), tries=5)
HOUR = timedelta(hours=1)
STEP = 50
LOUD = 10
"""Tasks that are offered by all channels. Further ones appear in the inbox only."""
NAMED = 5
TYPE, OFFER_TYPE = "wfpush.departure", "task.offered"


# --- the bound --------------------------------------------------------------------------------------------------------
class TooManyDepartures(TooMany):
    """Raised if a directory deactivates more people in an hour than it may."""

    def __init__(self, directory: ScimDirectory, bound: int, seconds: int) -> None:
        detail = (
            f"{bound} people of this directory were deactivated within an hour, which is its bound. "
            "Nobody else is deactivated until an administrator allows it at the desk, or the hour is over."
        )
        super().__init__(detail, seconds)
        self.directory = directory


def bound_of(directory: ScimDirectory, now: datetime) -> int:
    """Return how many people the directory may deactivate in an hour."""
    there = directory.users.filter(deleted_at=None, person__active=True).count() + in_last_hour(directory, now)
    return max(directory.max_departures, math.ceil(there * directory.max_departures_percent / 100))


def in_last_hour(directory: ScimDirectory, now: datetime) -> int:
    return directory.departures.filter(at__gt=now - HOUR).count()


def record(directory: ScimDirectory, person: Recipient, now: datetime) -> None:
    """Record that a person of the locked directory leaves. Raises TooManyDepartures."""
    bound = bound_of(directory, now)
    if in_last_hour(directory, now) >= bound:
        _use_extra(directory, bound, now)
    ScimDeparture.objects.create(directory=directory, person=person, at=now, **outbox.scheduled(now))
    outbox.wake_on_commit(SOURCE_NAME)


def _use_extra(directory: ScimDirectory, bound: int, now: datetime) -> None:
    if directory.extra_departures and directory.extra_until is not None and now < directory.extra_until:
        directory.extra_departures -= 1
        ScimDirectory.objects.filter(pk=directory.pk).update(extra_departures=directory.extra_departures)
        return
    first = directory.departures.filter(at__gt=now - HOUR).order_by("at").first()
    ends = first.at + HOUR if first is not None else now + HOUR
    raise TooManyDepartures(directory, bound, math.ceil((ends - now).total_seconds()))


def allow(directory: ScimDirectory, count: int, now: datetime) -> None:
    """Allow the next `count` deactivations within an hour, beyond the bound."""
    values = {"extra_departures": count, "extra_until": now + HOUR, "held_at": None}
    ScimDirectory.objects.filter(pk=directory.pk).update(**values)


# --- open tasks -------------------------------------------------------------------------------------------------------
def has_due(now: datetime) -> bool:
    return outbox.due(ScimDeparture.objects.all(), now).exists()


def drain() -> None:
    """Offer the open tasks of people who left, for one turn; if something is left, the source is woken again."""
    end = time.monotonic() + outbox.TURN_SECONDS
    while time.monotonic() < end:
        now = timezone.now()
        rows = outbox.claim(ScimDeparture.objects.all(), limit=1, lease=LEASE, now=now)
        if not rows:
            return
        outbox.delay(rows[0], RETRY.next_at(rows[0].attempts, rows[0].at, now) or now + HOUR)
        _settle(rows[0], now)
    outbox.source_named(SOURCE_NAME).wake()


SOURCES = [Source(SOURCE_NAME, "cluster", has_due, drain)]


def _settle(row: ScimDeparture, now: datetime) -> None:
    """Offer the open tasks, and notify the manager. A person who is back meanwhile keeps them."""
    person = Recipient.objects.select_related("manager", "user").get(pk=row.person_id)
    if person.present:
        outbox.finish(row)
        return
    to = _successor(person, now)
    offered, after = row.offered, None
    while to is not None:
        with transaction.atomic(), revision.held():
            copies = _open_copies(person, after)
            offered += _offer(person, to, [task for _copy, task in copies], now, loud=LOUD - offered)
            outbox.renew(row, timezone.now() + LEASE, offered=offered)
        if len(copies) < STEP:
            break
        after = copies[-1][0]
    with transaction.atomic():
        titles = _open_titles(person)
        if person.manager is not None and person.manager.present:
            _notify(person, person.manager, to, titles, now)
        outbox.finish(row, to=to, open_tasks=len(titles))


def _successor(person: Recipient, now: datetime) -> Recipient | None:
    """Return who gets the open tasks: the delegate of the person's absence, or else the manager, or their stand-in."""
    absence = stand_ins.current(person.pk, now)
    candidates = [absence.delegate if absence is not None else None, person.manager]
    here = [each for each in candidates if each is not None and each.present]
    return StandIns(now).of(here[:1]).get(here[0].pk, here[0]) if here else None


def _open_copies(person: Recipient, after: UUID | None) -> list[tuple[UUID, UUID]]:
    rows = Notification.objects.filter(recipient=person, state=NotificationState.OPEN, is_copy=True)
    rows = rows.filter(task__isnull=False).order_by("pk")
    return list((rows.filter(pk__gt=after) if after else rows).values_list("pk", "task_id")[:STEP])


def _open_titles(person: Recipient) -> list[str]:
    rows = Notification.objects.filter(recipient=person, state=NotificationState.OPEN, is_copy=True, task__isnull=False)
    return list(rows.order_by("created_at", "pk").values_list("title", flat=True))


def _offer(person: Recipient, to: Recipient, ids: Sequence[UUID], now: datetime, *, loud: int) -> int:
    """Give copies of the tasks to `to`, the first ones by all channels. Return their number."""
    rows = Task.objects.filter(pk__in=ids).order_by("engine_id", "task_id")
    rows = rows.select_related("engine", "case", "assignee", "initiator")
    tasks = list(rows.select_for_update(no_key=True, of=("self",)))
    copies, contacts = Copies(tasks), Contacts()
    planners: list[Planner] = []
    inbox_items.lock({to.pk})
    for task in tasks:
        have = {copy.recipient_id: copy for copy in copies.of(task)}
        copy = have.get(person.pk)
        if copy is None or to.pk in have or not task.answerable:
            continue
        event = internal_events.about_task(task, OFFER_TYPE, f"left/{uuid7()}", now, offered_by=person.as_person())
        planner = handing_on.planner_of(event, task, set(have), now, contacts)
        planner.contents.stored.add(copy.revision)
        why = LEFT_BEHIND(name=person, reason=reasons.read(copy))
        manner = handing_on.manner_of(copy, loud=len(planners) < loud)
        planner.make([MessageRecipient(to, manner, why, on_behalf_of=person)])
        with speaking_to(to):
            note = _("%(name)s has left.") % {"name": person}
        for made in planner.made:
            made.notice = note[: Notification._meta.get_field("notice").max_length]
        planners.append(planner)
    if planners:
        handing_on.save(planners, now)
    return len(planners)


def _notify(person: Recipient, manager: Recipient, to: Recipient | None, titles: Sequence[str], now: datetime) -> None:
    subject = NoticeSubject(type=TYPE, data={"person": person.as_person()}, page=reverse("inbox:list"), details={})
    system_notices.send(manager, subject, lambda: _words(person, manager, to, titles), LEADS_LEAVER(name=person), now)


def _words(person: Recipient, manager: Recipient, to: Recipient | None, titles: Sequence[str]) -> Words:
    title = _("%(name)s has left") % {"name": person}
    count = len(titles)
    if not count:
        short = _("No open tasks are left behind.")
        return Words(title, short, short)
    short = ngettext("%(count)d open task is left behind.", "%(count)d open tasks are left behind.", count)
    short %= {"count": count}
    if to is not None and to.pk != manager.pk:
        short += " " + _("%(name)s is asked to take over.") % {"name": to}
    elif to is not None:
        short += " " + _("You are asked to take over.")
    lines = [f"• {name}" for name in titles[:NAMED]]
    if count > NAMED:
        lines.append(ngettext("and %(count)d other", "and %(count)d others", count - NAMED) % {"count": count - NAMED})
    return Words(title, "\n\n".join([short, "\n".join(lines)]), short)
