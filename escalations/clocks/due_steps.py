"""Takes due steps: each exactly once, in one transaction with its effects.

A task is read again before each step. After an outage only the last of several missed messages is sent.
"""

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from escalations import reasons
from escalations.clocks import clock, policy_reload
from escalations.kinds import KINDS
from escalations.kinds.base import StepOutcome, Taking
from escalations.kinds.targets import OWN
from escalations.models import Escalation, EscalationState, Rules, RunResult, StepRun
from escalations.policies.rules import Occurrence, RuleSet, is_read, rules_of
from notifications.connectors import readable
from notifications.engines import task_sync
from notifications.items import inbox_items
from notifications.models import Brand, Case, Engine, Event, Recipient, Task
from notifications.reasons import crashed
from wfpush.postgres import bulk, lock_waits, prefetch, revision
from wfpush.postgres.bulk import pipelined
from wfpush.queue import outage, outbox

log = structlog.get_logger(__name__)

BATCH = 100
LEASE = timedelta(seconds=10)
"""The time after which other workers take the clocks of a killed one. A slow worker keeps its clocks: it has locked the
rows."""
MISSED = timedelta(minutes=1)
"""The delay from which a message is left out if a later one is due, too."""
AT_ONCE = 500
"""Steps in one transaction. After an outage many are due, and the worker would be killed if they took too long."""
TRIES = 10
"""Tries after which a failing step is given up."""
RETRY = outbox.Backoff(most=timedelta(minutes=5), slow_after=timedelta(days=3650), give_up_after=timedelta(days=3650))


def due() -> QuerySet[Escalation]:
    return Escalation.objects.filter(due_at__isnull=False)


def has_due(now: datetime) -> bool:
    return outbox.due(due(), now).exists()


def drain() -> None:
    """Take due steps for one turn. If some are left, wake the source again."""
    end = time.monotonic() + outbox.TURN_SECONDS
    while time.monotonic() < end:
        if not tick(timezone.now()):
            return
    outbox.source_named(clock.SOURCE_NAME).wake()


def tick(now: datetime) -> int:
    """Take the steps of some clocks that are due at `now`. Return the number of clocks."""
    claimed = outbox.claim(due(), limit=BATCH, lease=LEASE, now=now)
    if claimed:
        _ask_engines(claimed, now)
        with lock_waits.limited(lock_waits.FIRST_SECONDS):
            run(claimed, now)
    return len(claimed)


_reader = task_sync.Reader()


def _ask_engines(claimed: Sequence[Escalation], now: datetime) -> None:
    """Read the tasks in their engines. Tasks that were ended or reassigned there end these clocks before anybody is
    told.

    Engines that do not answer, or whose answer is invalid, do not stop the messages.
    """
    readable_tasks = Task.objects.filter(pk__in={each.task_id for each in claimed}, engine__kind__in=readable())
    tasks = list(readable_tasks.select_related("engine", "assignee"))
    try:
        by_task = _reader.read(tasks, now) if tasks else {}
        standings = [(task, standing) for task in tasks if (standing := by_task.get(task.pk)) is not None]
        if changed := task_sync.apply_differences(standings, now):
            log.info("caught_up_with_engines", tasks=changed)
    except Exception as fault:  # whatever failed, these clocks and those behind them must go on
        if outage.database_is_away(fault):
            raise
        log.exception("tasks_not_read")


def run(claimed: Sequence[Escalation], now: datetime) -> None:
    """Take the due steps of claimed clocks together. If that fails, try each half by itself, down to the faulty clock.
    It is logged and tried again later."""
    try:
        reread(claimed, now)
        advance(claimed, now)
    except Exception as fault:  # whatever failed, the worker must live
        if outage.database_is_away(fault):
            raise  # the steps did not cause this
        locked = lock_waits.in_vain(fault)
        if len(claimed) > 1:
            half = len(claimed) // 2
            run(claimed[:half], now)
            run(claimed[half:], now)
            return
        (escalation,) = claimed
        if locked:
            log.warning("escalation_locked", escalation=str(escalation.pk), attempts=escalation.attempts)
        else:
            log.exception("escalation_failed", escalation=str(escalation.pk), attempts=escalation.attempts)
        again = RETRY.next_at(escalation.attempts, now, now)
        outbox.postpone(escalation, again or now + RETRY.most)


