"""Tests an engine's connection, and shows exactly which requests an answer would make."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone

from notifications.answers import answer_body
from notifications.connectors import connector_for, reader_for, reasons
from notifications.connectors.access import EngineClient
from notifications.connectors.api import Api, Failed, Reply
from notifications.connectors.base import HIDDEN, Misconfigured, Result, SentRequest
from notifications.connectors.instructions import instruction_of
from notifications.connectors.rest import paths_of
from notifications.items.representation import iso_utc
from notifications.models import (
    AuthKind,
    Callback,
    Engine,
    EngineAccess,
    InTheNameOf,
    Notification,
    PersonalSignIn,
    Recipient,
    Response,
    Task,
)
from notifications.revisions.content import revision_of
from notifications.types import USUAL_EFFECTS, Json
from wfpush.crypto import UndecryptableSecret
from wfpush.identifiers import uuid7
from wfpush.net.http import outbound_from_settings


@dataclass(frozen=True)
class Sample:
    """An answer for the preview."""

    action: str
    task_kind: str = ""
    task_id: str = "T-42"
    comment: str = "Looks right to me."
    variables: Json = field(default_factory=dict)
    ref: str = "bob"
    name: str = "Bob"


TEST = "connection.test"
"""The type of a test event, which engines need not know."""


# --- test of the connection -------------------------------------------------------------------------------------------
def check(engine: Engine) -> Result:
    """Make the smallest possible request, which changes nothing; engines without a REST interface get a signed test
    event. "done": the engine lets us in; else `detail` says what is wrong.

    Raises Misconfigured for a record that cannot work.
    """
    if not engine.callback_url:
        raise Misconfigured(reasons.NO_ADDRESS_YET())
    connector = reader_for(engine.kind)
    if connector is None:
        return _tell_test(engine)
    try:
        access, paths = connector.way_to(engine)
    except UndecryptableSecret as fault:
        raise Misconfigured(str(fault)) from fault

    async def ask() -> Result:
        async with EngineClient(outbound_from_settings()) as line:
            try:
                await connector.check(Api(line, access, paths))
            except Failed as failed:
                return failed.result
        return Result("done", 200)

    return asyncio.run(ask())


def _tell_test(engine: Engine) -> Result:
    """Send a callback that says that it is a test, by the code that sends answers. Nothing is stored."""
    connector, now = connector_for(engine.kind), timezone.now()
    callback = Callback(id=uuid7(), engine=engine, body=json.dumps(event_of_test(engine.slug, now)))
    call = connector.prepare(engine, callback, now)

    async def send() -> Result:
        async with EngineClient(outbound_from_settings()) as line:
            return await connector.send(line, call)

    return asyncio.run(send())


def event_of_test(engine: str, now: datetime) -> Json:
    """Return the CloudEvent that says that it is a test: docs/api/callbacks.md."""
    return {
        "specversion": "1.0",
        "id": str(uuid7()),
        "source": "wfpush",
        "type": TEST,
        "time": iso_utc(now),
        "datacontenttype": "application/json",
        "data": {"test": True, "engine": engine},
    }


# --- preview ----------------------------------------------------------------------------------------------------------
def preview(engine: Engine, sample: Sample) -> list[SentRequest]:
    """Return the requests of an answer that the engine accepts at once, made by the real code. Raises Misconfigured."""
    callback = _callback(engine, sample)
    connector = reader_for(engine.kind)
    if connector is None:
        return connector_for(engine.kind).preview(engine, callback, timezone.now())
    recorder = _Recorder(engine, {**connector.paths, **paths_of(engine)})
    result = asyncio.run(connector.tell(recorder, instruction_of(callback, unsure=False)))
    if result.outcome == "misconfigured":
        raise Misconfigured(result.reason)
    return recorder.sent


class _Recorder(Api):
    """Records requests instead of making them, and accepts all."""

    def __init__(self, engine: Engine, paths: Mapping[str, str]) -> None:
        self.paths = paths
        self.sent: list[SentRequest] = []
        self._base = engine.callback_url.rstrip("/")
        self._signing = _signing(engine)

    async def call(
        self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None, **_: Any
    ) -> Reply:
        written = {"Content-Type": "application/json"} if body is not None else {}
        headers = {"Accept": "application/json", **written, **self._signing}
        self.sent.append(SentRequest(method, self._base + path, headers, body))
        return Reply(200, {})


def in_whose_name(engine: Engine) -> InTheNameOf:
    personal = PersonalSignIn.objects.filter(engine=engine).only("mode").first()
    return InTheNameOf(personal.mode) if personal is not None else InTheNameOf.SERVICE


def _signing(engine: Engine) -> dict[str, str]:
    if in_whose_name(engine) != InTheNameOf.SERVICE:
        return {"Authorization": f"Bearer {HIDDEN}"}
    access = EngineAccess.objects.filter(engine=engine).defer("secret", "key").first()
    if access is None or access.auth == AuthKind.NONE:
        return {}
    if access.auth == AuthKind.API_KEY:
        return {access.header: HIDDEN}
    return {"Authorization": f"{'Basic' if access.auth == AuthKind.BASIC else 'Bearer'} {HIDDEN}"}


def _callback(engine: Engine, sample: Sample) -> Callback:
    """Return an unsaved callback."""
    now = timezone.now()
    task = Task(engine=engine, task_id=sample.task_id, kind=sample.task_kind, name="A sample task")
    person = Recipient(ref=sample.ref, name=sample.name, email=f"{sample.ref}@example.org")
    response = Response(
        id=uuid7(),
        task=task,
        recipient=person,
        action=sample.action,
        effect=USUAL_EFFECTS.get(sample.action, "final"),
        comment=sample.comment,
        variables=sample.variables,
        revision=revision_of({"name": task.name}),
        via="inbox",
        at=now,
    )
    body = answer_body.task_responded(response, task, Notification(task=task, recipient=person))
    return Callback(id=response.pk, response=response, engine=engine, task=task, position=1, body=body)
