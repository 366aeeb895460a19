"""Tells engines people's answers: in order for each task, each under one id, retried over days, ended exactly once."""

import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from notifications import reasons
from notifications.cases import pending_updates
from notifications.connectors import connector_for
from notifications.connectors.base import Misconfigured, Result
from notifications.connectors.reasons import CLOSED_THERE, GIVEN_UP
from notifications.engines import (
    callback_claims,
    callback_results,
    connected_accounts,
    content_check,
    requeue,
    returned_answers,
    task_sync,
)
from notifications.engines.calls import PausingCalls, next_try, watch
from notifications.engines.content_check import Check, Reading
from notifications.models import CLOSED, Callback, CallbackAttempt, CallbackState, Engine, Task
from notifications.reasons import NOTHING, Reason
from wfpush.concurrency.keyed_limits import ClaimedJobs, FreePlaces, Places
from wfpush.concurrency.threads import in_database_thread
from wfpush.net.http import outbound_from_settings
from wfpush.queue import outage, outbox

log = structlog.get_logger(__name__)

SOURCE_NAME = "callbacks"
MAX_CALLS, MAX_CALLS_PER_ENGINE = 256, 16
"""Calls that run at the same time: to all engines, and to one of them."""
HELD = timedelta(minutes=10)
"""The pause for a callback that waits until somebody has connected their account; connecting it ends the pause."""
UNPROCESSED_FOR, UNPROCESSED_PAUSE = timedelta(seconds=30), timedelta(seconds=1)
"""Age up to which unprocessed events of a task delay its final answer; the pause before the next attempt."""

Ready = tuple[Callback, Any | Check]
"""A claimed callback, and the call that its connector has prepared; or a check that comes before the call."""

NOT_OVERTAKING = (CallbackState.REFUSED, CallbackState.TAKEN_BACK, CallbackState.RETURNED)
"""States of a final answer that does not count: earlier acknowledgements and questions are still sent."""

UNENDED = (CallbackState.WAITING, CallbackState.FAILED)
"""States in which an operator may still decide about a callback."""

ENDED = {"done": CallbackState.DELIVERED, "handled": CallbackState.HANDLED, "refused": CallbackState.REFUSED}


def _places() -> Places[int, Ready]:
    return Places(_claim, _send, most=MAX_CALLS, each=MAX_CALLS_PER_ENGINE)


WITHOUT_ADDRESS = Q(state=CallbackState.WAITING, engine__active=True, engine__callback_url="")
"""Answers of engines without an address. They need no work: the engines fetch them by API. If an address is set later,
they are sent to it."""


# --- claiming -------------------------------------------------------------------------------------
def _claim(room: FreePlaces[int]) -> ClaimedJobs[int, Ready]:
    now = timezone.now()
    ready = []
    claimed = callback_claims.claim(room, _door.breaker.paused(), now)
    behind = pending_updates.answers_behind_events([callback.pk for _, callback in claimed], now - UNPROCESSED_FOR, now)
    for engine, callback in claimed:
        if callback.pk in behind:
            outbox.put_back(callback, now + UNPROCESSED_PAUSE)
            continue
        call = _prepared(callback, now)
        if call is None:
            continue
        wait = _door.breaker.wait(callback.engine.slug)  # asked only for claims that will report a result
        if wait:  # one call is made to see whether the engine is back
            outbox.put_back(callback, now + timedelta(seconds=wait))
            continue
        if not isinstance(call, Check):
            _begin(callback, now)
        ready.append((engine, (callback, call)))
    return ClaimedJobs(ready, len(claimed))


