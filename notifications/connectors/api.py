"""One engine's REST interface, as connectors speak with it: requests, replies, and what all engines' failures mean."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from notifications.connectors.access import Access, AccessRefused, Line, hide
from notifications.connectors.base import Outcome, Result
from notifications.types import Json
from wfpush.net.http import OutboundError, Response, parse_retry_after

MOST_DETAIL = 300
BUSY = (408, 425, 429, 502, 503, 504)


@dataclass(frozen=True)
class Reply:
    """`acts`: of a request that changes something. `secrets` are never repeated."""

    status: int
    body: Any
    """JSON; None for anything else."""
    acts: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)
    is_worded: bool = False
    by_person: bool = False
    """In somebody's own name, not in ours."""

    @property
    def taken(self) -> bool:
        """As most engines say it: without a word. Gateways that say 200 to everything add some of their own."""
        return self.ok and not self.is_worded

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def object(self) -> Json:
        """The body; empty when it is no object."""
        return self.body if isinstance(self.body, dict) else {}

    def member(self, *names: str) -> str:
        """The first of these members that is text."""
        text = next((self.object[name] for name in names if isinstance(self.object.get(name), str)), "")
        return hide(text, self.secrets)[:MOST_DETAIL]


class Failed(Exception):
    """The call came to nothing; `result` says how to go on."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.detail)
        self.result = result


class Api:
    """One engine's REST interface, signed in. What stands for the engine itself is told apart here: calls raise Failed
    where it cannot be reached, is busy, does not know us, or is no engine at all. Other answers are the connector's to
    read. `may_have_acted`: by a request that changes something, and was not plainly refused. `acting`: in whose name
    it is changed, where that is not who reads."""

    may_have_acted = False

    def __init__(
        self, line: Line, access: Access, paths: Mapping[str, str] = {}, *, acting: Access | None = None
    ) -> None:
        self._line = line
        self._access = access
        self._acting = acting or access
        self.paths = paths

    async def call(
        self,
        method: str,
        path: str,
        said: Any = None,
        query: Mapping[str, str] | None = None,
        *,
        acts: bool | None = None,
        may_be_refused: bool = False,
    ) -> Reply:
        """Raises Failed. `acts`: whether it changes something, as all do that are no GET. With `may_be_refused`, 403 in
        the engine's words is an answer like others."""
        acts = method != "GET" if acts is None else acts
        access = self._acting if acts else self._access
        try:
            response = await self._send(access, method, path, said, query)
        except OutboundError as fault:
            unsure = acts and fault.may_have_arrived
            outcome: Outcome = "misconfigured" if fault.permanent else "later"
            raise Failed(Result(outcome, None, fault.detail, unsure=unsure, down=not fault.permanent)) from fault
        except AccessRefused as fault:
            outcome = "later" if fault.later else "misconfigured"
            of_person = access.tokens is not None
            down = fault.later and not of_person
            raise Failed(Result(outcome, None, fault.detail, fault.wait, down=down, silent=of_person)) from fault
        secrets = self._line.secrets(access)
        by_person = access.tokens is not None
        reply = Reply(response.status, _json(response), acts, secrets, bool(response.body), by_person)
        self.may_have_acted = self.may_have_acted or (acts and (reply.ok or reply.status >= 500))
        _check(reply, response, may_be_refused=may_be_refused)
        return reply

    async def _send(
        self, access: Access, method: str, path: str, said: Any, query: Mapping[str, str] | None
    ) -> Response:
        url = access.base.rstrip("/") + path + (f"?{urlencode(query)}" if query else "")
        try:
            body = b"" if said is None else json.dumps(said, ensure_ascii=False, allow_nan=False).encode()
        except ValueError as fault:
            raise Failed(Result("misconfigured", None, "What is to be told cannot be written as JSON.")) from fault
        headers = {"Accept": "application/json", **({"Content-Type": "application/json"} if body else {})}
        return await self._line.request(access, method, url, body=body, headers=headers)


def _check(reply: Reply, response: Response, *, may_be_refused: bool) -> None:
    """Raises Failed."""
    status = reply.status
    if status in BUSY:
        wait = parse_retry_after(response.headers.get("Retry-After"), time.time())
        unsure = reply.acts and status >= 500  # of a proxy that has lost the engine, which may go on
        raise Failed(Result("later", status, f"The engine answered {status}.", wait, unsure=unsure, down=True))
    if status == 401 or (status == 403 and not (may_be_refused and reply.object)):
        raise not_let_in(reply)
    if 300 <= status < 400:
        raise Failed(Result("misconfigured", status, f"The engine's address points elsewhere ({status}). Correct it."))
    if status < 500 and reply.body is None and response.body and not _is_long_json(response):
        raise unexpected(reply)  # a page: whoever wrote it, it was not the engine


def _is_long_json(response: Response) -> bool:
    """As far as the beginning of an answer shows, whose end was not read."""
    return response.truncated and response.body.lstrip()[:1] in (b"{", b"[")


def _json(response: Response) -> Any:
    if response.truncated:
        return None
    try:
        return json.loads(response.body)
    except (ValueError, RecursionError):
        return None


# --- words ---
def not_let_in(reply: Reply) -> Failed:
    """A person whom the engine knows and lets do no such thing is refused: somebody else may do it."""
    why = reply.member("message", "detail", "error_description", "error")
    if reply.by_person and reply.status == 403 and reply.object:
        return Failed(Result("refused", reply.status, f"Their account may not do this in the engine. {why}".strip()))
    return Failed(
        Result("misconfigured", reply.status, f"The engine does not let us in ({reply.status}). {why}".strip())
    )


def unexpected(reply: Reply) -> Failed:
    """What an answer means that the engine's documentation does not have."""
    why = reply.member("message", "detail", "title", "exception")
    if reply.status >= 500:
        sentence = f"The engine failed ({reply.status}). {why}".strip()
        return Failed(Result("later", reply.status, sentence, unsure=reply.acts))
    if reply.body is None:
        sentence = f"{reply.status}, and not in the engine's words: is the address right?"
        return Failed(Result("misconfigured", reply.status, sentence, unsure=reply.acts and reply.ok))
    sentence = f"The engine answered {reply.status}. {why}".strip()
    return Failed(Result("misconfigured", reply.status, sentence, unsure=reply.acts and reply.ok))


def part(text: str) -> str:
    """As one part of a path. Raises Failed for what can be none: dots are resolved on the way, nothing is left out."""
    try:
        quoted = quote(text, safe="")
    except UnicodeEncodeError:
        quoted = ""
    if quoted in ("", ".", ".."):
        raise Failed(Result("misconfigured", None, "The task's id cannot be part of an address."))
    return quoted


def rows(found: Any) -> list[Json]:
    """The objects in a list of them, whatever else came."""
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def text_of(found: Any) -> str:
    return found if isinstance(found, str) else ""


def instant(value: Any) -> datetime | None:
    """Of ISO 8601; without a zone it is UTC. None for anything else."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
