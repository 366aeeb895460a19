"""An engine on loopback: a real HTTP server, strict on those who call it, whose faults a test orders one by one."""

import asyncio
import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qsl, unquote

from aiohttp import web

from tests.engines.book import Book, Task
from tests.engines.guards import Guard

Role = Literal["command", "comment", "query"]
HTML = b"<!DOCTYPE html><html><head><title>Proxy</title></head><body><h1>Something is wrong</h1></body></html>"


@dataclass(frozen=True)
class Asked:
    """One request that has been let in. `said` is its JSON body, None without one."""

    who: str
    task: str
    query: dict[str, str]
    said: Any

    def body(self, **types: type | tuple[type, ...]) -> dict[str, Any]:
        """An object with these members and no others, or none of them. Raises Wrong."""
        if not isinstance(self.said, dict):
            raise Wrong(400, "The request's body is not a JSON object")
        return members(self.said, **types)


@dataclass(frozen=True)
class Answer:
    """What the engine answers: JSON, or nothing where `body` is None."""

    status: int
    body: Any = None
    content_type: str = "application/json"


class Wrong(Exception):
    """The engine refuses; each says so in words of its own. `type`: its name for the fault."""

    def __init__(self, status: int, message: str, type: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.type = status, message, type


@dataclass(frozen=True)
class Fault:
    """What becomes of one request of these `roles`: with `acts`, after the engine has done what it was told.

    `status` None closes the connection without a reply. `slow`: the reply begins and never ends.
    """

    status: int | None = None
    body: bytes = HTML
    content_type: str = "text/html"
    headers: dict[str, str] = field(default_factory=dict)
    acts: bool = False
    slow: bool = False
    roles: tuple[Role, ...] = ("command",)


LOST_AFTER = Fault(acts=True)
LOST_BEFORE = Fault(acts=False)


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    role: Role
    handler: Callable[[Any, Asked], Answer]


class EngineServer:
    """What all kinds share. A kind says its routes, its errors, and what somebody must sign in with."""

    prefix: ClassVar[str] = ""
    routes: ClassVar[tuple[Route, ...]] = ()

    def __init__(self, guard: Guard) -> None:
        self.book = Book()
        self.guard = guard
        self.faults: list[Fault] = []
        self.log: list[tuple[str, str]] = []
        """Every request that came in: method and path as they were on the wire."""
        self.peers: set[Any] = set()
        """Of each connection that a request came by, the address at its other end."""
        self.refused: list[tuple[int, str]] = []
        """What callers were to blame for: a wrong body, type or path."""
        self.moved_to: str | None = None
        """Where the interface is now, if somebody has moved it."""
        self.listener: Callable[[str], None] | None = None
        """Called in a thread of its own with the id of each task that a command has completed, before the reply."""
        self.meanwhile: Callable[[], None] | None = None
        """What somebody does in the engine before it carries out the next command. Once."""
        self._leaving = asyncio.Event()

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        self._runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=tls).start()
        port = self._runner.addresses[0][1]
        self.origin = f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"

    async def stop(self) -> None:
        self._leaving.set()
        await self._runner.cleanup()

    async def end_connections(self) -> None:
        """As a server does with those that are idle."""
        assert self._runner.server is not None
        await self._runner.server.shutdown(0)

    @property
    def base(self) -> str:
        return self.origin + self.prefix

    def break_next(self, *faults: Fault) -> None:
        self.faults.extend(faults)

    def calls(self, role: Role) -> int:
        """How many requests of that role came in, whatever became of them."""
        found = (self._find(method, path) for method, path in self.log)
        return sum(route is not None and route.role == role for route, _ in found)

    # --- one request --------------------------------------------------------------------------------
    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        path, _, query = request.raw_path.partition("?")
        self.log.append((request.method, path))
        self.peers.add(request.get_extra_info("peername"))
        route, task = self._find(request.method, path)
        fault = self._fault(route.role if route else "query")
        if route is not None and route.role == "command" and self.meanwhile is not None:
            happens, self.meanwhile = self.meanwhile, None
            happens()
        if fault is None or fault.acts:
            was_open = self.task(task) is not None
            answer = self._answer(request, route, task, query, body)
            if self.listener is not None and was_open and self.task(task) is None:
                await asyncio.to_thread(self.listener, task)
        if fault is not None:
            return await broken(request, fault, self._leaving)
        content = b"" if answer.body is None else json.dumps(answer.body).encode()
        headers = {"Content-Type": answer.content_type} if content else {}
        return web.Response(status=answer.status, body=content, headers=headers)

    def _answer(self, request: web.BaseRequest, route: Route | None, task: str, query: str, body: bytes) -> Answer:
        who = self.guard.who(request.headers)
        if who is None:
            return self.unauthorised()
        if route is None:
            self.refused.append((404, request.raw_path))
            return self.no_such_path(request.raw_path)
        try:
            said = _parse(request.headers.get("Content-Type", ""), body)
            return route.handler(self, Asked(who, task, dict(parse_qsl(query, keep_blank_values=True)), said))
        except Wrong as wrong:
            if wrong.status in (400, 415):
                self.refused.append((wrong.status, wrong.message))
            return self.error(wrong)

    def _find(self, method: str, path: str) -> tuple[Route | None, str]:
        """By the parts of the path as they were sent: an encoded slash divides nothing."""
        prefix = self.prefix if self.moved_to is None else self.moved_to
        if not path.startswith(prefix + "/"):
            return None, ""
        parts = path.removeprefix(prefix).split("/")
        for route in self.routes:
            wanted = route.path.split("/")
            if route.method == method and len(wanted) == len(parts):
                pairs = list(zip(wanted, parts, strict=True))
                if all(want == part or (want == "{task}" and part) for want, part in pairs):
                    return route, next((unquote(part) for want, part in pairs if want == "{task}"), "")
        return None, ""

    def _fault(self, role: Role) -> Fault | None:
        if self.faults and role in self.faults[0].roles:
            return self.faults.pop(0)
        return None

    def task(self, id: str) -> Task | None:
        """One that is open."""
        found = self.book.tasks.get(id)
        return found if found is not None and found.is_open else None

    # --- what kinds say -----------------------------------------------------------------------------
    def error(self, wrong: Wrong) -> Answer:
        raise NotImplementedError

    def unauthorised(self) -> Answer:
        raise NotImplementedError

    def no_such_path(self, path: str) -> Answer:
        raise NotImplementedError


