"""Engines that are told by their own REST interface: what all of them share."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal, cast
from urllib.parse import quote, urlencode

from django.db.models import Q

from notifications.connectors.access import Access, AccessRefused, Line
from notifications.connectors.base import Misconfigured, Result
from notifications.models import Callback, Engine, EngineAccess
from notifications.types import Json
from wfpush.crypto import UndecryptableSecret
from wfpush.http import OutboundError, Response, parse_retry_after

Does = Literal["final", "acknowledge", "request_info", "late"]

ANSWER, OUTCOME, BY, COMMENT = "wfpush_answer", "wfpush_outcome", "wfpush_by", "wfpush_comment"
"""Variables that every completed task gets: the answer's id, by which it is known again after a lost reply; what it is
called in the engine; who gave it; and what they wrote."""

MOST_DETAIL = 300
WITHIN = 30.0
"""Seconds for all that one answer needs: less than the lease of callbacks (notifications/callback.py)."""
BUSY = (408, 425, 429, 502, 503, 504)


@dataclass(frozen=True)
class Said:
    """What the engine is to be told. `unsure`: an earlier try may have acted, so the task is read first."""

    answer: str
    task: str
    does: Does
    action: str = ""
    outcome: str = ""
    comment: str = ""
    variables: Json = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    by: str = ""
    by_name: str = ""
    unsure: bool = False

    @property
    def all_variables(self) -> Json:
        said = {ANSWER: self.answer, OUTCOME: self.outcome, BY: self.by}
        return {**said, **({COMMENT: self.comment} if self.comment else {}), **self.variables}

    @property
    def remark(self) -> str:
        """The same as a comment for people who look at the task in the engine."""
        if self.does == "late":
            return self.comment
        words = {"acknowledge": "has seen this", "request_info": "asks"}
        says = words.get(self.does, f"answered {self.outcome or self.action}")
        return f"{self.by_name or self.by} {says}{': ' + self.comment if self.comment else ''}"


@dataclass(frozen=True)
class Standing:
    """A task as the engine has it. `by`: who has ended it, `answer`: by which answer of ours, where that is known."""

    is_open: bool
    assignee: str = ""
    by: str = ""
    answer: str = ""
    delegated: bool = False


@dataclass(frozen=True)
class Reply:
    status: int
    body: Any
    """JSON; None for anything else."""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def member(self, *names: str) -> str:
        """The first of these members that is text."""
        said = self.body if isinstance(self.body, dict) else {}
        return next((said[name] for name in names if isinstance(said.get(name), str)), "")[:MOST_DETAIL]


class Failed(Exception):
    """The call came to nothing; `result` says how to go on."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.detail)
        self.result = result


class Api:
    """One engine's REST interface, signed in. What stands for the engine itself is told apart here: calls raise Failed
    where it cannot be reached, is busy, or does not know us. Other answers are the connector's to read."""

    def __init__(self, line: Line, access: Access, paths: Mapping[str, str] = {}) -> None:
        self._line = line
        self._access = access
        self.paths = paths

    async def call(self, method: str, path: str, said: Any = None, query: Mapping[str, str] | None = None) -> Reply:
        """Raises Failed."""
        url = self._access.base.rstrip("/") + path + (f"?{urlencode(query)}" if query else "")
        body = b"" if said is None else json.dumps(said, ensure_ascii=False).encode()
        headers = {"Accept": "application/json", **({"Content-Type": "application/json"} if body else {})}
        try:
            response = await self._line.request(self._access, method, url, body=body, headers=headers)
        except OutboundError as fault:
            acts = method != "GET"
            raise Failed(
                Result(
                    "misconfigured" if fault.permanent else "later",
                    None,
                    fault.detail,
                    unsure=acts and fault.may_have_arrived,
                    down=not fault.permanent,
                )
            ) from fault
        except AccessRefused as fault:
            raise Failed(Result("later" if fault.later else "misconfigured", None, fault.detail)) from fault
        return _read(response, acts=method != "GET")


def _read(response: Response, *, acts: bool) -> Reply:
    """Raises Failed."""
    status = response.status
    reply = Reply(status, _json(response))
    if status in BUSY:
        wait = parse_retry_after(response.headers.get("Retry-After"), time.time())
        unsure = acts and status in (502, 504)  # somebody before the engine gave up waiting for it
        raise Failed(Result("later", status, f"The engine answered {status}.", wait, unsure=unsure, down=True))
    if status in (401, 403):
        why = reply.member("message", "detail", "error_description", "error")
        raise Failed(Result("misconfigured", status, f"The engine does not let us in ({status}). {why}".strip()))
    if 300 <= status < 400:
        raise Failed(Result("misconfigured", status, f"The engine's address points elsewhere ({status}). Correct it."))
    return reply


def _json(response: Response) -> Any:
    if response.truncated:
        return None
    try:
        return json.loads(response.body)
    except (ValueError, RecursionError):
        return None


# --- connectors -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Call:
    """What one callback needs, read from the database."""

    access: Access
    said: Said
    paths: Mapping[str, str]


