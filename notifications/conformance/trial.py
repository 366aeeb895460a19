"""What the lines share: the product's connector, the sandbox, and the tasks that earlier lines have made."""

import asyncio
import dataclasses
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from notifications.conformance.contract import Differs, NotTried
from notifications.conformance.sandbox import Sandbox
from notifications.connectors.access import Access
from notifications.connectors.api import Api, Failed
from notifications.connectors.base import Result
from notifications.connectors.instructions import EnginePerson, Instruction
from notifications.connectors.rest import Call, RestConnector
from notifications.types import Json
from wfpush.identifiers import uuid7

Value = TypeVar("Value")

TEXT, AMOUNT = "Zoë’s “Grüße”, 価格 <5 €> & 'more'\nsecond line 🎉", 1234.56
PAUSE = 0.05
LONGEST_PAUSE = 1.0


@dataclass(frozen=True)
class OwnTask:
    """A task of the kit. `row`: as the engine wrote it first."""

    id: str
    instance: str
    row: Json


@dataclass
class Trial:
    """`patience`: seconds to wait for what the engine shows late. `limited`: an account that may not complete tasks.
    `assignees`: the engine's names of two people."""

    connector: RestConnector
    sandbox: Sandbox
    paths: Mapping[str, str]
    patience: float
    limited: Access | None = None
    assignees: tuple[str, str] = ("wfpush-kit-1", "wfpush-kit-2")
    due: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1))
    facts: dict[str, Any] = field(default_factory=dict)
    """What a line leaves for those after it."""
    _tasks: dict[str, OwnTask | str] = field(default_factory=dict)

    @property
    def access(self) -> Access:
        return self.sandbox.access

    @property
    def api(self) -> Api:
        return self.api_of(self.access)

    def api_of(self, access: Access) -> Api:
        return Api(self.sandbox.line, access, self.paths)

    async def task(self, purpose: str) -> OwnTask:
        """Return the task for this purpose, which the first call starts. Raises NotTried if it does not appear."""
        if purpose not in self._tasks:
            try:
                self._tasks[purpose] = await self._start()
            except Failed as failed:
                self._tasks[purpose] = failed.result.detail
        task = self._tasks[purpose]
        if isinstance(task, str):
            raise NotTried(f"The kit has no task for it: {task}")
        return task

    async def _start(self) -> OwnTask | str:
        variables = {"kit_due": self.due.isoformat(), "kit_amount": AMOUNT, "kit_text": TEXT}
        instance, tasks = await self.sandbox.open(variables)
        if not tasks and instance:
            tasks = await self.until(lambda: self.sandbox.tasks(instance)) or []
        if not tasks:
            return f"the engine shows no task of a started process within {self.patience:g} seconds."
        return OwnTask(self.connector.listing.id_of(tasks[0]), instance, tasks[0])

    async def until(self, ask: Callable[[], Awaitable[Value]]) -> Value | None:
        """Return the first true answer, or None after `patience` seconds: what engines show may lag."""
        end, pause = time.monotonic() + self.patience, PAUSE
        while not (value := await ask()):
            if time.monotonic() > end:
                return None
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        return value

    async def is_open(self, task: OwnTask) -> bool:
        return (await self.connector.look_up(self.api, task.id)).is_open

    async def has(self, task: OwnTask, user: str) -> None:
        """Raises Differs if the engine does not show this assignee in time."""

        async def is_there() -> bool:
            return (await self.connector.look_up(self.api, task.id)).assignee == user

        if not await self.until(is_there):
            standing = await self.connector.look_up(self.api, task.id)
            raise Differs(f"The engine shows “{standing.assignee}” as the assignee instead of “{user}”.")

    async def tell(self, task: OwnTask, *, access: Access | None = None, **members: Any) -> Result:
        """Send an answer or another instruction as the product does. It acts on tasks of the kit only."""
        if task.id not in self.sandbox.own:
            raise AssertionError(f"{task.id} is no task of the kit")
        approval = {"does": "final", "action": "approve", "outcome": "approved", "answer": str(uuid7())}
        instruction = Instruction(
            **{**approval, "task": task.id, "by": "wfpush-kit", "by_name": "wfpush kit", **members}
        )
        return await self.connector.send(self.sandbox.line, Call(access or self.access, instruction, self.paths))

    async def assign(self, task: OwnTask, user: str, had: str = "") -> Result:
        return await self.tell(task, does="assign", to=_person(user), had=_person(had) if had else None)

    def wrong_secrets(self) -> list[Access]:
        """Return the sign-in with a wrong secret, and for OAuth2 also with a token that the server did not make."""
        wrong = dataclasses.replace(self.access, secret=f"wrong-{uuid7()}")
        if self.access.auth != "oauth2":
            return [wrong]
        return [wrong, dataclasses.replace(wrong, auth="bearer")]


def _person(user: str) -> EnginePerson:
    return EnginePerson(user, user if "@" in user else "")
