"""An AppWorks Gateway on loopback. It is strict: its answer says what is wrong with a request."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from notifications.channels.appworks.config import Gateway
from tests.pushlab.background import hosted

Json = dict[str, Any]

KEY = '5f3c/9+b &=ö"<7d1e'
"""A key with awkward characters: every encoding of it differs from the others."""
TYPICAL = {"type", "displayType", "header", "body"}


@dataclass
class Answer:
    """`endless`: a body without end; `silent`: no answer at all."""

    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    endless: bool = False
    silent: bool = False


@dataclass
class FakeGateway:
    """`taken` are (user, message); `answers` are given before a request is checked, the last one for all further
    requests."""

    url: str = ""
    path: str = Gateway.path
    fields: tuple[str, str, str] = ("key", "message", "users")
    answers: list[Answer] = field(default_factory=list)
    taken: list[tuple[str, Json]] = field(default_factory=list)
    asked: list[bytes] = field(default_factory=list)

    def settings(self, **options: Any) -> Gateway:
        return Gateway(self.url, KEY, **options)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.asked.append(body)
        if self.answers:
            return await self._answer(request, self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])
        if request.method != "POST" or request.path_qs != self.path:
            return web.Response(status=404, text=f"Nothing at {request.path_qs}")
        if request.headers["Content-Type"] != "application/x-www-form-urlencoded":
            return web.Response(status=415, text=request.headers["Content-Type"])
        try:
            form = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict")
            given = _once(form)
            key, message, users = (given.pop(name) for name in self.fields)
            said = json.loads(message, object_pairs_hook=_once, parse_constant=_no_number)
        except (ValueError, KeyError) as fault:
            return web.Response(status=400, text=f"Malformed: {fault!r}")
        if key != KEY:
            return web.Response(status=401, text="Unknown key")
        if given or not message.isascii() or TYPICAL - said.keys() or "," in users or not users:
            return web.Response(status=400, text=f"Wrong: {sorted(given)} {sorted(said)} {users}")
        if not all(isinstance(said[name], str) for name in TYPICAL) or said["displayType"] != "show":
            return web.Response(status=400, text="Wrong members")
        self.taken.append((users, said))
        return web.Response()

    async def _answer(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        if answer.silent:
            await asyncio.sleep(60)
        if not answer.endless:
            return web.Response(status=answer.status, text=answer.body, headers=answer.headers)
        response = web.StreamResponse(status=answer.status)
        await response.prepare(request)
        while True:
            await response.write(b"and so on " * 1000)


def _once(pairs: list[tuple[str, Any]]) -> Json:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("twice the same name")
    return made


def _no_number(constant: str) -> None:
    raise ValueError(constant)


@contextmanager
def gateway_on_loopback() -> Iterator[FakeGateway]:
    gateway, application = FakeGateway(), web.Application()
    application.router.add_route("*", "/{path:.*}", gateway.handle)
    with hosted(application) as url:
        gateway.url = url
        yield gateway
