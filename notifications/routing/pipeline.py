"""Processing of events: the task and case change, routes match, people get copies, deliveries are planned.

All changes of an event, and the end of its outbox row, are one transaction: once, or not at all.
"""

import time
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from notifications import reasons
from notifications.cases import lifecycle, task_state
from notifications.cases.facts import facts_of_task
from notifications.items import outcomes
from notifications.models import Delivery, Engine, Event, EventStatus, Notification, Task
from notifications.reasons import Reason
from notifications.routing import claims, fanout, route
from notifications.routing.batch import Batch, PersonChanges
from notifications.routing.plan import Plan
from notifications.routing.task_closure import Closing
from notifications.types import InboundEvent
from notifications.wording.batch_render import Writer
from wfpush.identifiers import uuid7
from wfpush.net import trace_context
from wfpush.observability import tracing
from wfpush.observability.spans import Start
from wfpush.postgres import lock_waits, revision
from wfpush.queue import outage, outbox

log = structlog.get_logger(__name__)

SOURCE_NAME = "events"
RETRY = outbox.Backoff(
    most=timedelta(minutes=1), slow_after=timedelta(days=30), give_up_after=timedelta(hours=1), tries=70
)

OUT_OF_TURN = timedelta(milliseconds=200)
"""Pause of an out-of-turn event, in which earlier events of its task are processed."""


# --- the outbox's source --------------------------------------------------------------------------
def drain() -> None:
    """Process due events, for one turn; if some are left, the source is woken again.

    While more is due than one batch, other workers are woken at once, and take batches of their own.
    """
    end = time.monotonic() + outbox.TURN_SECONDS
    while time.monotonic() < end:
        events = claims.claim()
        if not events:
            return
        if len(events) == claims.BATCH:
            outbox.source_named(SOURCE_NAME).wake()
        with lock_waits.limited(lock_waits.FIRST_SECONDS):
            run_together(sorted((event for event in events if event.attempts == 1), key=lambda event: event.pk))
        # Events tried before are done alone, and last: one that kills its worker must not hold up the others.
        with lock_waits.limited(lock_waits.AGAIN_SECONDS):
            for event in events:
                if event.attempts > 1:
                    _run_again(event, timezone.now())
    outbox.source_named(SOURCE_NAME).wake()


def run_together(events: Sequence[Event]) -> None:
    """Process events in one transaction. If that fails, do each half by itself, down to the event that is the cause."""
    if len(events) == 1:
        run(events[0], timezone.now())
    elif events and not _are_done(events):
        half = len(events) // 2
        run_together(events[:half])
        run_together(events[half:])


def _are_done(events: Sequence[Event]) -> bool:
    """Process the events together and return whether that worked. If it fails, nothing is changed."""
    try:
        process([copy(event) for event in events], timezone.now())  # copies: a failed try must not change the events
    except PersonChanges:
        return False
    except Exception as exc:  # one event's error must not block the other events
        if outage.database_is_away(exc):
            raise
        log.warning("events_apart", events=len(events), locked=lock_waits.in_vain(exc), fault=error_of(exc))
        return False
    return True


def run(event: Event, now: datetime) -> None:
    """Process one claimed event. An error is recorded and the event tried again; in the end it is given up."""
    with structlog.contextvars.bound_contextvars(event_id=str(event.pk)):
        try:
            process([event], now)
        except LeaseLost:
            log.warning("event_lease_lost")
        except task_state.OutOfTurn as exc:
            log.info("event_out_of_turn", detail=str(exc))
            outbox.put_back(event, now + OUT_OF_TURN)
        except Exception as exc:  # whatever the error, the event must not be lost and the worker must live
            if outage.database_is_away(exc):
                raise  # the error cannot be recorded, nor the event tried again now
            if lock_waits.in_vain(exc):
                log.warning("event_locked", attempts=event.attempts, fault=error_of(exc))
            else:
                log.exception("event_failed", attempts=event.attempts)
            _retry_later(event, now, exc)


def _run_again(event: Event, now: datetime) -> None:
    """Run an event that may kill its worker, delayed first: the next worker must not claim it and die as well."""
    if outbox.delay(event, RETRY.next_at(event.attempts, event.received_at, now) or now + RETRY.most):
        run(event, now)


