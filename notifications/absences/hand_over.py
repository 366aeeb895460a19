"""Hands over open items of absent people when they go away, and takes the items back when they return.

A run each minute looks for absences that have begun or changed, and for items handed over for absences that are over.
It works in small transactions. One that fails, or is cut off, is done again: rows of `HandedOver` show which items were
handed over, so that nothing is handed over twice.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from notifications import reasons
from notifications.absences import delegate_offers, notices
from notifications.absences.delegate_offers import Offer
from notifications.absences.entering import away_at
from notifications.absences.models import CalendarAbsence, HandedOver
from notifications.answers import four_eyes, reassigning
from notifications.answers.reassigning import Wish
from notifications.items import inbox_items
from notifications.items.representation import iso_utc
from notifications.models import (
    Absence,
    Callback,
    CallbackState,
    Notification,
    NotificationState,
    OpenItems,
    Recipient,
    Task,
)
from notifications.people.colleagues import led_by
from notifications.people.stand_ins import PartSubject, StandIns, at, current
from notifications.routing.batch import Copies
from wfpush.postgres import revision
from wfpush.queue import outbox

AnyAbsence = Absence | CalendarAbsence

STEP = 25
"""Tasks of one transaction."""
SECONDS = 10.0
"""Seconds of one run."""
LOUD = 10
"""Number of items that are sent by all channels of their categories; further ones, unless urgent, in the inbox only."""
REFUSED_STATES = (CallbackState.REFUSED, CallbackState.FAILED)


def run(now: datetime) -> int:
    """Hand over and take back due items. Return the number of tasks."""
    until, done = time.monotonic() + SECONDS, 0
    for work in (_end_of_leaders, _take_back, _hand_over, _offer_refused):
        for count in work(now):
            done += count
            if time.monotonic() > until:
                return done
    return done


# --- absences entered by people who no longer lead the person ---------------------------------------------------------
def _end_of_leaders(now: datetime) -> Iterable[int]:
    """End absences that a manager or lead has entered for somebody whom they no longer lead. Yield 0 for each."""
    entered = Absence.objects.filter(entered_by__isnull=False, ends_at__gt=now).select_related(
        "recipient", "entered_by"
    )
    for row in list(entered):
        by = row.entered_by
        if by is not None and not (by.active and led_by(by).filter(pk=row.pk).exists()):
            notices.enter(row.recipient, None, by, now)
            yield 0


# --- an absence begins ------------------------------------------------------------------------------------------------
def _hand_over(now: datetime) -> Iterable[int]:
    begun: QuerySet[Any]
    for begun in (away_at(now).select_related("recipient"), _in_calendars(now)):
        begun = begun.filter(handed_over_at=None).order_by("begins_at")
        for pk in list(begun.values_list("pk", flat=True)):
            yield from _hand_over_of(begun.filter(pk=pk), now)


def _hand_over_of(begun: QuerySet[Any], now: datetime) -> Iterable[int]:
    """Hand over the items of one absence, STEP a transaction. Yield how many rows each made."""
    after: UUID | None = None
    while True:
        with transaction.atomic(), revision.held():
            absence = begun.select_for_update(of=("self",), skip_locked=True).first()
            copies = _waiting(absence, after) if absence is not None else []
            done = 0
            if absence is not None:
                batch = _TaskBatch(absence, [task for _copy, task in copies], now)
                batch.hand_over(batch.tasks, engines=absence.open_items == OpenItems.REASSIGN)
                done = len(batch.made)
            if absence is not None and len(copies) < STEP:  # the absence is locked: nobody has changed it
                type(absence).objects.filter(pk=absence.pk).update(handed_over_at=now)
        yield done
        if len(copies) < STEP:
            break
        after = copies[-1][0]


def _in_calendars(now: datetime) -> QuerySet[CalendarAbsence]:
    """Return the absences by calendar that count: no other absence is entered for their people for now."""
    entered = away_at(now).filter(recipient=OuterRef("feed"))
    return (
        CalendarAbsence.objects.filter(~Exists(entered), at(now))
        .order_by()
        .select_related("feed__recipient", "feed__delegate")
    )


def _waiting(absence: AnyAbsence, after: UUID | None) -> list[tuple[UUID, UUID]]:
    """Return the next open copies of the person, and their tasks."""
    if absence.open_items == OpenItems.STAY:
        return []
    rows = Notification.objects.filter(recipient=absence.recipient, state=NotificationState.OPEN, is_copy=True)
    rows = rows.filter(task__isnull=False).order_by("pk")
    return list((rows.filter(pk__gt=after) if after else rows).values_list("pk", "task_id")[:STEP])


class _TaskBatch:
    """Some tasks of one person who is away; they are locked."""

    def __init__(self, absence: AnyAbsence, tasks: Iterable[UUID], now: datetime) -> None:
        self.absence, self.person, self.now = absence, absence.recipient, now
        self.tasks = _locked(tasks)
        self.copies = Copies(self.tasks)
        self.absences = StandIns(now)
        self.existing = {row.task_id: row for row in HandedOver.objects.filter(person=self.person, task__in=self.tasks)}
        self.made: list[HandedOver] = []

    def hand_over(self, tasks: Iterable[Task], *, engines: bool) -> None:
        """Hand over the tasks. `engines`: whether engines are asked, where that is possible."""
        offers: list[Offer] = []
        wishes: list[Wish] = []
        for task in tasks:
            copy = next((row for row in self.copies.of(task) if row.recipient_id == self.person.pk), None)
            to = self._stand_in(task, copy) if copy is not None and task.answerable else None
            if copy is None or to is None or task.pk in self.existing:
                continue
            if engines and reassigning.possible(task, self.person, to, self._rules):
                wishes.append(Wish(task, to, {"absence": {"until": iso_utc(self.absence.ends_at)}}))
            elif to.pk not in (have := frozenset(row.recipient_id for row in self.copies.of(task))):
                loud = self._handed_over_before + len(offers) < LOUD
                offers.append(Offer(task, copy, to, have, self.absence.ends_at, loud))
        items = delegate_offers.make(offers, self.now)
        calls = reassigning.ask(wishes, self.now)
        self._keep([(offer.task, offer.to, {"item": item}) for offer, item in zip(offers, items, strict=True)])
        self._keep([(wish.task, wish.to, {"callback": call}) for wish, call in zip(wishes, calls, strict=True)])
        HandedOver.objects.bulk_create(self.made)

    def _stand_in(self, task: Task, copy: Notification) -> Recipient | None:
        subject = PartSubject(copy.category_id, task.engine_id, task.case.type if task.case is not None else "")
        return self.absences.of([self.person], subject).get(self.person.pk)

    def _keep(self, rows: Iterable[tuple[Task, Recipient, dict[str, Any]]]) -> None:
        back = self.absence.give_back
        for task, to, how in rows:
            self.made.append(HandedOver(person=self.person, to=to, task=task, give_back=back, at=self.now, **how))

    @cached_property
    def _handed_over_before(self) -> int:
        return HandedOver.objects.filter(person=self.person).count()

    @cached_property
    def _rules(self) -> Any:
        return four_eyes.enabled()


def _locked(tasks: Iterable[UUID]) -> list[Task]:
    rows = Task.objects.filter(pk__in=[*tasks]).order_by("engine_id", "task_id")
    return list(
        rows.select_related("engine", "case", "assignee", "initiator").select_for_update(no_key=True, of=("self",))
    )


# --- an engine refuses a call -----------------------------------------------------------------------------------------
def _offer_refused(now: datetime) -> Iterable[int]:
    """Offer tasks that an engine has refused to give away. Yield the number of each person's tasks."""
    refused = HandedOver.objects.filter(item=None, callback__state__in=REFUSED_STATES)
    for person in list(refused.order_by("person").values_list("person", flat=True).distinct()):
        with transaction.atomic(), revision.held():
            absence = current(person, now)
            rows = list(refused.filter(person=person).order_by("pk").select_for_update(skip_locked=True)[:STEP])
            if absence is not None and rows:
                HandedOver.objects.filter(pk__in=[row.pk for row in rows]).delete()
                batch = _TaskBatch(absence, [row.task_id for row in rows], now)
                batch.hand_over(batch.tasks, engines=False)
        yield len(rows)


