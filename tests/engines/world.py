"""One engine of a kind, its connector, and the line between them: what each test of this folder speaks with."""

import asyncio
import dataclasses
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from notifications.connectors.access import Access, EngineClient
from notifications.connectors.api import Api, Failed
from notifications.connectors.base import Result
from notifications.connectors.camunda7 import Camunda7
from notifications.connectors.camunda8 import Camunda8
from notifications.connectors.flowable import Flowable
from notifications.connectors.instructions import Instruction
from notifications.connectors.opentext import OpenText
from notifications.connectors.rest import Call, RestConnector
from tests.engines.book import Task
from tests.engines.camunda7 import Camunda7Server
from tests.engines.camunda8 import Camunda8Server
from tests.engines.flowable import FlowableServer
from tests.engines.guards import SECRET, SERVICE, Basic, Guard, Tokens
from tests.engines.opentext import OpenTextServer
from tests.engines.server import EngineServer
from tests.support.engines import LOOPBACK
from wfpush.net.http import Outbound


@dataclass(frozen=True)
class Kind:
    """What tests must know of a kind beforehand. `told_by`: whether it says who had an ended task, and by which answer
    of ours it was completed. `token`: how its tokens are asked for, None where people sign in with a password."""

    connector: RestConnector
    server: Callable[[Guard], EngineServer]
    told_by: bool = True
    comments: bool = False
    delegates: bool = True
    token: tuple[str, str, dict[str, str]] | None = None

    @property
    def name(self) -> str:
        return self.connector.kind


KINDS = (
    Kind(Flowable(), FlowableServer, comments=True),
    Kind(OpenText(), OpenTextServer, told_by=False, token=("json", "/tenants/acme/oauth2/token", {})),
    Kind(Camunda7(), Camunda7Server, comments=True),
    Kind(Camunda8(), Camunda8Server, delegates=False, token=("form", "/oauth/token", {"audience": "zeebe-api"})),
)


def only(chosen: Callable[[Kind], bool]) -> pytest.MarkDecorator:
    """For tests that make sense for some kinds only."""
    some = [kind for kind in KINDS if chosen(kind)]
    return pytest.mark.parametrize("kind", some, ids=[kind.name for kind in some], indirect=True)


def kinds(*names: str) -> pytest.MarkDecorator:
    return only(lambda kind: kind.name in names)


class Clock:
    """Seconds, as the test says."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class World:
    """`engine` is the truth; `line` and `access` are ours."""

    def __init__(self, kind: Kind, engine: Any, line: EngineClient, access: Access, clock: Clock, tokens: Any) -> None:
        self.kind, self.engine, self.line, self.access = kind, engine, line, access
        self.clock, self.tokens = clock, tokens
        self.paths: dict[str, str] = {}
        self._answers = itertools.count(1)

    def open(self, **known: Any) -> Task:
        task: Task = self.engine.book.open(**known)
        return task

    def said(self, task: str, **said: Any) -> Instruction:
        """An approval by Bob, unless the test says otherwise."""
        usual = {"does": "final", "action": "approve", "outcome": "approved", "by": "bob", "by_name": "Bob Builder"}
        return Instruction(**{"answer": f"answer-{next(self._answers)}", "task": task, **usual, **said})

    async def send(
        self, said: Instruction, *, access: Access | None = None, line: EngineClient | None = None
    ) -> Result:
        call = Call(access or self.access, said, {**self.kind.connector.paths, **self.paths})
        return await self.kind.connector.send(line or self.line, call)

    async def tell(self, task: Task, **said: Any) -> Result:
        return await self.send(self.said(task.id, **said))

    @property
    def api(self) -> Api:
        return Api(self.line, self.access, {**self.kind.connector.paths, **self.paths})

    async def failure_of_check(self, **changed: Any) -> Result | None:
        """What the connection test says; None when all is well."""
        access = dataclasses.replace(self.access, **changed)
        try:
            await self.kind.connector.check(Api(self.line, access, self.kind.connector.paths))
        except Failed as failed:
            return failed.result
        return None


@asynccontextmanager
async def world_of(kind: Kind) -> AsyncIterator[World]:
    clock = Clock()
    async with AsyncExitStack() as stack:
        tokens = None
        if kind.token is not None:
            tokens = Tokens(clock, *kind.token)
            await tokens.start()
            stack.push_async_callback(tokens.stop)
        engine = kind.server(tokens or Basic())
        await engine.start()
        stack.push_async_callback(engine.stop)
        line = EngineClient(Outbound(LOOPBACK), clock)
        stack.push_async_callback(line.close)
        yield World(kind, engine, line, _access(kind, engine, tokens), clock, tokens)


def _access(kind: Kind, engine: EngineServer, tokens: Tokens | None) -> Access:
    if tokens is None or kind.token is None:
        return Access(engine.base, "basic", SERVICE, SECRET)
    body, _, wants = kind.token
    signing = {"token_url": tokens.url, "token_body": body, "audience": wants.get("audience", "")}
    return Access(engine.base, "oauth2", SERVICE, SECRET, **signing)


@contextmanager
def running(kind: Kind) -> Iterator[tuple[World, asyncio.Runner]]:
    """A world for a test that is no coroutine, and what runs its coroutines, one after the other."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            yield runner.run(stack.enter_async_context(world_of(kind))), runner
        finally:
            runner.run(stack.aclose())