def _retry_later(event: Event, now: datetime, exc: Exception) -> None:
    error = error_of(exc)
    again = RETRY.next_at(event.attempts, event.received_at, now)
    if again is None:
        _give_up(event, now, error)
    else:
        outbox.postpone(event, again, error=error)


@transaction.atomic
def _give_up(event: Event, now: datetime, error: str) -> None:
    if outbox.finish(event, status=EventStatus.FAILED, error=error, processed_at=now):
        claims.release_next([event], now)


def error_of(exc: Exception) -> str:
    """Return the error's text as the ledger stores it."""
    return f"{type(exc).__name__}: {exc}"[:2000]


class LeaseLost(Exception):
    """Raised if another worker has the event now; the changes are rolled back."""


ENDED = ("status", "plan", "unresolved", "told", "processed_at", "error", "task", "case")
"""The fields of an event that processing sets."""


def process(events: Sequence[Event], now: datetime) -> None:
    """Process events in one transaction. No two of them may change the same task.

    Raises LeaseLost, with nothing changed, when another worker has the claim of one of them.
    """
    with tracing.spans("process events", "consumer", _spans_of(events)), transaction.atomic():
        _process(events, now)


def _spans_of(events: Sequence[Event]) -> list[Start]:
    return [
        Start(
            trace_context.traceparent_of(event.extensions),
            {
                "messaging.system": "wfpush",
                "messaging.destination.name": "events",
                "messaging.operation.name": "process",
                "messaging.operation.type": "process",
                "messaging.message.id": str(event.pk),
                "cloudevents.event_type": event.type,
            },
        )
        for event in events
        if tracing.is_on()
    ]


def _process(events: Sequence[Event], now: datetime) -> None:
    results = {}
    lock_waits.apply()
    with revision.held():
        batch = Batch(events, now)
        for event in events:
            with structlog.contextvars.bound_contextvars(event_id=str(event.pk)):
                results[event] = advance(event, batch)
        batch.write()
    for event, result in results.items():
        event.status, event.plan, event.unresolved = result.status, result.plan.as_json(), len(result.plan.unresolved)
        event.processed_at, event.error, event.task, event.case = now, "", result.task, result.case
    counts = dict(Delivery.objects.filter(event__in=events).order_by().values_list("event").annotate(Count("pk")))
    for event in events:
        event.told = counts.get(event.pk, 0)
    if outbox.finish_together(events, ENDED) < len(events):
        raise LeaseLost
    claims.release_next(events, now)
    parked_tasks = [event.task.pk for event in events if event.status == EventStatus.KEPT and event.task is not None]
    if parked_tasks:
        lifecycle.kept_on_commit(parked_tasks, now)
    outbox.wake_on_commit("deliveries")


# --- what an event does ---------------------------------------------------------------------------
@dataclass
class Result:
    status: EventStatus
    plan: Plan
    task: Task | None = None
    case: Any = None


def advance(event: Event, batch: Batch) -> Result:
    """Apply an event, except for the rows that the batch writes at its end. Return the result."""
    context = batch.context_of(event)
    change = task_state.apply(event, context)
    plan = Plan(notes=[*batch.notes[event], *change.notes])
    result = Result(change.status, plan, change.task, change.case)
    if not change.counts or change.is_message:
        return result
    if change.closed and change.task is not None:
        if not change.is_new:
            batch.close(Closing(event, change.task, plan))
        return result
    _reach_people(event, change, context, plan, batch)
    if not plan.recipients and not any(tried["matched"] for tried in plan.routes):
        result.status = EventStatus.UNROUTED
    return result


def _reach_people(
    event: Event, change: task_state.Change, context: task_state.EventContext, plan: Plan, batch: Batch
) -> None:
    facts = facts_of_task(change.task, change.case, event, task_is_newer=change.is_older)
    subject = route.Subject(event, change.task, change.case, context.directory, context.roster, facts)
    matches = route.match(event, facts)
    addressed = _without_addressees(event, route.people_for(matches, subject))
    plan.tried(matches)
    plan.unknown(subject.unresolved)
    is_task = change.task is not None and change.asks
    writer = Writer(event, change.task if is_task else None, facts)
    planner = fanout.Planner(event, change.task, change.case, writer, plan, batch.now, is_task, batch.contacts)
    planner.colleagues = {addressee.recipient.pk for addressee in addressed}
    if is_task and change.task is not None:
        copies = batch.copies.of(change.task)
        if copies:
            _change_copies(change, change.task, copies, addressed, planner)
        has_copy = {row.recipient_id for row in copies}
        addressed = [addressee for addressee in addressed if addressee.recipient.pk not in has_copy]
    batch.notify(planner, addressed)