# --- an absence is over -----------------------------------------------------------------------------------------------
def _take_back(now: datetime) -> Iterable[int]:
    """Take back items of absences that are over, and of changed ones with another delegate or none."""
    still = away_at(now).filter(pk=OuterRef("person"), handed_over_at__isnull=False)
    in_calendar = _in_calendars(now).filter(feed=OuterRef("person"), handed_over_at__isnull=False)
    rows = HandedOver.objects.filter(~Exists(still), ~Exists(in_calendar))
    for person in list(rows.order_by("person").values_list("person", flat=True).distinct()):
        after = 0
        while True:
            with transaction.atomic():
                step = rows.filter(person=person, pk__gt=after).order_by("pk")
                step = step.select_related("person", "to", "item").select_for_update(of=("self",), skip_locked=True)
                batch = list(step[:STEP])
                done = _TakeBack(batch, now).take() if batch else 0
            yield done
            if len(batch) < STEP:
                break
            after = batch[-1].pk


@dataclass
class _TakeBack:
    """Some items that are taken back for one person."""

    rows: Sequence[HandedOver]
    now: datetime

    def take(self) -> int:
        self._tasks = {task.pk: task for task in _locked(row.task_id for row in self.rows)}
        self._absences = StandIns(self.now)
        absence = current(self.rows[0].person_id, self.now)
        goes_on = absence is not None and absence.open_items != OpenItems.STAY  # the absence was only changed
        over = [row for row in self.rows if not (goes_on and self._has_same_delegate(row))]
        self._withdraw(over)
        calls: QuerySet[Callback] = Callback.objects.filter(state=CallbackState.WAITING)  # not to be made any more
        ended = {"state": CallbackState.SUPERSEDED, "ended_at": self.now}
        outbox.end_untaken(calls, {row.callback_id: ended for row in over if row.callback_id})
        self._give_back(over)
        HandedOver.objects.filter(pk__in=[row.pk for row in over]).delete()
        return len(over)

    def _has_same_delegate(self, row: HandedOver) -> bool:
        task = self._tasks[row.task_id]
        category = row.item.category_id if row.item is not None else None
        subject = PartSubject(category, task.engine_id, task.case.type if task.case is not None else "")
        return self._absences.of([row.person], subject).get(row.person_id) == row.to

    def _withdraw(self, over: Sequence[HandedOver]) -> None:
        """Withdraw the offers that stand, unless the task is the delegate's own by now."""
        by_item = {
            row.item_id: row for row in over if row.item_id and self._tasks[row.task_id].assignee_id != row.to_id
        }
        items = list(inbox_items.standing(self._tasks).filter(pk__in=by_item).order_by("recipient_id", "pk"))
        inbox_items.lock({item.recipient_id for item in items})
        for item in items:
            item.outcome = None
        why = reasons.OFFER_IS_OVER(name=self.rows[0].person)
        inbox_items.withdraw(dict.fromkeys(items, why), self.now)

    def _give_back(self, over: Sequence[HandedOver]) -> None:
        wishes = []
        for row in over:
            task = self._tasks[row.task_id]
            is_returnable = row.give_back and row.callback_id and task.answerable
            if is_returnable and reassigning.possible(task, row.to, row.person, four_eyes.enabled()):
                wishes.append(Wish(task, row.person, {"absence": {"until": None}}))
        reassigning.ask(wishes, self.now)
