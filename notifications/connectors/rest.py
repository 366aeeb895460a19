"""The base of all kinds of engines with a REST interface."""

import asyncio
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from notifications.connectors import reasons
from notifications.connectors.access import Access, EngineClient, PersonsTokens
from notifications.connectors.api import MOST_DETAIL, Api, Failed
from notifications.connectors.base import Connector, Misconfigured, Result, Standing
from notifications.connectors.instructions import EnginePerson, Instruction, instruction_of
from notifications.connectors.listing import Listing
from notifications.models import AuthKind, Callback, Engine, EngineAccess
from notifications.reasons import NOTHING, Reason
from notifications.types import Json
from wfpush.crypto import UndecryptableSecret

PRIORITY = "(priority >= `75` && 'urgent') || (priority > `50` && 'high') || (priority < `50` && 'low') || 'normal'"
"""Expression for presets: an engine's `priority` of 0 to 100, 50 being usual, as one of our priorities."""

WITHIN = 30.0
"""Seconds for all requests of one answer: less than the lease of callbacks (notifications/engines/callback.py)."""


UNKNOWN = Standing(False, is_known=False)


# --- connectors -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Call:
    """The data of one call, read from the database. `acting`: the person's own account, if the answer is given in their
    name. Reading uses `access` unless that has no sign-in."""

    access: Access
    instruction: Instruction
    paths: Mapping[str, str]
    acting: Access | None = None
    within: float = WITHIN
    """Seconds that are left for its requests."""

    @property
    def reading(self) -> Access:
        return self.acting if self.acting is not None and self.access.auth == "none" else self.access


class RestConnector(Connector):
    """Base of the kinds with a REST interface. A kind says how its engine is called. Recovery after a lost reply, and
    checks of the record, are here."""

    sign_ins = tuple(AuthKind.values)
    address_example: ClassVar[str] = "https://host/api"
    """The usual form of the root address of its interface."""
    token_example: ClassVar[str] = ""
    """The usual address of its token server, if there is one."""
    listing: Listing
    """The list of its open tasks."""
    lags: ClassVar[bool] = False
    """True if its queries may lag behind its commands."""
    paths: ClassVar[Mapping[str, str]] = {}
    """Paths that the engine's documentation does not confirm: an administrator may change them."""

    def way_to(self, engine: Engine) -> tuple[Access, Mapping[str, str]]:
        """Return the engine's credentials and paths. Raises UndecryptableSecret."""
        return access_of(engine), {**self.paths, **paths_of(engine)}

    def prepare(self, engine: Engine, callback: Callback, now: datetime, tokens: PersonsTokens | None = None) -> Call:
        """Return the call for a callback. Raises Misconfigured."""
        try:
            access, paths = self.way_to(engine)
        except UndecryptableSecret as fault:
            raise Misconfigured(str(fault)) from fault
        acting = access.of_person(tokens) if tokens is not None else None
        return Call(access, instruction_of(callback, unsure=callback.in_doubt), paths, acting)

    async def send(self, line: EngineClient, call: Call) -> Result:
        """Make the call within `call.within` seconds: after that another worker may try."""
        api = Api(line, call.reading, call.paths, acting=call.acting, trace=call.instruction.trace)
        try:
            async with asyncio.timeout(call.within):
                return await self.tell(api, call.instruction)
        except TimeoutError:
            return Result("later", None, reasons.TOO_SLOW(seconds=f"{call.within:.0f}"), unsure=True, down=True)

    async def tell(self, api: Api, instruction: Instruction) -> Result:
        """Act once, as far as that can be known: a try that may have acted is looked up before it is repeated."""
        try:
            earlier = await self._of_earlier_try(api, instruction) if instruction.unsure else None
            result = earlier or await self._do(api, instruction)
        except Failed as failed:
            result = failed.result
        if result.outcome in ("later", "misconfigured") and (instruction.unsure or api.may_have_acted):
            return dataclasses.replace(result, unsure=True)  # for the next try, whatever failed in this one
        return result

    async def _of_earlier_try(self, api: Api, instruction: Instruction) -> Result | None:
        """Return the result of an earlier try, or None if only repeating the command can tell. The engine refuses a
        command for a finished task, while queries may lag behind, or have a wrong path. Raises Failed."""
        try:
            standing = await self.look_up(api, instruction.task)
        except Failed as failed:
            if failed.result.outcome == "misconfigured":
                return None
            raise
        return None if standing.is_open or not standing.is_known else ended(standing, instruction)

    async def _do(self, api: Api, instruction: Instruction) -> Result:
        if instruction.does == "final":
            return await self.complete(api, instruction)
        if instruction.does == "late":
            return await self.late(api, instruction)
        if instruction.to is not None:
            return await self.hand_over(api, instruction, instruction.to)
        return await self.remark(api, instruction)

    async def hand_over(self, api: Api, instruction: Instruction, to: EnginePerson) -> Result:
        """Give the task to `to`, if its assignee is still the one that we know: somebody who got it in the engine since
        then keeps it. Raises Failed."""
        standing = await self.look_up(api, instruction.task)
        if settled := result_if_settled(standing, instruction, to):
            return settled
        if not standing.is_known and not self.lags:
            return dataclasses.replace(await self.result_if_over(api, instruction, standing, 404), standing=standing)
        user = self.user_of(to, standing.assignee)
        attempt = await (self.assign if standing.assignee else self.claim)(api, instruction.task, user)
        if attempt is not None:
            return dataclasses.replace(attempt, standing=Standing(True, user)) if attempt.outcome == "done" else attempt
        standing = await self.look_up(api, instruction.task)  # somebody has just taken or ended it
        since = instruction if self.lags else dataclasses.replace(instruction, had=None)
        return result_if_settled(standing, since, to) or Result("later", None, reasons.CHANGING())

    def user_of(self, person: EnginePerson, holder: str) -> str:
        """Return the engine's name for a person: their e-mail address if `holder` is one."""
        return person.email if "@" in holder and person.email else person.ref

    async def result_if_gone(self, api: Api, instruction: Instruction, status: int) -> Result:
        """Return the result for a task that the engine no longer has, with its last assignee. Raises Failed."""
        try:
            standing = await self.look_up(api, instruction.task)
        except Failed as failed:
            if failed.result.outcome != "misconfigured":
                raise
            standing = UNKNOWN
        if standing.is_open:
            return Result("later", status, reasons.SHOWS_IT_OPEN())
        return await self.result_if_over(api, instruction, standing, status)

    async def result_if_over(self, api: Api, instruction: Instruction, standing: Standing, status: int) -> Result:
        """Return the result for a finished task, after a check of the address if the task is unknown. Raises Failed."""
        if not standing.is_known:
            await self.check(api)  # a wrong address answers the same for every task
        return ended(standing, instruction, status)

    async def result_if_missing(self, api: Api, status: int) -> Result:
        """Return the result for a task that no longer exists, whoever ended it. Raises Failed."""
        await self.check(api)
        return Result("handled", status)

    async def read(self, api: Api, task: str) -> Standing:
        """Return a task's state. A task that the engine itself does not know counts as ended. Raises Failed."""
        standing = await self.look_up(api, task)
        if not standing.is_known:
            await self.check(api)
        return standing

    # --- methods that kinds implement -------------------------------------------------------------
    async def complete(self, api: Api, instruction: Instruction) -> Result:
        """Complete the task. Raises Failed."""
        raise NotImplementedError

    async def remark(self, api: Api, instruction: Instruction) -> Result:
        """Add a remark, such as a question, for people who look at the task in the engine. Raises Failed.

        Engines without a place for remarks are not called: remarks stay here.
        """
        return Result("done", None, reasons.NO_PLACE())

    async def late(self, api: Api, instruction: Instruction) -> Result:
        """Tell the engine that the task runs late, for an SLA step. Raises Failed."""
        return await self.remark(api, instruction)

    async def look_up(self, api: Api, task: str) -> Standing:
        """Return the state of a task; UNKNOWN when the engine says that it has no such task. Raises Failed."""
        raise NotImplementedError

    async def open_row(self, api: Api, task: str) -> Json | None:
        """Return an open task as the engine writes it, mostly without its variables. None for one that is over, or that
        the engine says it does not have. Raises Failed."""
        raise NotImplementedError

    async def assign(self, api: Api, task: str, user: str) -> Result:
        """Assign the task, even if somebody has it. Raises Failed."""
        raise NotImplementedError

    async def claim(self, api: Api, task: str, user: str) -> Result | None:
        """Assign an unassigned task; None where somebody else was faster. Raises Failed."""
        raise NotImplementedError

    async def check(self, api: Api) -> None:
        """Test address and credentials. Raises Failed."""
        raise NotImplementedError


