"""Text messages by a provider's HTTP gateway: a form or JSON whose fields the settings say, through our own door."""

import asyncio
import json
import time
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
import structlog

from notifications.channels.sms import facts
from notifications.channels.sms.config import PLACES, Http
from notifications.errors import ServiceRefuses, TransportError
from notifications.reasons import ASKS_TO_WAIT, not_reached
from notifications.wording.plaintext import clean_line, cut
from wfpush.net.http import OutboundError, Response, outbound_from_settings, parse_retry_after
from wfpush.observability.services import AWAY, REFUSES
from wfpush.security.redaction import MASK, redact_text

log = structlog.get_logger(__name__)

DEADLINE = 10.0
MAX_ANSWER = 16 * 1024
READ, MOST_WORDS = 1000, 200
"""Characters of an answer that are read, and that are stored."""
NOT_TAKEN = frozenset({500, 501, 503, 507})
"""Faults of a gateway that did not take the message. Others come from a proxy before it, and it may have taken it."""


def send(settings: Http, number: str, text: str, sender: str, delivery_id: UUID) -> list[str]:
    """Return the gateway's name for the message, if it gives one. Raise TransportError."""
    body, headers = request_of(settings, number, text, sender, delivery_id)
    try:
        response = asyncio.run(_post(settings.url, body, headers))  # in one of the channel's threads: no event loop
    except OutboundError as fault:
        words = not_reached(fault)
        if fault.may_have_arrived:
            raise TransportError(facts.UNKNOWN(words=words), permanent=True, service_state=AWAY) from fault
        raise TransportError(facts.NOT_REACHED(words=words)) from fault
    refused = fault_of(settings, response, time.time())
    if refused is not None:
        raise refused
    return [name for name in (at_path(_json(response), settings.id),) if name]


async def _post(url: str, body: bytes, headers: Mapping[str, str]) -> Response:
    async with outbound_from_settings(deadline=DEADLINE, max_body=MAX_ANSWER) as door:
        return await door.request("POST", url, body=body, headers=headers)


# --- the request ------------------------------------------------------------------------------------------------------
def request_of(settings: Http, number: str, text: str, sender: str, delivery_id: UUID) -> tuple[bytes, dict[str, str]]:
    substitutes = {"to": number, "number": number.lstrip("+"), "from": sender, "text": text, "id": str(delivery_id)}
    fields = _filled(settings.fields, substitutes)
    if settings.format == "json":
        return json.dumps(fields).encode(), {"Content-Type": "application/json", **_credentials(settings)}
    form = urlencode(fields).encode("ascii")
    return form, {"Content-Type": "application/x-www-form-urlencoded", **_credentials(settings)}


def _filled(value: Any, substitutes: Mapping[str, str]) -> Any:
    """Replace the places in all texts, in one pass: substituted text is not searched again."""
    if isinstance(value, str):
        return PLACES.sub(lambda place: substitutes[place[1]], value)
    if isinstance(value, Mapping):
        return {name: _filled(inner, substitutes) for name, inner in value.items()}
    return [_filled(inner, substitutes) for inner in value] if isinstance(value, list) else value


def _credentials(settings: Http) -> dict[str, str]:
    if settings.user:
        pair = b64encode(f"{settings.user}:{settings.password}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}
    if not settings.token:
        return {}
    bearer = f"Bearer {settings.token}" if settings.token_header == "Authorization" else settings.token
    return {settings.token_header: bearer}


# --- the gateway's answer ---------------------------------------------------------------------------------------------
def fault_of(settings: Http, response: Response, now: float) -> TransportError | None:
    """Return the fault of an answer, or None: the gateway has the message. `now` is in Unix seconds."""
    status, words = response.status, _quote_answer(settings, response)
    if 200 <= status <= 299:
        if settings.taken and at_path(_json(response), settings.taken) not in settings.taken_is:
            return TransportError(facts.REFUSED(words=words), permanent=True, service_state=REFUSES)
        return None
    if status in (401, 403):
        log.error("sms_gateway_refuses", status=status)
        return ServiceRefuses(facts.REFUSES_SIGN_IN(words=words))
    retry_after = parse_retry_after(response.headers.get("Retry-After"), now)
    if status in (408, 425, 429):
        return TransportError(ASKS_TO_WAIT(service=facts.GATEWAY(), words=words), retry_after=retry_after)
    if status < 400 or status == 404:
        return TransportError(facts.ELSEWHERE(words=words))
    if status in NOT_TAKEN:
        return TransportError(facts.DOWN(words=words), retry_after=retry_after)
    if status >= 500:
        return TransportError(facts.UNKNOWN(words=words), permanent=True, service_state=AWAY)
    return TransportError(facts.REFUSED(words=words), permanent=True, service_state=REFUSES)


def _json(response: Response) -> Any:
    try:
        return msgspec.json.decode(response.body)
    except msgspec.DecodeError:
        return None


def _quote_answer(settings: Http, response: Response) -> str:
    """Return the status and the answer's words, without our secrets, in case it repeats the request."""
    words = response.body.decode("utf-8", "replace")
    for secret in filter(None, (settings.token, settings.password)):
        words = words.replace(secret, MASK)
    return cut(f"{response.status} {clean_line(redact_text(words[:READ]))}".rstrip(), MOST_WORDS)


def value_at(value: Any, path: str) -> Any:
    """Return the value at a path such as `messages.0.id`, or None."""
    for step in path.split("."):
        if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value


def at_path(value: Any, path: str) -> str:
    """Return the value at a path as text; empty for an object, a list, or no value."""
    part = value_at(value, path)
    if part is None or isinstance(part, dict | list):
        return ""
    return json.dumps(part) if isinstance(part, bool) else str(part)
