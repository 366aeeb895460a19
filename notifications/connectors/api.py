"""The REST interface of one engine for its connector: requests, replies, and failures that all engines share."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from notifications.connectors import reasons
from notifications.connectors.access import Access, EngineClient
from notifications.connectors.base import Outcome, Result
from notifications.connectors.oauth2 import AccessRefused, hide
from notifications.connectors.reasons import and_says
from notifications.reasons import not_reached
from notifications.types import Json, read_json
from wfpush.net import trace_context
from wfpush.net.http import OutboundError, Response, parse_retry_after
from wfpush.observability import tracing

MOST_DETAIL = 300
BUSY = (408, 425, 429, 502, 503, 504)


@dataclass(frozen=True)
class Reply:
    """An engine's reply. `acts`: the request changes something. `secrets` are removed from its texts."""

    status: int
    body: Any
    """JSON; None for anything else."""
    acts: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)
    is_worded: bool = False
    by_person: bool = False
    """The request was made in a person's name, not in ours."""

    @property
    def taken(self) -> bool:
        """True if the engine has accepted the request: for most engines 2xx without a body. Gateways that answer 200 to
        everything add a page of their own."""
        return self.ok and not self.is_worded

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def object(self) -> Json:
        """The body; empty when it is no object."""
        return self.body if isinstance(self.body, dict) else {}

    def member(self, *names: str) -> str:
        """Return the first of these members that is text, without our secrets."""
        text = next((self.object[name] for name in names if isinstance(self.object.get(name), str)), "")
        return hide(text, self.secrets)[:MOST_DETAIL]


class Failed(Exception):
    """The call has failed; `result` says how to go on."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.detail)
        self.result = result


class Api:
    """One engine's REST interface, signed in. Calls raise Failed when the engine cannot be reached, is busy, refuses
    our sign-in, or is no engine at all. The connector reads all other answers.

    `may_have_acted`: a request that changes something was sent, and not plainly refused. `acting`: the account that
    makes changes, if another one reads. `trace`: the traceparent of all requests, if there is one.
    """

    may_have_acted = False

    def __init__(
        self,
        line: EngineClient,
        access: Access,
        paths: Mapping[str, str] = {},
        *,
        acting: Access | None = None,
        trace: str = "",
    ) -> None:
        self._line = line
        self._trace = trace
        self._access = access
        self._acting = acting or access
        self.paths = paths

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        *,
        acts: bool | None = None,
        may_be_refused: bool = False,
        content_type: str = "application/json",
    ) -> Reply:
        """Make a request. Raises Failed. `body`: JSON, or bytes of another `content_type`. `acts`: it changes
        something, as all but GET do. `may_be_refused`: a 403 of the engine is an answer for the connector."""
        acts = method != "GET" if acts is None else acts
        access = self._acting if acts else self._access
        try:
            response = await self._send(access, method, path, body, query, content_type)
        except OutboundError as fault:
            unsure = acts and fault.may_have_arrived
            outcome: Outcome = "misconfigured" if fault.permanent else "later"
            raise Failed(Result(outcome, None, not_reached(fault), unsure=unsure, down=not fault.permanent)) from fault
        except AccessRefused as fault:
            outcome = "later" if fault.later else "misconfigured"
            of_person = access.tokens is not None
            down = fault.later and not of_person
            raise Failed(Result(outcome, None, fault.reason, fault.wait, down=down, silent=of_person)) from fault
        secrets = self._line.secrets(access)
        by_person = access.tokens is not None
        body = None if response.truncated else read_json(response.body)
        reply = Reply(response.status, body, acts, secrets, bool(response.body), by_person)
        self.may_have_acted = self.may_have_acted or (acts and (reply.ok or reply.status >= 500))
        _check(reply, response, may_be_refused=may_be_refused)
        return reply

    async def _send(
        self, access: Access, method: str, path: str, content: Any, query: Mapping[str, str] | None, content_type: str
    ) -> Response:
        url = access.base.rstrip("/") + path + (f"?{urlencode(query)}" if query else "")
        headers = {"Accept": "application/json"} | ({trace_context.NAME: self._trace} if self._trace else {})
        if content is not None:
            headers["Content-Type"] = content_type
        body = content if isinstance(content, bytes) else _json(content)
        with tracing.request(method, url, self._trace) as span:
            response = await self._line.request(access, method, url, body=body, headers=headers | span.headers)
            span.answered(response.status, failed=response.status >= 400)
        return response


def _json(document: Any) -> bytes:
    """Raises Failed."""
    try:
        return b"" if document is None else json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except ValueError as fault:
        raise Failed(Result("misconfigured", None, reasons.NOT_JSON())) from fault


def _check(reply: Reply, response: Response, *, may_be_refused: bool) -> None:
    """Raises Failed."""
    status = reply.status
    if status in BUSY:
        wait = parse_retry_after(response.headers.get("Retry-After"), time.time())
        unsure = reply.acts and status >= 500  # a proxy has lost the engine, which may still act
        raise Failed(Result("later", status, reasons.ANSWERED(status=status), wait, unsure=unsure, down=True))
    if status == 401 or (status == 403 and not (may_be_refused and reply.object)):
        raise not_let_in(reply)
    if 300 <= status < 400:
        raise Failed(Result("misconfigured", status, reasons.ELSEWHERE(status=status)))
    if status < 500 and reply.body is None and response.body and not _is_long_json(response):
        raise unexpected(reply)  # an HTML page was not written by the engine


def _is_long_json(response: Response) -> bool:
    """Return whether a truncated response began as JSON."""
    return response.truncated and response.body.lstrip()[:1] in (b"{", b"[")


# --- failures and values ---
def not_let_in(reply: Reply) -> Failed:
    """Return the failure for 401 or 403. A person known to the engine is "refused": somebody else may be allowed."""
    why = reply.member("message", "detail", "error_description", "error")
    if reply.by_person and reply.status == 403 and reply.object:
        return Failed(Result("refused", reply.status, and_says(reasons.ACCOUNT_MAY_NOT(), why)))
    return Failed(Result("misconfigured", reply.status, and_says(reasons.NOT_LET_IN(status=reply.status), why)))


def unexpected(reply: Reply) -> Failed:
    """Return the failure for an answer that the engine's documentation does not mention."""
    why = reply.member("message", "detail", "title", "exception")
    if reply.status >= 500:
        failed = and_says(reasons.FAILED(status=reply.status), why)
        return Failed(Result("later", reply.status, failed, unsure=reply.acts))
    if reply.body is None:
        page = reasons.NOT_ITS_WORDS(status=reply.status)
        return Failed(Result("misconfigured", reply.status, page, unsure=reply.acts and reply.ok))
    answered = and_says(reasons.ANSWERED(status=reply.status), why)
    return Failed(Result("misconfigured", reply.status, answered, unsure=reply.acts and reply.ok))


def part(text: str) -> str:
    """Return the text as one part of a path. Raises Failed for an empty text or dots, which servers resolve."""
    try:
        quoted = quote(text, safe="")
    except UnicodeEncodeError:
        quoted = ""
    if quoted in ("", ".", ".."):
        raise Failed(Result("misconfigured", None, reasons.NO_PART_OF_ADDRESS()))
    return quoted


def rows(document: Any) -> list[Json]:
    """Return the objects in a JSON list; none where the document is no list."""
    return [row for row in document if isinstance(row, dict)] if isinstance(document, list) else []


def instant(value: Any) -> datetime | None:
    """Return an instant in ISO 8601, in UTC if it has no zone; None for anything else."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