def _prepared(callback: Callback, now: datetime) -> Any | None:
    """Return the call or check of a callback; None if it cannot be sent, since it must not hold up the others."""
    try:
        if returned_answers.return_if_changed(callback, now):
            return None
        tokens = connected_accounts.tokens_for(callback)
        call = connector_for(callback.engine.kind).prepare(callback.engine, callback, now, tokens)
        return content_check.prepare(callback, call) or call
    except connected_accounts.NotConnected as fault:
        _hold(callback, fault.reason, now)
    except Exception as fault:
        if outage.database_is_away(fault):
            raise
        if not isinstance(fault, Misconfigured):
            log.exception("callback_cannot_be_prepared", callback_id=str(callback.pk))
        reason = fault.reason if isinstance(fault, Misconfigured) else reasons.said(fault)
        record(callback, Result("misconfigured", None, reason), now)
    return None


def _hold(callback: Callback, why: Reason, now: datetime) -> None:
    """Let the callback wait for its person, however long: no call is made, and no attempt is counted."""
    with transaction.atomic():
        Task.objects.select_for_update(no_key=True).only("pk").get(pk=callback.task_id)
        if is_overtaken(callback):
            outbox.finish(callback, state=CallbackState.SUPERSEDED, ended_at=now)
            outbox.wake_on_commit(SOURCE_NAME)
        elif outbox.put_back(callback, now + HELD, detail_fact=why.as_json(), alert_fact=None):
            callback_results.waits_for_account(callback, now)


def _begin(callback: Callback, now: datetime) -> None:
    """Record the attempt before the call is made."""
    CallbackAttempt.objects.create(callback=callback, number=callback.attempts, started_at=now)
    if callback.first_attempt_at is None:
        callback.first_attempt_at = now
        Callback.objects.filter(pk=callback.pk).update(first_attempt_at=now)


async def _send(ready: Ready) -> None:
    callback, call = ready
    with structlog.contextvars.bound_contextvars(callback_id=str(callback.pk), engine=callback.engine.slug):
        if isinstance(call, Check):
            reading = await content_check.read(_door.open(), call)
            if not await in_database_thread(_may_be_told, callback, reading, timezone.now()):
                return
            call = reading.call
        began = time.monotonic()
        result = await connector_for(callback.engine.kind).send(_door.open(), call)
        service = (callback_claims.KIND, callback.engine.slug)
        watch(service, result, party=callback.pk, seconds=time.monotonic() - began)
        await in_database_thread(_handle_result, callback, result, timezone.now())


def _may_be_told(callback: Callback, reading: Reading, now: datetime) -> bool:
    """Return whether the task still asks in its engine what was answered. If not, record the result.

    The attempt begins after this check: a process that dies earlier has sent the engine nothing.
    """
    if returned_answers.return_if_changed(callback, now):  # while it was read
        return False
    try:
        result = content_check.why_not_told(reading, now)
    except Exception as fault:
        if outage.database_is_away(fault):
            raise
        log.exception("answer_cannot_be_compared")
        result = Result("misconfigured", None, reasons.crashed(fault))
    _begin(callback, now)
    if result is not None:
        _handle_result(callback, result, now)
    return result is None


def _handle_result(callback: Callback, result: Result, now: datetime) -> None:
    if _door.works_again(callback.engine.slug, result):
        log.info("engine_is_back", engine=callback.engine.slug)
        requeue.hurry_callbacks(callback.engine, now)
    record(callback, result, now)


# --- recording ------------------------------------------------------------------------------------
def record(callback: Callback, result: Result, now: datetime) -> None:
    """Record the result of a call. If the lease was lost, only the attempt is recorded: the new holder decides."""
    with transaction.atomic():
        # Locks the task first, as answers do.
        task = Task.objects.select_for_update(no_key=True).only("state").get(pk=callback.task_id)
        CallbackAttempt.objects.filter(callback=callback, number=callback.attempts).update(
            ended_at=now, status=result.status, unsure=result.unsure, detail_fact=result.reason.as_json()
        )
        result = _result_if_closed(callback, result) if task.state in CLOSED else result
        if result.outcome in ENDED:
            _end(callback, ENDED[result.outcome], result, now)
        else:
            _try_again(callback, result, now)
    log.info("callback", outcome=result.outcome, status=result.status, attempts=callback.attempts)