async def broken(request: web.BaseRequest, fault: Fault, leaving: asyncio.Event) -> web.StreamResponse:
    """The reply that comes of a fault, if one comes. What is slow ends with the server."""
    if fault.slow:
        response = web.StreamResponse(status=fault.status or 200, headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"{")
        await leaving.wait()
        return response
    if fault.status is None:
        assert request.transport is not None
        request.transport.close()
        return web.Response()
    headers = {"Content-Type": fault.content_type, **fault.headers}
    return web.Response(status=fault.status, body=fault.body, headers=headers)


def members(said: dict[str, Any], **types: type | tuple[type, ...]) -> dict[str, Any]:
    """Raises Wrong for members that are not among these, or of another type. JSON's true is no number."""
    for name, value in said.items():
        if name not in types:
            raise Wrong(400, f"Unrecognized field '{name}'")
        wanted = types[name] if isinstance(types[name], tuple) else (types[name],)
        if type(value) not in wanted:  # type: ignore[operator]
            raise Wrong(400, f"The field '{name}' is of a wrong type")
    return said


def _parse(content_type: str, body: bytes) -> Any:
    if not body:
        return None
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise Wrong(415, f"Content type '{content_type}' not supported")
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except ValueError:
        raise Wrong(400, "The request's body is not JSON") from None


def _no_constant(name: str) -> None:
    raise ValueError(name)
