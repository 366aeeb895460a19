"""OpenText's mobile apps, through an AppWorks Gateway: a form with our key, the message as JSON, and the user.

Only excerpts of the gateway's older interface (v2) were seen: developer.opentext.com, article 8545, and
forums.opentext.com, discussion 308257. They show requests, but no answers. So path, names of fields and constant
members of the message are options (APPWORKS_GATEWAY_OPTIONS), and only the status of an answer counts. The gateway has
no buttons, and cannot withdraw or replace messages.
"""

import asyncio
import json
import time
from html import escape
from urllib.parse import quote, quote_plus, urlencode
from uuid import UUID

import structlog
from django.conf import settings

from notifications.channels.appworks import facts
from notifications.channels.appworks.config import Gateway
from notifications.errors import ServiceRefuses, TransportError
from notifications.models import Recipient
from notifications.reasons import ASKS_TO_WAIT, Reason, not_reached
from notifications.types import Json, Message
from notifications.wording.plaintext import clean, clean_line, cut
from wfpush.net.http import OutboundError, Response, outbound_from_settings, parse_retry_after
from wfpush.observability.services import REFUSES
from wfpush.security.redaction import MASK, redact_text

log = structlog.get_logger(__name__)

MAX_HEADER, MAX_BODY = 120, 300
"""Characters. With all other members they stay within the 4,096 bytes that the services behind the gateway accept."""
DEADLINE = 10.0
MAX_ANSWER = 4 * 1024
READ, MOST_WORDS = 1000, 200
"""Characters of an answer that are read, and that are stored."""

FORM = "application/x-www-form-urlencoded"


class AppWorks:
    channel = facts.FACTS.name

    @property
    def without_address(self) -> Reason:
        if settings.APPWORKS_GATEWAY is None:
            return facts.NO_GATEWAY()
        return facts.NO_USER_NAME()

    def address_of(self, recipient: Recipient) -> str | None:
        """Return the user name; None for external people, whose refs may be other people's at the gateway."""
        gateway: Gateway | None = settings.APPWORKS_GATEWAY
        if gateway is None or recipient.external:
            return None
        return (recipient.email if gateway.user == "email" else recipient.ref) or None

    def send(self, address: str, message: Message, *, delivery_id: UUID, link: str) -> None:
        """Send the message. Raise TransportError or ServiceRefuses."""
        gateway: Gateway | None = settings.APPWORKS_GATEWAY
        if gateway is None:
            raise TransportError(facts.NO_GATEWAY_NOW(), permanent=True)
        form = form_of(gateway, address, message, delivery_id, link)
        try:
            response = asyncio.run(_post(gateway, form))  # in one of the channel's threads, which have no event loop
        except OutboundError as fault:  # never permanent: an operator can correct it
            raise TransportError(not_reached(fault)) from fault
        refused = fault_of(response, gateway.key, time.time())
        if refused is not None:
            raise refused


async def _post(gateway: Gateway, form: bytes) -> Response:
    async with outbound_from_settings(deadline=DEADLINE, max_body=MAX_ANSWER) as door:
        return await door.request("POST", gateway.address, body=form, headers={"Content-Type": FORM})


# --- the request ------------------------------------------------------------------------------------------------------
def form_of(gateway: Gateway, user: str, message: Message, delivery_id: UUID, link: str) -> bytes:
    """Return the body of the form. Raise TransportError when the user's name cannot be in a list with commas."""
    if not user or "," in user or not user.isprintable() or user != user.strip():
        raise TransportError(facts.NOT_A_USER_NAME(), permanent=True)
    content = {**gateway.members, **members(message, delivery_id, link)}
    values = {
        gateway.key_field: gateway.key,
        gateway.message_field: json.dumps({"type": "wfpush", "displayType": "show", **content}),
        gateway.users_field: user,
    }
    return urlencode(values).encode("ascii")


def members(message: Message, delivery_id: UUID, link: str) -> Json:
    """Return the message's members without the long body: everybody can read lock screens. Ids are the engine's."""
    content = {
        "header": cut(clean_line(message.title), MAX_HEADER),
        "body": cut(clean(message.on_lock_screens), MAX_BODY),
        "id": str(delivery_id),
        "notification": message.notification_id,
        "link": link,
        "lang": message.language,
        "category": message.category,
        "priority": message.priority,
    }
    subject = {"task": message.task_id, "case": message.case_id}
    return content | {name: value for name, value in subject.items() if value}


# --- the gateway's answer ---------------------------------------------------------------------------------------------
def fault_of(response: Response, key: str, now: float) -> TransportError | None:
    """Return the fault of an answer, or None: the gateway has the message. `now` is in Unix seconds."""
    status = response.status
    if 200 <= status <= 299:
        return None
    words = _quote_answer(response, key)
    if 300 <= status <= 399:
        return TransportError(facts.ELSEWHERE(status=status))
    if status in (401, 403):
        log.error("appworks_key_refused", status=status)
        return ServiceRefuses(facts.KEY_REFUSED(words=words))
    retry_after = parse_retry_after(response.headers.get("Retry-After"), now)
    if status in (408, 425, 429):
        return TransportError(ASKS_TO_WAIT(service=facts.GATEWAY(), words=words), retry_after=retry_after)
    if status == 404:
        return TransportError(facts.NOT_FOUND(words=words))
    if 400 <= status <= 499:
        return TransportError(facts.REFUSED(words=words), permanent=True, service_state=REFUSES)
    return TransportError(facts.DOWN(words=words), retry_after=retry_after)


def _quote_answer(response: Response, key: str) -> str:
    """Return the status and text of the answer, without our key, in case it repeats the request."""
    words = response.body.decode("utf-8", "replace")
    for written in (key, quote(key, safe=""), quote_plus(key), escape(key), json.dumps(key)[1:-1]):
        words = words.replace(written, MASK)
    return cut(f"{response.status} {clean_line(redact_text(words[:READ]))}".rstrip(), MOST_WORDS)
