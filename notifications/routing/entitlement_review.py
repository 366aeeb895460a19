"""Withdrawal of copies whose people have lost their reason to have the task, and copies for their successors.

Triggers insert an `EntitlementReview` when a person's reasons may have ended, whatever made the change. Until the
review is done, answers are refused on their own (notifications/answers/guards.py).
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Count, Min, Q, QuerySet
from django.utils import timezone

from notifications import reasons
from notifications.cases import internal_events, lifecycle
from notifications.items import inbox_items
from notifications.models import (
    EntitlementReview,
    Notification,
    NotificationState,
    Priority,
    Recipient,
    Task,
)
from notifications.people import stand_ins
from notifications.reasons import Reason
from notifications.routing import fanout, handing_on
from notifications.routing.addressing import Contacts
from notifications.routing.batch import Copies
from notifications.routing.entitlement import Entitlements, Successor, ending, managers_above
from notifications.routing.route import MessageRecipient, Unresolved
from wfpush.identifiers import uuid7
from wfpush.postgres import bulk, revision
from wfpush.queue import outage, outbox

log = structlog.get_logger(__name__)

SOURCE_NAME = "entitlements"
TYPE = "task.passed_on"
LEASE = timedelta(minutes=2)
RETRY = timedelta(minutes=5)
"""Time until a review that failed or ended its process is tried again."""
AT_ONCE = 20
STEP = 25
"""Number of tasks that are read together."""
MOST_COPIES = 1_000
"""Maximum number of copies of one transaction's tasks, which are locked in it."""
LOUD = 10
"""Number of tasks of one transaction that a successor is notified of by all channels of their categories. Further ones,
unless they are urgent, come by the inbox only."""


# --- the outbox's source ----------------------------------------------------------------------------------------------
def has_due(now: datetime) -> bool:
    return outbox.due(EntitlementReview.objects.all(), now).exists()


def drain() -> None:
    end = time.monotonic() + outbox.TURN_SECONDS
    while time.monotonic() < end:
        claimed = outbox.claim(EntitlementReview.objects.all(), limit=AT_ONCE, lease=LEASE, now=timezone.now())
        if not claimed:
            return
        for review in claimed:
            _run(review, timezone.now())
    outbox.source_named(SOURCE_NAME).wake()


def _run(review: EntitlementReview, now: datetime) -> None:
    """Review one person. If the person's data change meanwhile, the lease is lost, and the row stays."""
    outbox.delay(review, now + RETRY)
    try:
        settle(review.person_id, now)
    except Exception as exc:  # one person's error must not block the reviews of others
        if outage.database_is_away(exc):
            raise
        log.exception("entitlements_not_reviewed", person=review.person_id)
        outbox.postpone(review, now + RETRY)
        return
    back_at = _back_at(review.person_id, now)
    if back_at is not None:
        outbox.postpone(review, back_at, attempts=0)
    else:
        outbox.held(review).delete()


def _back_at(person: int, now: datetime) -> datetime | None:
    """Return the end of the person's next absence to end."""
    coming = (table.of([person]).filter(ends_at__gt=now) for table in stand_ins.tables())
    ends = (rows.aggregate(at=Min("ends_at"))["at"] for rows in coming)
    return min((at for at in ends if at is not None), default=None)


def request(people: Iterable[int], now: datetime) -> None:
    """Request a review of these people's reasons, for changes that no trigger sees."""
    rows = [EntitlementReview(person_id=person) for person in sorted(set(people))]
    for row in rows:
        row.make_due(now)
    EntitlementReview.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["person_id"], update_fields=outbox.COLUMNS
    )


def observe(moment: lifecycle.Moment, task: Task, *, by: Recipient | None, now: datetime, writes: bulk.Writes) -> None:
    """Request reviews for a reopened task: while it was answered, reasons may have ended without a check."""
    had = Notification.objects.filter(task=task, reason_fact__code__in=ending())
    copies = list(had.exclude(state=NotificationState.WITHDRAWN).select_related("on_behalf_of"))
    for copy in copies:
        copy.task = task
    entitlements = Entitlements(copies, now)
    lost = {copy.recipient_id for copy in copies if entitlements.ended(copy)}
    if lost:
        request(lost, now)
        outbox.wake_on_commit(SOURCE_NAME)


# --- one person -------------------------------------------------------------------------------------------------------
def settle(person: int, now: datetime) -> None:
    """Review the copies that the person has, and those that others have because of the person."""
    after: UUID | None = None
    while True:
        rows = _copies_to_check(person).order_by("task_id")
        following = rows.filter(task__gt=after) if after else rows
        tasks: list[Any] = list(following.values_list("task", flat=True).distinct()[:STEP])
        for part in _in_parts(tasks):
            _settle(part, now)
        if len(tasks) < STEP:
            return
        after = tasks[-1]