def _result_if_closed(callback: Callback, result: Result) -> Result:
    """Return the result for a task that its engine has closed: only a call that may have arrived is repeated."""
    if result.outcome in ("done", "handled") or (result.outcome != "refused" and callback.in_doubt):
        return result
    reason = result.reason if result.outcome == "refused" else CLOSED_THERE()
    return replace(result, outcome="handled", reason=reason)


def _end(callback: Callback, state: CallbackState, result: Result, now: datetime) -> None:
    ended = outbox.finish(
        callback,
        state=state,
        last_status=result.status,
        ended_at=now,
        detail_fact=result.reason.as_json(),
        alert_fact=None,
    )
    if ended:
        callback_results.engine_has_it(callback.pk, state, result.reason, now)
        if result.standing is not None:
            task_sync.apply_standing(callback, result.standing, now)
        outbox.wake_on_commit(SOURCE_NAME)  # the task's next answer


def _try_again(callback: Callback, result: Result, now: datetime) -> None:
    if is_overtaken(callback):
        outbox.finish(callback, state=CallbackState.SUPERSEDED, last_status=result.status, ended_at=now)
        outbox.wake_on_commit(SOURCE_NAME)
        return
    alert = result.reason if result.outcome in ("misconfigured", "gone") else NOTHING
    fields = {"last_status": result.status, "detail_fact": result.reason.as_json(), "alert_fact": alert.as_json()}
    since = callback.first_attempt_at or now  # a callback that was never sent gets a whole week from now on
    next_at = next_try(callback.attempts, since, now, result)
    if next_at is None:
        if outbox.finish(callback, state=CallbackState.FAILED, ended_at=now, **fields):
            callback_results.engine_has_it(callback.pk, CallbackState.FAILED, GIVEN_UP(), now)
        return
    outbox.postpone(callback, next_at, first_attempt_at=since, **fields)
    if result.outcome == "gone":
        _disable(callback, result, now)
    if alert:
        log.error("callback_needs_an_operator", detail=result.detail, engine=callback.engine.slug)


def is_overtaken(callback: Callback) -> bool:
    """Return whether a later final answer counts: then a failed acknowledgement or question is not sent after it."""
    later = Callback.objects.filter(task_id=callback.task_id, position__gt=callback.position, response__effect="final")
    return later.exclude(state__in=NOT_OVERTAKING).exists()


def _disable(callback: Callback, result: Result, now: datetime) -> None:
    """410: send nothing more to this engine until an administrator enables its address again. Its answers wait."""
    Engine.objects.filter(pk=callback.engine_id, callback_disabled_at=None).update(
        callback_disabled_at=now, callback_disabled_reason_fact=result.reason.as_json()
    )


# --- by hand --------------------------------------------------------------------------------------
def mark_handled(callback: Callback, reason: str, now: datetime) -> bool:
    """Record that somebody has told the engine in another way; nothing more is sent. Return False when the callback has
    ended, or is being sent."""
    with transaction.atomic():
        Task.objects.select_for_update(no_key=True).only("pk").get(pk=callback.task_id)
        fact = reasons.said(reason)
        by_hand = {"detail_fact": fact.as_json(), "alert_fact": None}
        ended = outbox.finish_all(unended(callback, now), state=CallbackState.HANDLED, ended_at=now, **by_hand)
        if ended:
            callback_results.engine_has_it(callback.pk, CallbackState.HANDLED, fact, now)
            outbox.wake_on_commit(SOURCE_NAME)  # the task's next answer
    return bool(ended)


def unended(callback: Callback, now: datetime) -> QuerySet[Callback]:
    """Return the callback, if an operator may still decide about it and no worker is sending it."""
    return Callback.objects.filter(outbox.not_leased(now), pk=callback.pk, state__in=UNENDED)


_door = PausingCalls(_places, lambda: outbound_from_settings(per_host=0))

SOURCES = (
    outbox.Source(
        SOURCE_NAME, "dispatcher", callback_claims.has_due, _door.drain, _door.close, callback_claims.has_late
    ),
)
