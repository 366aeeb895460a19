"""Kind `webhook`: a Standard Webhooks POST of the answer's CloudEvent (docs/api/callbacks.md)."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from notifications.connectors import reasons, signatures
from notifications.connectors.access import EngineClient, PersonsTokens
from notifications.connectors.base import HIDDEN, Connector, Misconfigured, Outcome, Result, SentRequest
from notifications.connectors.credentials import active_secrets
from notifications.models import Callback, Engine
from notifications.reasons import not_reached, said
from notifications.types import read_json, text_in
from wfpush.crypto import UndecryptableSecret
from wfpush.net.http import OutboundError, parse_retry_after
from wfpush.net.trace_context import NAME as TRACEPARENT
from wfpush.net.trace_context import traceparent_in
from wfpush.observability import tracing


@dataclass(frozen=True)
class Call:
    """One complete request."""

    url: str
    body: bytes
    headers: dict[str, str]


def signed_call(url: str, body: bytes, message_id: str, secrets: Sequence[str], now: datetime) -> Call:
    """Return the Standard Webhooks POST of a CloudEvent, signed with each secret. Its trace context, if it has one, is
    a header as well. Raises ValueError for a bad secret."""
    timestamp = int(now.timestamp())
    trace = traceparent_in(body)
    return Call(
        url,
        body,
        {
            "Content-Type": "application/cloudevents+json",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signatures.sign(secrets, message_id, timestamp, body),
            **({TRACEPARENT: trace} if trace else {}),
        },
    )


async def post(line: EngineClient, call: Call) -> Result:
    """Make the call. A repeated call has the same webhook-id, so nothing is looked up before it."""
    try:
        with tracing.request("POST", call.url, call.headers.get(TRACEPARENT, "")) as span:
            headers = call.headers | span.headers
            response = await line.http.request("POST", call.url, body=call.body, headers=headers)
            span.answered(response.status, failed=response.status >= 400)
    except OutboundError as fault:
        outcome: Outcome = "misconfigured" if fault.permanent else "later"
        return Result(outcome, None, not_reached(fault), unsure=fault.may_have_arrived, down=not fault.permanent)
    wait = parse_retry_after(response.headers.get("Retry-After"), time.time())
    return read_answer(response.status, response.body, wait)


class Webhook(Connector):
    kind = "webhook"
    label = "Webhook (Standard Webhooks)"

    def prepare(self, engine: Engine, callback: Callback, now: datetime, tokens: PersonsTokens | None = None) -> Call:
        """Sign with every active secret. Raises Misconfigured without one. The signed body says who has answered."""
        try:
            secrets = [row.secret for row in active_secrets(engine, now)]
        except UndecryptableSecret as fault:
            raise Misconfigured(str(fault)) from fault
        if not secrets:
            raise Misconfigured(reasons.NO_SIGNING_SECRET())
        return signed_call(engine.callback_url, callback.body.encode(), str(callback.pk), secrets, now)

    def preview(self, engine: Engine, callback: Callback, now: datetime) -> list[SentRequest]:
        call = self.prepare(engine, callback, now)
        return [
            SentRequest("POST", call.url, {**call.headers, "webhook-signature": f"v1,{HIDDEN}"}, json.loads(call.body))
        ]

    async def send(self, line: EngineClient, call: Call) -> Result:
        return await post(line, call)


def read_answer(status: int, body: bytes, retry_after: float | None = None) -> Result:
    """Read a response. 2xx: the engine has the answer; 409: it had it before; 422 with a detail: it refuses it; 410:
    the endpoint is gone; anything else is tried again."""
    if 200 <= status < 300:
        return Result("done", status)
    if status == 409:
        return Result("handled", status, said(detail_in(body)))
    if status == 410:
        return Result("gone", status, reasons.GONE())
    if status == 422 and detail_in(body):
        return Result("refused", status, said(detail_in(body)))
    expected: tuple[int, ...] = (408, 425, 429)
    outcome: Outcome = "misconfigured" if 300 <= status < 500 and status not in expected else "later"
    unsure, down = status >= 500, status in (429, 502, 503, 504)
    return Result(outcome, status, reasons.ANSWERED(status=status), retry_after, unsure=unsure, down=down)


def detail_in(body: bytes) -> str:
    """Return the `detail` of a JSON answer, at most 500 characters; empty when there is none."""
    answer = read_json(body)
    return text_in(answer, "detail").strip()[:500] if isinstance(answer, dict) else ""