def _change_copies(
    change: task_state.Change,
    task: Task,
    copies: Sequence[Notification],
    addressed: Sequence[route.MessageRecipient],
    planner: fanout.Planner,
) -> None:
    """Update open copies: withdraw those of people from whom the task was taken, and reword the others.

    People who only knew that the task ran late, and have it now, get it as their own.
    """
    open_copies = list(copies)
    if change.reassigned:
        meant = {person.pk for addressee in addressed for person in addressee.meant}
        now_theirs = {addressee.recipient.pk: addressee for addressee in addressed}
        planner.withdraw([row for row in copies if row.recipient_id not in meant], _reassigned_to(task))
        handed_over = [row for row in copies if row.escalated and row.recipient_id in now_theirs]
        planner.hand_over(handed_over, now_theirs)
        open_copies = [row for row in copies if row.recipient_id in meant and row not in handed_over]
    planner.colleagues |= {row.recipient_id for row in open_copies}
    asked_again = [row for row in open_copies if _was_given_back(row)]
    planner.rewrite(asked_again, alert=reasons.ANSWER_RETURNED())
    others = [row for row in open_copies if row not in asked_again]
    alert = reasons.URGENT() if change.priority_rose else reasons.NOTHING
    planner.rewrite(others, alert=alert, keeps_notice=change.reassigned)


def _was_given_back(copy: Notification) -> bool:
    """Return whether the copy's person has answered, and has not been notified since that a new answer is needed."""
    outcome, revised_at = copy.outcome or {}, copy.revised_at
    if outcome.get("engine") != outcomes.CHANGED or not outcomes.is_mine(outcome, copy.recipient):
        return False
    answered_at = outcomes.parse_time(outcome.get("at"))
    return revised_at is None or answered_at is None or revised_at <= answered_at


def _without_addressees(event: Event, addressed: list[route.MessageRecipient]) -> list[route.MessageRecipient]:
    """Return the people without those to whom a question goes: their item has a reply box already."""
    if event.source != "wfpush" or event.type != "task.info_requested":
        return addressed
    addressee_refs = {person.get("ref") for person in event.data.get("asked") or []}
    return [addressee for addressee in addressed if addressee.recipient.ref not in addressee_refs]


def _reassigned_to(task: Task) -> Reason:
    if task.assignee is not None:
        return reasons.REASSIGNED_TO(name=task.assignee)
    names = [str(person) for person in task.candidates.all()[:3]] + [str(team) for team in task.teams.all()[:3]]
    return reasons.REASSIGNED_TO(name=", ".join(names)) if names else reasons.REASSIGNED()


# --- dry run --------------------------------------------------------------------------------------
class _RollBack(Exception):
    pass


def dry_run(engine: Engine, inbound: InboundEvent, now: datetime) -> Result:
    """Return the result that this event would have now, by the same code. Nothing is stored or sent.

    An event that has come in already is run as a new one. Raises the errors that processing the real event would raise.
    """
    result: list[Result] = []
    try:
        with transaction.atomic():
            result.append(tried(engine, inbound, now))
            raise _RollBack
    except _RollBack:
        return result[0]


def tried(engine: Engine, inbound: InboundEvent, now: datetime) -> Result:
    """Return the result of a dry run in the caller's transaction, which the caller rolls back."""
    event = Event(
        engine=engine,
        source=inbound.source,
        event_id=str(uuid7()) if known_event(engine, inbound) else inbound.id,
        type=inbound.type,
        subject=inbound.subject,
        time=inbound.time,
        received_at=now,
        processed_at=now,
        data=inbound.data,
        extensions=inbound.extensions,
        digest=inbound.digest,
    )
    event.save(force_insert=True)
    with revision.held():
        batch = Batch([event], now)
        result = advance(event, batch)
        batch.write()
    return result


def known_event(engine: Engine, inbound: InboundEvent) -> Event | None:
    """Return the stored event of this engine, source and id, if there is one: another one would be its duplicate."""
    return Event.objects.filter(engine=engine, source=inbound.source, event_id=inbound.id).first()


SOURCES = (outbox.Source(SOURCE_NAME, "cluster", claims.has_due, drain),)
