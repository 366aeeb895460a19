"""Takes the events of an engine with webhooks as wfpush does, with the same checks, and stores nothing."""

import hmac
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from notifications.conformance.contract import until
from notifications.connectors import signatures
from notifications.errors import EventIdReused, Failure, NotSigned, UnsupportedMediaType
from notifications.intake import cloudevents
from notifications.types import InboundEvent, Json, object_in, text_in
from wfpush.web.problems import refusal_json

LATER, MUCH_LATER = 1, 60
"""Seconds after which an event comes again."""
MAX_BODY = 1024 * 1024


@dataclass
class Receiver:
    """`mark`: the kit acts only on tasks whose event has this text. `faults`: sentences about events, by kind of fault.

    The first event is refused once with 503, so that it must come again.
    """

    key: str = field(repr=False)
    secret: str = field(repr=False)
    mark: str
    events: list[InboundEvent] = field(default_factory=list)
    faults: dict[str, list[str]] = field(default_factory=dict)
    others: int = 0
    """Number of requests about tasks that are not the kit's; they are told to come later."""
    postponed: set[tuple[str, str]] = field(default_factory=set)
    returned: set[tuple[str, str]] = field(default_factory=set)
    _digests: dict[tuple[str, str], str] = field(default_factory=dict)

    @asynccontextmanager
    async def listening(self, host: str, port: int) -> AsyncIterator[str]:
        """Listen within, at the address that is given. Raises OSError if it is taken."""
        application = web.Application(client_max_size=MAX_BODY)
        application.router.add_post("/{path:.*events}", self._take)
        application.router.add_put("/api/v1/{path:(recipients|teams)/.*}", self._forget)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
            yield "http://{}:{}".format(*runner.addresses[0][:2])
        finally:
            await runner.cleanup()

    def tasks(self) -> dict[str, Json]:
        """Return the data of each open task of the kit by id, as last assigned."""
        tasks: dict[str, Json] = {}
        for event in self.events:
            task = _task_of(event)
            if event.behaviour == "task.assigned":
                tasks[task] = event.data
            elif event.behaviour in ("task.completed", "task.cancelled"):
                tasks.pop(task, None)
        return tasks

    def assignments(self, task: str) -> list[InboundEvent]:
        """Return the events that assigned a task."""
        return [each for each in self.events if each.behaviour == "task.assigned" and _task_of(each) == task]

    async def wait(self, condition: Callable[[], Any], seconds: float) -> bool:
        """Return whether the condition is true in time."""

        async def ask() -> bool:
            return bool(condition())

        return bool(await until(ask, seconds))

    # --- requests ---------------------------------------------------------------------------------
    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        try:
            self._check_sender(request, body)
            events = self._read(request, body)
            if any(self.mark not in json.dumps(event.data, ensure_ascii=False) for event in events):
                self.others += 1
                return _later(429, MUCH_LATER, f"Only events with {self.mark} are taken.")
            self._check_ids(events)
        except Failure as failure:
            kind = {NotSigned: "sign-in", EventIdReused: "ids"}.get(type(failure), "format")
            self._note(kind, _words(failure))
            document = refusal_json(failure)
            return web.json_response(document, status=failure.status, content_type="application/problem+json")
        names = set(map(_name, events))
        if not self.postponed:
            self.postponed = names
            return _later(503, LATER, "The kit asks for this event once more.")
        self.returned |= names & self.postponed
        items = [{"id": event.id, "status": self._store(event)} for event in events]
        if cloudevents.media_type(request.content_type) == cloudevents.BATCH_TYPE:
            return web.json_response({"items": items}, status=202)
        return web.json_response(items[0], status=202 if items[0]["status"] == "accepted" else 200)

    async def _forget(self, request: web.Request) -> web.Response:
        """Accept what an engine says about people."""
        return web.json_response({})

    def _check_sender(self, request: web.Request, body: bytes) -> None:
        """Raises NotSigned unless the request has the key, or a valid signature."""
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        key = request.headers.get("X-API-Key") or bearer
        if key:
            if not hmac.compare_digest(key.encode(), self.key.encode()):
                raise NotSigned("The key is not the one in ENGINE_API_KEY.")
            return
        try:
            signatures.verify([self.secret], request.headers, body, time.time())
        except signatures.SignatureError as error:
            raise NotSigned(f"There is no key, and no valid signature: {error}") from error

    def _read(self, request: web.Request, body: bytes) -> list[InboundEvent]:
        """Raises Failure."""
        mode = cloudevents.mode_of(request.headers.get("Content-Type", ""), request.headers)
        if mode is None:
            raise UnsupportedMediaType(f"Send {cloudevents.STRUCTURED_TYPE} or application/json.")
        if mode == "binary":
            return [cloudevents.binary(request.headers, body)]
        if mode != "batch":
            return [cloudevents.structured(cloudevents.read(body))]
        members = cloudevents.read_batch(body)
        for member in members:
            if member.refused is not None:
                raise member.refused
        return [member.event for member in members if member.event is not None]

    def _check_ids(self, events: list[InboundEvent]) -> None:
        """Raises EventIdReused for an id that came with another content before."""
        for event in events:
            if self._digests.setdefault(_name(event), event.digest) != event.digest:
                raise EventIdReused(f"The id {event.id} came with two different contents.")

    def _store(self, event: InboundEvent) -> str:
        if _name(event) in map(_name, self.events):
            return "duplicate"
        if event.time is None:
            self._note("time", f"The event {event.id} has no time.")
        elif abs(event.time.timestamp() - time.time()) > signatures.TOLERANCE:
            self._note("time", f"The event {event.id} says {event.time.isoformat()}, which is not the present.")
        self.events.append(event)
        return "accepted"

    def _note(self, kind: str, words: str) -> None:
        self.faults.setdefault(kind, []).append(words)


def _name(event: InboundEvent) -> tuple[str, str]:
    return event.source, event.id


def _task_of(event: InboundEvent) -> str:
    return text_in(object_in(event.data, "task"), "id")


def _later(status: int, seconds: int, words: str) -> web.Response:
    return web.json_response({"detail": words}, status=status, headers={"Retry-After": str(seconds)})


def _words(failure: Failure) -> str:
    faults: Iterable[Json] = failure.extra.get("errors", ())
    return " ".join([failure.detail, *(f"{each['pointer']}: {each['detail']}" for each in faults)])