def ended(standing: Standing, instruction: Instruction, status: int | None = None) -> Result:
    """Return the result for a finished task: done if this answer, whose reply was lost, has ended it. The assignee need
    not be the one who ended it, and a later answer in the same process may have replaced ours."""
    if instruction.answer in standing.answers:
        return Result("done", status, reasons.HAD_ACTED())
    if standing.cancelled:
        return Result("handled", status, reasons.HAS_CANCELLED())
    return Result("handled", status, _how(standing.assignee[:MOST_DETAIL], instruction))


def _how(holder: str, instruction: Instruction) -> Reason:
    if instruction.unsure and instruction.does == "final":
        return reasons.ENDED_THERE_SOMEHOW(name=holder) if holder else reasons.ENDED_SOMEHOW()
    return reasons.ENDED_THERE(name=holder) if holder else NOTHING


def result_if_settled(standing: Standing, instruction: Instruction, to: EnginePerson) -> Result | None:
    """Return the result for a task that need not, or must not, be given to `to` any more; None for any other."""
    if standing.is_known and not standing.is_open:
        return dataclasses.replace(ended(standing, instruction), standing=standing)
    if to.is_called(standing.assignee):
        return Result("done", None, reasons.HAS_IT(name=standing.assignee[:MOST_DETAIL]), standing=standing)
    if standing.assignee and not (instruction.had is not None and instruction.had.is_called(standing.assignee)):
        meanwhile = reasons.HAS_IT_MEANWHILE(name=standing.assignee[:MOST_DETAIL])
        return Result("handled", None, meanwhile, standing=standing)
    return None


# --- from the database ------------------------------------------------------------------------------------------------
def access_of(engine: Engine) -> Access:
    """Return the engine's address and credentials. Raises UndecryptableSecret."""
    row = EngineAccess.objects.filter(engine=engine).first()
    if row is None:
        return Access(engine.callback_url)
    names = {field.name for field in dataclasses.fields(Access)} - {"base", "tokens"}
    return Access(engine.callback_url, **{name: getattr(row, name) for name in names})


def paths_of(engine: Engine) -> dict[str, str]:
    row = EngineAccess.objects.filter(engine=engine).only("paths").first()
    return row.paths if row is not None else {}
