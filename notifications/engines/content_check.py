"""Reads a task in its engine before a final answer is sent, and compares its content with what was answered.

An engine may have changed a task without an event. Then the answer is not sent: the engine's content is taken in as an
event, which gives the answer back to its person (`returned_answers`).
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any

import structlog

from notifications.connectors import reader_for, reasons
from notifications.connectors.access import EngineClient
from notifications.connectors.api import Api, Failed
from notifications.connectors.base import Result
from notifications.connectors.rest import Call
from notifications.engines import returned_answers, task_sync
from notifications.errors import InvalidEvent
from notifications.forms import engine_forms
from notifications.intake import cloudevents, ingest, mapping
from notifications.items.representation import iso_utc
from notifications.models import Callback, Engine, Event, Response, Task
from notifications.reasons import NOTHING, Reason, crashed, said
from notifications.reasons import read as read_reason
from notifications.revisions.content import revision_of
from notifications.types import InboundEvent, Json, object_in

log = structlog.get_logger(__name__)

WITHIN = 10.0
"""Seconds for all requests that read one task. They are deducted from the time for the call."""
PEOPLE = ("assignee", "candidates", "teams", "initiator")
VARIABLES = "variables"


@dataclass(frozen=True)
class Check:
    """An answer that is about to be sent, and the content that it decides about."""

    callback: Callback
    call: Call
    task: Task
    response: Response
    content: Json

    @property
    def variables(self) -> set[str]:
        """The names of the variables that the content shows or uses."""
        values = object_in(self.content, "values")
        paths = [path.split(".") for path in values if path.startswith(f"{VARIABLES}.")]
        return {path[1] for path in paths} | set(object_in(values, VARIABLES))


@dataclass(frozen=True)
class Reading:
    """The result of reading a task: its row, None where the task is over or unknown, or the failure. `call` may be made
    after it, with the time that is left."""

    check: Check
    call: Call
    row: Json | None = None
    failure: Result | None = None


def prepare(callback: Callback, call: Any) -> Check | None:
    """Return the check before a call; None if the call needs none. An answer that may have arrived before is sent
    again, whatever the engine says meanwhile."""
    if not isinstance(call, Call) or not callback.engine.reads_before_answers:
        return None
    if call.instruction.does != "final" or call.instruction.unsure:
        return None
    response = returned_answers.response_of(callback)
    task = Task.objects.select_related("case", "engine").get(pk=callback.task_id)
    return Check(callback, call, task, response, returned_answers.content_for(task, response))


async def read(line: EngineClient, check: Check) -> Reading:
    """Read the task. Raises nothing: every failure is part of the reading."""
    began = asyncio.get_running_loop().time()
    row, failure = None, None
    try:
        async with asyncio.timeout(WITHIN):
            row = await _read(Api(line, check.call.reading, check.call.paths), check)
    except TimeoutError:
        failure = Result("later", None, reasons.TOO_SLOW(seconds=f"{WITHIN:g}"), down=True)
    except Failed as failed:
        failure = failed.result
    except Exception as fault:  # whatever the engine says
        log.exception("task_cannot_be_read")
        failure = Result("misconfigured", None, crashed(fault))
    spent = asyncio.get_running_loop().time() - began
    return Reading(check, replace(check.call, within=check.call.within - spent), row, failure)


async def _read(api: Api, check: Check) -> Json | None:
    """Read the task's row, with only those parts that the content shows or uses. Raises Failed."""
    connector = reader_for(check.callback.engine.kind)
    assert connector is not None  # only a RestConnector makes a Call
    row = await connector.open_row(api, check.task.task_id)
    if row is None:
        return None
    if check.variables:
        await connector.listing.add_variables(api, row)
    if "form" in check.content:
        await connector.listing.add_form(api, row, or_name=False)
    return row


# --- comparing --------------------------------------------------------------------------------------------------------
def why_not_told(reading: Reading, now: datetime) -> Result | None:
    """Return the result of an answer that is not sent now: its task was not read, or has changed. None: the answer may
    be sent. It is also sent if the engine cannot be read, and the engine's page says so."""
    check = reading.check
    if reading.failure is not None:
        if _may_work_later(reading):
            return reading.failure
        _not_compared(check, reading.failure.reason)
        return None
    if reading.row is None:
        return None
    try:
        event = _event(check, reading.row, now)
    except InvalidEvent as fault:
        _not_compared(check, said(fault))
        return None
    _not_compared(check, NOTHING)
    if not _has_changed(check, event):
        return None
    item = check.response.notification
    shown_since = item.revised_at or item.created_at
    if task_sync.lags(check.callback.engine) and now - shown_since < task_sync.SETTLED:
        return Result("later", None, reasons.MAY_LAG())
    ingest.accept(check.callback.engine, [event], now)
    log.warning("task_changed_in_engine", task=check.task.task_id)
    return Result("later", None, reasons.CHANGED_THERE())


def _may_work_later(reading: Reading) -> bool:
    """Return whether another try may read the task, or the call would fail in the same way: then nothing is sent yet. A
    refusal to let us read is permanent, and delays no answer."""
    failure = reading.failure
    assert failure is not None
    if failure.outcome == "misconfigured":
        return reading.call.acting is None and failure.status in (None, 401)
    return failure.outcome == "later" and failure.status != HTTPStatus.NOT_IMPLEMENTED


def _not_compared(check: Check, reason: Reason) -> None:
    """Say on the engine's page why its answers are sent without a comparison. NOTHING removes that reason."""
    engine = check.callback.engine
    if read_reason(engine, "not_compared_reason") == reason:
        return
    Engine.objects.filter(pk=engine.pk).update(not_compared_reason_fact=reason.as_json())
    if reason:
        log.error("answers_not_compared", engine=engine.slug, detail=str(reason))


def _event(check: Check, row: Json, now: datetime) -> InboundEvent:
    """Return the engine's content as a `task.updated` event, without people, who come with other events, and without
    variables that the task does not have. Raises InvalidEvent."""
    engine, task = check.callback.engine, check.task
    connector = reader_for(engine.kind)
    assert connector is not None
    document = mapping.translate(task_sync.expressions_of(engine, connector), row, source=f"/engines/{engine.slug}")
    data = object_in(document, "data")
    task_fields = {name: value for name, value in object_in(data, "task").items() if name not in PEOPLE}
    ours, theirs = object_in(task.data, VARIABLES), object_in(data, VARIABLES)
    variables = {**ours, **{name: theirs[name] for name in check.variables & theirs.keys()}}
    content = {"task": {**task_fields, "id": task.task_id}, VARIABLES: variables}
    content |= {"documents": data["documents"]} if "documents" in data else {}
    when = max(now, task.last_event_time or now)  # an engine whose clock is ahead may have sent later events
    members = {
        "id": f"{check.callback.pk}/{task_sync.digest_of(content)}",
        "type": "task.updated",
        "time": iso_utc(when),
    }
    return cloudevents.structured({**document, **members, "subject": task.task_id, "data": content})


def _has_changed(check: Check, event: InboundEvent) -> bool:
    """Return whether any part of the content reads otherwise now. Parts that the engine does not send are unchanged."""
    later = returned_answers.after(check.task, Event(type=event.type, data=engine_forms.stored(event.data)))
    now = dict(_parts(returned_answers.content_for(later, check.response)))
    before = dict(_parts(check.content))
    return revision_of(before) != revision_of({name: now[name] for name in before if name in now})


def _parts(content: Json) -> Iterator[tuple[str, Any]]:
    for name, value in content.items():
        if name == "values":
            yield from ((f"values/{path}", each) for path, each in value.items())
        else:
            yield name, value