@transaction.atomic
def reread(claimed: Sequence[Escalation], now: datetime) -> None:
    """Apply edited policies to the claimed clocks that are to follow them, and show people the new due dates.

    In a transaction of its own, because the steps that follow lock other people.
    """
    marked = [each for each in claimed if each.anew]
    if not marked:
        return
    lock_waits.apply()
    mine, tasks = _lock_held(marked)
    answerable = [each for each in mine if tasks[each.task_id].answerable]
    for each in answerable:
        policy_reload.reread(each, tasks[each.task_id], now)
    inbox_items.show_deadlines([tasks[each.task_id] for each in answerable], now)


@dataclass
class _Chain:
    """A clock while its due steps are taken."""

    escalation: Escalation
    task: Task
    rules: RuleSet
    done: set[tuple[int, int]]
    left: list[tuple[Occurrence, StepOutcome | None]] = field(default_factory=list)

    @cached_property
    def occurrences(self) -> list[Occurrence]:
        """Computed once, because working time takes long to compute."""
        return self.rules.occurrences(self.escalation.deadline)


@transaction.atomic
def advance(claimed: Sequence[Escalation], now: datetime) -> list[StepRun]:
    """Take the steps that are due at `now`, and compute the clocks' next steps. Return the rows of the steps.

    Skipped are clocks that another worker has claimed since, and clocks whose task has ended.
    """
    lock_waits.apply()
    chains = _chains(claimed, now)
    room = AT_ONCE
    for chain in chains:
        chain.left, room = _fit_room(room, list(_due(chain, now)))
    runs: list[StepRun] = []
    with revision.held():
        while any(chain.left for chain in chains):  # one step of each task at a time, in order
            runs += _round([(chain, *chain.left.pop(0)) for chain in chains if chain.left], now)
    with pipelined():
        bulk.insert(runs)
        outbox.reschedule(
            Escalation,
            {chain.escalation.pk: clock.next_due(chain.escalation, chain.occurrences, chain.done) for chain in chains},
        )
    return runs


def _fit_room(
    room: int, left: Sequence[tuple[Occurrence, StepOutcome | None]]
) -> tuple[list[tuple[Occurrence, StepOutcome | None]], int]:
    """Return the steps for which there is room, and the remaining room. Steps that are left out need none."""
    taking = [each for each, left_out in left if left_out is None]
    later = {each.key for each in taking[room:]}
    return [each for each in left if each[0].key not in later], max(room - len(taking), 0)


def _lock_held(claimed: Sequence[Escalation]) -> tuple[list[Escalation], dict[UUID, Task]]:
    """Return the clocks whose lease is still ours, and their locked tasks. Tasks are locked first everywhere. Each
    change of a clock voids its lease, so these have not changed since they were claimed."""
    tasks = _locked_tasks({each.task_id for each in claimed})
    held = dict(
        Escalation.objects.filter(pk__in=[each.pk for each in claimed])
        .order_by("pk")
        .select_for_update(no_key=True)
        .values_list("pk", "lease_token")
    )
    return [each for each in claimed if each.lease_token is not None and held.get(each.pk) == each.lease_token], tasks


def _chains(claimed: Sequence[Escalation], now: datetime) -> list[_Chain]:
    mine, tasks = _lock_held(claimed)
    prefetch.read(Rules, "rules", [each for each in mine if not is_read(each.rules_id)])
    done = clock.done_of(mine)
    chains: list[_Chain] = []
    for each in mine:
        task = tasks[each.task_id]
        if not task.answerable:
            clock.end(task, now, reasons.CLOSED_MEANWHILE())
        else:
            chains.append(_Chain(each, task, rules_of(each), done[each.pk]))
    return chains


def _locked_tasks(ids: Collection[UUID]) -> dict[UUID, Task]:
    rows = list(Task.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True))
    prefetch.read(Engine, "engine", rows)
    prefetch.read(Case, "case", rows)
    prefetch.read(Event, "assigned_event", rows, only=("type", "event_id", "source", "extensions"))
    people = prefetch.read(Recipient, "assignee", rows)
    managers = prefetch.read(Recipient, "manager", people)
    prefetch.read(Brand, "brand", [*people, *managers])
    return {row.pk: row for row in rows}


