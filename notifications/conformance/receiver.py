"""Takes the events of an engine with webhooks as wfpush does, with the same checks, and stores nothing."""

import asyncio
import hmac
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from notifications.connectors import signatures
from notifications.errors import EventIdReused, Failure, InvalidEvent, NotSigned, UnsupportedMediaType
from notifications.intake import cloudevents
from notifications.types import InboundEvent, Json, object_in, text_in
from wfpush.web.problems import refusal_json

LATER = {"Retry-After": "1"}
MUCH_LATER = {"Retry-After": "60"}
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

    async def listen(self, host: str, port: int) -> web.AppRunner:
        """Raises OSError if the address is taken."""
        application = web.Application(client_max_size=MAX_BODY)
        application.router.add_post("/{path:.*events}", self._take)
        application.router.add_put("/api/v1/{path:(recipients|teams)/.*}", self._forget)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, host, port).start()
        return runner

    def tasks(self) -> dict[str, Json]:
        """Return the data of each open task of the kit by id, as last assigned."""
        tasks: dict[str, Json] = {}
        for event in self.events:
            task = text_in(object_in(event.data, "task"), "id")
            if event.behaviour == "task.assigned":
                tasks[task] = event.data
            elif event.behaviour in ("task.completed", "task.cancelled"):
                tasks.pop(task, None)
        return tasks

    def source_of(self, task: str) -> tuple[Json, int]:
        """Return id and source of the event that last assigned a task, and how many events did."""
        assigned = [each for each in self.events if each.behaviour == "task.assigned" and _task_of(each) == task]
        return {"id": assigned[-1].id, "source": assigned[-1].source}, len(assigned)

    async def wait(self, condition: Callable[[], Any], patience: float) -> bool:
        """Return whether the condition is true within `patience` seconds."""
        end = time.monotonic() + patience
        while not condition():
            if time.monotonic() > end:
                return False
            await asyncio.sleep(0.05)
        return True

    # --- requests ---------------------------------------------------------------------------------
    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        try:
            self._check_sender(request, body)
            events = self._read(request, body)
        except Failure as failure:
            self._note("sign-in" if isinstance(failure, NotSigned) else "format", _words(failure))
            return _problem(failure)
        if any(self.mark not in json.dumps(event.data, ensure_ascii=False) for event in events):
            self.others += 1
            return web.json_response(
                {"detail": f"Only events with {self.mark} are taken."}, status=429, headers=MUCH_LATER
            )
        names = {(event.source, event.id) for event in events}
        if not self.postponed:
            self.postponed = names
            self._digests |= {(event.source, event.id): event.digest for event in events}
            return web.json_response({"detail": "The kit asks for this event once more."}, status=503, headers=LATER)
        self.returned |= names & self.postponed
        try:
            statuses = [self._store(event) for event in events]
        except EventIdReused as failure:
            self._note("ids", failure.detail)
            return _problem(failure)
        items = [{"id": event.id, "status": status} for event, status in zip(events, statuses, strict=True)]
        if cloudevents.media_type(request.content_type) == cloudevents.BATCH_TYPE:
            return web.json_response({"items": items}, status=202)
        return web.json_response(items[0], status=202 if statuses[0] == "accepted" else 200)

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

    def _store(self, event: InboundEvent) -> str:
        """Raises EventIdReused."""
        name = (event.source, event.id)
        if self._digests.setdefault(name, event.digest) != event.digest:
            raise EventIdReused(f"The id {event.id} came with two different contents.")
        if any((each.source, each.id) == name for each in self.events):
            return "duplicate"
        if event.time is None:
            self._note("time", f"The event {event.id} has no time.")
        elif abs(event.time.timestamp() - time.time()) > signatures.TOLERANCE:
            self._note("time", f"The event {event.id} says {event.time.isoformat()}, which is not the present.")
        self.events.append(event)
        return "accepted"

    def _note(self, kind: str, words: str) -> None:
        self.faults.setdefault(kind, []).append(words)


def _task_of(event: InboundEvent) -> str:
    return text_in(object_in(event.data, "task"), "id")


def _words(failure: Failure) -> str:
    faults: Iterable[Json] = failure.extra.get("errors", ()) if isinstance(failure, InvalidEvent) else ()
    return " ".join([failure.detail, *(f"{each['pointer']}: {each['detail']}" for each in faults)])


def _problem(failure: Failure) -> web.Response:
    return web.json_response(refusal_json(failure), status=failure.status, content_type="application/problem+json")