class RestConnector:
    """Kinds say how their engine is told; how a lost reply is made good, and what is wrong with a record, is here."""

    kind: ClassVar[str]
    label: ClassVar[str]
    paths: ClassVar[Mapping[str, str]] = {}
    """Paths that no document of the engine confirms: an administrator may set others."""

    def prepare(self, engine: Engine, callback: Callback, now: datetime) -> Call:
        """Raises Misconfigured."""
        try:
            access = access_of(engine)
        except UndecryptableSecret as fault:
            raise Misconfigured(str(fault)) from fault
        unsure = callback.attempt_log.filter(Q(ended_at=None) | Q(unsure=True)).exists()
        return Call(access, said_by(callback, unsure=unsure), paths_of(engine))

    async def send(self, line: Line, call: Call) -> Result:
        """Within WITHIN, however many calls it takes: afterwards somebody else may try."""
        api = Api(line, call.access, {**self.paths, **call.paths})
        try:
            async with asyncio.timeout(WITHIN):
                return await self.tell(api, call.said)
        except TimeoutError:
            detail = f"The engine did not do its part within {WITHIN:g} seconds."
            return Result("later", None, detail, unsure=True, down=True)

    async def tell(self, api: Api, said: Said) -> Result:
        """Once, as far as the engine lets anybody know: what may have acted is looked up before it is repeated."""
        try:
            if said.unsure:
                standing = await self.read(api, said.task)
                if not standing.is_open:
                    return ended(standing, said)
            return await self._do(api, said)
        except Failed as failed:
            return failed.result

    async def _do(self, api: Api, said: Said) -> Result:
        if said.does == "final":
            return await self.complete(api, said)
        if said.does == "late":
            return await self.late(api, said)
        return await self.remark(api, said)

    async def gone(self, api: Api, said: Said, status: int) -> Result:
        """The engine has no such task any more: who has ended it, as far as it tells."""
        try:
            standing = await self.read(api, said.task)
        except Failed:
            return Result("handled", status, "")
        if standing.is_open:
            return Result("later", status, "The engine does not find the task, and shows it as open.")
        return ended(standing, said, status)

    # --- what kinds say ---------------------------------------------------------------------------
    async def complete(self, api: Api, said: Said) -> Result:
        """Raises Failed."""
        raise NotImplementedError

    async def remark(self, api: Api, said: Said) -> Result:
        """Acknowledged, or asked: for whoever looks at the task in the engine. Raises Failed."""
        raise NotImplementedError

    async def late(self, api: Api, said: Said) -> Result:
        """An SLA step tells that the task runs late. Raises Failed."""
        return await self.remark(api, said)

    async def read(self, api: Api, task: str) -> Standing:
        """Raises Failed; a task that the engine has never had counts as ended."""
        raise NotImplementedError

    async def assign(self, api: Api, task: str, user: str) -> Result:
        """Give it to somebody, whoever has it. Raises Failed."""
        raise NotImplementedError

    async def check(self, api: Api) -> None:
        """Whether address and credentials work. Raises Failed."""
        raise NotImplementedError


def ended(standing: Standing, said: Said, status: int | None = None) -> Result:
    """Of a task that is over: by this very answer, whose reply was lost, or by somebody else."""
    if standing.answer == said.answer:
        return Result("done", status, "Its first reply was lost; the engine had acted.")
    if said.unsure and not standing.answer and not standing.by:
        return Result("handled", status, "The engine has ended the task. Whether by this answer, it does not say.")
    return Result("handled", status, f"Ended in the engine by {standing.by}." if standing.by else "")


def unexpected(reply: Reply) -> Failed:
    """What an answer means that the engine's documentation does not have."""
    why = reply.member("message", "detail", "title", "exception")
    if reply.status >= 500:
        return Failed(Result("later", reply.status, f"The engine failed ({reply.status}). {why}".strip()))
    if reply.body is None:
        sentence = f"{reply.status}, and not in the engine's words: is the address right?"
        return Failed(Result("misconfigured", reply.status, sentence))
    return Failed(Result("misconfigured", reply.status, f"The engine answered {reply.status}. {why}".strip()))


def part(text: str) -> str:
    """As one part of a path."""
    return quote(text, safe="")


# --- from our books ---------------------------------------------------------------------------------------------------
def access_of(engine: Engine) -> Access:
    """Raises UndecryptableSecret."""
    row = EngineAccess.objects.filter(engine=engine).first()
    if row is None:
        return Access(engine.callback_url)
    return Access(
        base=engine.callback_url,
        auth=row.auth,
        name=row.name,
        secret=row.secret,
        header=row.header,
        token_url=row.token_url,
        token_body=row.token_body,
        scope=row.scope,
        audience=row.audience,
        certificate=row.certificate,
        key=row.key,
    )


def paths_of(engine: Engine) -> dict[str, str]:
    row = EngineAccess.objects.filter(engine=engine).only("paths").first()
    return row.paths if row is not None else {}


def said_by(callback: Callback, *, unsure: bool) -> Said:
    """Raises Misconfigured."""
    try:
        data: Json = json.loads(callback.body)["data"]
        task = data["task_id"]
    except (ValueError, KeyError, TypeError) as fault:
        raise Misconfigured("What is to be told cannot be read any more.") from fault
    if callback.response is None:
        late = f"Runs late, by the policy “{data['policy']}”: it was due on {data['due_at']}."
        return Said(str(callback.pk), task, "late", comment=late, unsure=unsure)
    by = data["responded_by"]
    return Said(
        answer=str(callback.pk),
        task=task,
        does=cast(Does, callback.response.effect),
        action=data["action"],
        outcome=data["outcome"],
        comment=data["comment"],
        variables=data["variables"],
        types=data.get("types", {}),
        by=by["ref"],
        by_name=by["name"],
        unsure=unsure,
    )