def _round(steps: Sequence[tuple[_Chain, Occurrence, StepOutcome | None]], now: datetime) -> list[StepRun]:
    takings = {
        chain.escalation.pk: Taking(chain.escalation, chain.task, chain.rules, occurrence, now)
        for chain, occurrence, left_out in steps
        if left_out is None
    }
    outcomes = dict(zip(takings, _take_or_give_up(list(takings.values())), strict=True))
    for chain, occurrence, _ in steps:
        chain.done.add(occurrence.key)
    return [
        _record(chain.escalation, occurrence, left_out or outcomes[chain.escalation.pk], now)
        for chain, occurrence, left_out in steps
    ]


# --- due steps --------------------------------------------------------------------------------------------------------
def _due(chain: _Chain, now: datetime) -> Iterator[tuple[Occurrence, StepOutcome | None]]:
    """Yield due steps in order, each with its outcome if it is left out, else None."""
    escalation = chain.escalation
    held = escalation.held_until is not None and escalation.held_until > now
    if held or escalation.state != EscalationState.RUNNING:  # claimed only to read its rules again
        return
    all_due = [each for each in chain.occurrences if each.key not in chain.done and each.at <= now]
    waiting = [each for each in all_due if not KINDS[each.step.kind].came_too_late(each, escalation)]
    to_send = _messages_to_send([each for each in waiting if KINDS[each.step.kind].is_message], now)
    for each in all_due:
        if each not in waiting:
            yield each, StepOutcome(RunResult.TOO_EARLY, reasons.TOO_EARLY())
        elif KINDS[each.step.kind].is_message and each not in to_send:
            yield each, StepOutcome(RunResult.OVERTAKEN, reasons.OVERTAKEN(step=to_send[-1].step.position))
        else:
            yield each, None


def _messages_to_send(messages: Sequence[Occurrence], now: datetime) -> list[Occurrence]:
    """Return the messages to send: all that are on time; if all are late, the last escalation, or else the last."""
    on_time = [each for each in messages if now - each.at <= MISSED]
    if on_time or not messages:
        return on_time
    last = max(messages, key=lambda each: (each.step.target not in OWN, each.order))
    return [each for each in messages if each.at == last.at]


# --- taking steps -----------------------------------------------------------------------------------------------------
def _take_or_give_up(takings: Sequence[Taking]) -> list[StepOutcome]:
    """Take the steps. Give up a step that fails again and again, so that later steps are taken."""
    if len(takings) != 1 or takings[0].escalation.attempts < TRIES:
        return take(takings)
    try:
        with transaction.atomic():
            return take(takings)
    except Exception as fault:
        # The step is not at fault if a row is locked or the database is away: both will pass.
        if lock_waits.in_vain(fault) or outage.database_is_away(fault):
            raise
        log.exception("step_given_up", step=takings[0].step.id)
        return [StepOutcome(RunResult.FAILED, crashed(fault))]


def take(takings: Sequence[Taking]) -> list[StepOutcome]:
    """Take steps of different tasks: those of one kind together. Return the outcomes in the same order."""
    outcomes: dict[int, StepOutcome] = {}
    for name, kind in KINDS.items():
        places = [place for place, taking in enumerate(takings) if taking.step.kind == name]
        if places:
            outcomes |= zip(places, kind.take([takings[place] for place in places]), strict=True)
    return [outcomes[place] for place in range(len(takings))]


def _record(escalation: Escalation, occurrence: Occurrence, outcome: StepOutcome, now: datetime) -> StepRun:
    return bulk.new(
        StepRun,
        escalation=escalation,
        rules_id=escalation.rules_id,
        step=occurrence.step.id,
        number=occurrence.number,
        due_at=occurrence.at,
        ran_at=now,
        result=outcome.result,
        told=list(outcome.told),
        event=outcome.event,
        why_fact=outcome.why.as_json(),
    )


SOURCES = (outbox.Source(clock.SOURCE_NAME, "cluster", has_due, drain),)
