"""What the lines share: the product's connector, the sandbox, and the tasks that earlier lines have made."""

import dataclasses
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from notifications.conformance.contract import Differs, Facts, NotTried, Options, Value, until
from notifications.conformance.sandbox import Sandbox
from notifications.connectors.access import Access
from notifications.connectors.api import Api, Failed
from notifications.connectors.base import Result, Standing
from notifications.connectors.instructions import EnginePerson, Instruction
from notifications.connectors.rest import Call, RestConnector
from notifications.types import Json
from wfpush.identifiers import uuid7

TEXT, AMOUNT = "Zoë’s “Grüße”, 価格 <5 €> & 'more'\nsecond line 🎉", 1234.56


@dataclass(frozen=True)
class OwnTask:
    """A task of the kit. `row`: as the engine wrote it first."""

    id: str
    instance: str
    row: Json


@dataclass
class Trial:
    """`due`: when the kit's tasks are due."""

    sandbox: Sandbox
    options: Options
    due: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1))
    facts: Facts = field(default_factory=Facts)
    _tasks: dict[str, OwnTask | str] = field(default_factory=dict)

    @property
    def connector(self) -> RestConnector:
        return self.sandbox.connector

    @property
    def api(self) -> Api:
        return self.sandbox.api_of(self.sandbox.access)

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
            return f"the engine shows no task of a started process within {self.options.patience:g} seconds."
        return OwnTask(self.connector.listing.id_of(tasks[0]), instance, tasks[0])

    async def until(self, ask: Callable[[], Awaitable[Value]]) -> Value | None:
        """Return the first true answer, or None: what engines show may lag."""
        return await until(ask, self.options.patience)

    async def soon(self, ask: Callable[[], Awaitable[Value | None]], otherwise: str) -> Value:
        """Return the first true answer. Raises Differs with these words if there is none in time."""
        value = await self.until(ask)
        if not value:
            raise Differs(otherwise)
        return value

    async def standing(self, task: OwnTask) -> Standing:
        return await self.connector.look_up(self.api, task.id)

    async def has(self, task: OwnTask, user: str) -> None:
        """Raises Differs if the engine does not show this assignee in time."""

        async def is_there() -> bool:
            return (await self.standing(task)).assignee == user

        if not await self.until(is_there):
            holder = (await self.standing(task)).assignee
            raise Differs(f"The engine shows “{holder}” as the assignee instead of “{user}”.")

    async def tell(self, task: OwnTask, *, access: Access | None = None, **members: Any) -> Result:
        """Send an answer or another instruction as the product does. It acts on tasks of the kit only."""
        if task.id not in self.sandbox.own:
            raise AssertionError(f"{task.id} is no task of the kit")
        approval = {"does": "final", "action": "approve", "outcome": "approved", "answer": str(uuid7())}
        instruction = Instruction(
            **{**approval, "task": task.id, "by": "wfpush-kit", "by_name": "wfpush kit", **members}
        )
        call = Call(access or self.sandbox.access, instruction, self.sandbox.paths)
        return await self.connector.send(self.sandbox.line, call)

    async def assign(self, task: OwnTask, user: str, had: str = "") -> Result:
        return await self.tell(task, does="assign", to=_person(user), had=_person(had) if had else None)

    def wrong_secrets(self) -> list[Access]:
        """Return the sign-in with a wrong secret, and for OAuth2 also with a token that the server did not make."""
        wrong = dataclasses.replace(self.sandbox.access, secret=f"wrong-{uuid7()}")
        return [wrong, dataclasses.replace(wrong, auth="bearer")] if wrong.auth == "oauth2" else [wrong]


def _person(user: str) -> EnginePerson:
    return EnginePerson(user, user if "@" in user else "")