def _in_parts(tasks: Sequence[UUID]) -> Iterator[list[UUID]]:
    """Yield the tasks of one transaction each: as many as have at most `MOST_COPIES` copies together, or one."""
    standing = Notification.objects.filter(inbox_items.STANDING, task__in=tasks).order_by()
    counts = dict(standing.values_list("task").annotate(Count("pk")))
    part: list[UUID] = []
    for task in tasks:
        if part and sum(counts.get(key, 0) for key in [*part, task]) > MOST_COPIES:
            yield part
            part = []
        part.append(task)
    if part:
        yield part


def _copies_to_check(person: int) -> QuerySet[Notification]:
    """Return copies of the person, of managers above (they depend on the person), and of stand-ins for the person."""
    have = Q(recipient__in=[person, *managers_above(person)], reason_fact__code__in=ending())
    stand_in = Q(on_behalf_of__in=_relying_on(person))
    return Notification.objects.filter(inbox_items.STANDING, have | stand_in, task__isnull=False)


def _relying_on(person: int) -> set[int]:
    """Return the keys of the person and of all for whom they may stand in, through any chain."""
    people: set[int] = set()
    further = {person}
    while further:
        people |= further
        further = stand_ins.delegators(further) - people
    return people


@transaction.atomic
def _settle(tasks: Sequence[UUID], now: datetime) -> None:
    with revision.held():
        locked = _locked(tasks)
        copies = Copies(locked)
        by_id = {task.pk: task for task in locked}
        for copy in copies.all():
            assert copy.task_id is not None
            copy.task = by_id[copy.task_id]
        entitlements = Entitlements(copies.all(), now)
        passing = [
            _PassingOn(task, lost, copies.of(task), entitlements, now)
            for task in locked
            if (lost := {copy: why for copy in copies.of(task) if (why := entitlements.ended(copy))})
        ]
        _write(passing, now)


def _locked(tasks: Sequence[UUID]) -> list[Task]:
    rows = Task.objects.filter(pk__in=tasks).order_by("engine_id", "task_id")
    with_people = rows.select_related("engine", "case", "assignee", "initiator")
    return list(with_people.select_for_update(no_key=True, of=("self",)))


class _PassingOn:
    """One task that somebody has lost: that person's copies are withdrawn, and each successor gets one."""

    def __init__(
        self,
        task: Task,
        lost: Mapping[Notification, Reason],
        copies: Sequence[Notification],
        entitlements: Entitlements,
        now: datetime,
    ) -> None:
        self.task, self.lost, self.now = task, lost, now
        self.remaining_ids = {copy.recipient_id for copy in copies} - {copy.recipient_id for copy in lost}
        self.successors = self._successors(entitlements) if task.answerable else {}

    def _successors(self, entitlements: Entitlements) -> dict[int, tuple[Notification, Successor]]:
        """Return the successors by person key, each with the copy that is replaced."""
        successors: dict[int, tuple[Notification, Successor]] = {}
        for copy in self.lost:
            for successor in entitlements.successors(copy, others_have_it=bool(self.remaining_ids)):
                if successor.person.pk not in self.remaining_ids:
                    successors.setdefault(successor.person.pk, (copy, successor))
        had = Notification.objects.filter(task=self.task, recipient__in=successors)
        had = had.exclude(state__in=(NotificationState.INFO, NotificationState.WITHDRAWN))
        lost = {copy.pk for copy in self.lost}
        for person in had.exclude(pk__in=lost).values_list("recipient_id", flat=True):
            del successors[person]
        return successors

    @property
    def people(self) -> set[int]:
        return {copy.recipient_id for copy in self.lost} | self.successors.keys()

    def planner(self, contacts: Contacts, task_counts: dict[int, int]) -> fanout.Planner:
        """Return the planner of the task's event. `task_counts`: tasks that each person got in this transaction."""
        task = self.task
        event = internal_events.about_task(task, TYPE, f"passed-on/{uuid7()}", self.now)
        colleagues = self.remaining_ids | self.successors.keys()
        planner = handing_on.planner_of(event, task, colleagues, self.now, contacts)
        for reason in dict.fromkeys(self.lost.values()):
            planner.withdraw([copy for copy, why in self.lost.items() if why == reason], reason)
        for copy, successor in self.successors.values():
            task_counts[successor.person.pk] = task_counts.get(successor.person.pk, 0) + 1
            loud = task_counts[successor.person.pk] <= LOUD or task.priority == Priority.URGENT
            manner = handing_on.manner_of(copy, loud=loud)
            planner.make([MessageRecipient(successor.person, manner, successor.reason, successor.on_behalf_of)])
        if task.answerable and not planner.colleagues:
            planner.plan.unknown([Unresolved(task.task_id, reasons.NOBODY_HAS_TASK())])
        return planner


def _write(passing: Sequence[_PassingOn], now: datetime) -> None:
    if not passing:
        return
    inbox_items.lock(set().union(*(passing_on.people for passing_on in passing)))
    contacts, task_counts = Contacts(), dict[int, int]()
    planners = [passing_on.planner(contacts, task_counts) for passing_on in passing]
    handing_on.save(planners, now)
    log.info("tasks_passed_on", tasks=len(passing))


SOURCES = (outbox.Source(SOURCE_NAME, "cluster", has_due, drain),)
