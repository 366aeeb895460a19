"""Web push: to a browser, through its maker's push service (RFC 8030, RFC 8291, RFC 8292)."""

import asyncio
import re
import time

from pywebpush import WebPusher, WebPushException

from notifications import reasons
from notifications.channels import payload
from notifications.channels.webpush import endpoints, facts, vapid
from notifications.errors import RecipientGone, ServiceRefuses, TransportError
from notifications.types import Json, PushAddress, PushMessage
from notifications.wording.plaintext import clean_line, cut
from wfpush.net.http import Outbound, OutboundError, Response, parse_retry_after, push_door_from_settings
from wfpush.observability.services import REFUSES

MAX_PLAINTEXT = 3993
"""Bytes: 4,096, which every push service takes (RFC 8030, 7.2), without header, delimiter and tag (RFC 8188)."""
LONGEST_TTL = 28 * 24 * 3600
"""Seconds that Google keeps a message; other services keep it longer."""
THIN_PLAINTEXT, THIN_TITLE = 2048, 80
PAUSE = 60.0
"""Seconds to wait when a service asks to wait and does not say how long."""

MOST_WORDS = 200
"""Characters of a service's answer that are stored."""

TOO_LARGE = 413

OTHER_KEY = re.compile(r"VapidPkHashMismatch|VAPID public key mismatch|not correspond to the (?:credentials|sender)")
"""Answers of Apple (400), Mozilla (401) and Google (403) for one subscription that was made with a key that is not
ours.

https://github.com/vjt/grappa-irc/issues/1323, https://github.com/web-push-libs/web-push/issues/941, autopush-rs
`autopush-common`. Our key is not at fault then: anybody may register an endpoint of another site.
"""

BAD_KEY = "UnauthorizedRegistration"
"""Google's 400 for a VAPID header that it does not accept (https://github.com/web-push-libs/web-push/issues/237)."""

WINDOWS = ".notify.windows.com"
WINDOWS_THROTTLES = 406
"""The status that Windows sends instead of 429 (https://github.com/MicrosoftDocs/windows-dev-docs/issues/4166)."""


class WebPush:
    """Sends messages to browsers, in the event loop of its first message, until it is closed."""

    channel = facts.FACTS.name
    without_address = facts.NO_BROWSER()

    def __init__(self) -> None:
        self._door: Outbound | None = None

    def is_set_up(self) -> bool:
        """Return True: the channel's key is made at the first start."""
        return True

    def service_of(self, address: PushAddress) -> str:
        return endpoints.service_of(address.address)

    async def send(self, address: PushAddress, message: PushMessage) -> None:
        """Send the message. Raise TransportError, RecipientGone or ServiceRefuses."""
        why_not = endpoints.objection(address.address)
        if why_not:
            raise TransportError(why_not, permanent=True)
        members = payload.members(message)
        response = await self._post(address, message, fitting(members, MAX_PLAINTEXT))
        if response.status == TOO_LARGE:
            response = await self._post(address, message, fitting(_thin(members), THIN_PLAINTEXT))
        fault = fault_of(response, self.service_of(address), time.time())
        if fault is not None:
            raise fault

    async def close(self) -> None:
        if self._door is not None:
            await self._door.close()
            self._door = None

    async def _post(self, address: PushAddress, message: PushMessage, plaintext: bytes) -> Response:
        if self._door is None:
            self._door = push_door_from_settings()
        headers = _headers(address, message)
        # All waiting messages are encrypted one after another, and then all are posted: the processor's caches hold the
        # code of one of the two. Alternating would take a seventh more time.
        await asyncio.sleep(0)
        body = encrypt(address, plaintext)
        await asyncio.sleep(0)
        try:
            return await self._door.request("POST", address.address, body=body, headers=headers)
        except OutboundError as fault:
            is_inside = fault.code == "refused_address"
            reason = facts.NOT_PUBLIC(service=self.service_of(address)) if is_inside else reasons.not_reached(fault)
            raise TransportError(reason, permanent=fault.permanent) from fault


# --- the request ------------------------------------------------------------------------------------------------------
def _headers(address: PushAddress, message: PushMessage) -> dict[str, str]:
    # `normal` for replacements: services hold back `low` until the device is charging (RFC 8030, 5.3).
    replaces = message.kind == "replacement"
    return {
        "Authorization": _authorization(address),
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(min(max(message.ttl, 0), LONGEST_TTL)),
        "Topic": message.tag,
        "Urgency": "normal" if replaces else payload.URGENCY.get(message.message.priority, "normal"),
    }


def _authorization(address: PushAddress) -> str:
    try:
        return vapid.signer().authorization(address.sender, endpoints.origin_of(address.address), time.time())
    except vapid.UnknownSender as fault:  # perhaps only this process lacks the key: the browser stays registered
        raise TransportError(facts.KEY_NOT_HELD(), permanent=True) from fault


def encrypt(address: PushAddress, payload: bytes) -> bytes:
    """Encrypt for the browser at `address` (RFC 8291). Raise RecipientGone where its keys are invalid."""
    subscription = {"endpoint": address.address, "keys": {"p256dh": address.p256dh, "auth": address.auth}}
    try:
        return bytes(WebPusher(subscription).encode(payload)["body"])
    except (ValueError, WebPushException) as error:
        raise RecipientGone(facts.USELESS_KEY(words=error)) from error


def fitting(members: Json, limit: int) -> bytes:
    """Return the members, and the same in declarative form, as JSON; both together are at most `limit` bytes."""
    whole = _both(members)
    return whole if len(whole) <= limit else _both(payload.fit(members, limit, lambda cut: len(_both(cut))))


def _both(members: Json) -> bytes:
    return payload.encoded(payload.declared(members))


def _thin(members: Json) -> Json:
    """Return the minimum of members to show and answer the message; the link opens the rest."""
    without_icon = {name: value for name, value in members.items() if name != "icon"}
    return without_icon | {"body": "", "title": cut(members["title"], THIN_TITLE)}


# --- services' answers ------------------------------------------------------------------------------------------------
def fault_of(response: Response, service: str, now: float) -> TransportError | None:
    """Return the fault of an answer, or None: the service has the message. `now` is in Unix seconds."""
    status = response.status
    if 200 <= status <= 299:
        return None
    words = clean_line(response.body.decode("utf-8", "replace"))
    status_line = cut(f"{status} {words}".rstrip(), MOST_WORDS)
    if status in (404, 410):
        return RecipientGone(facts.NOT_SUBSCRIBED(words=status_line))
    if status in (400, 401, 403) and OTHER_KEY.search(words):
        return RecipientGone(facts.OTHER_KEY(words=status_line))
    if status in (401, 403) or (status == 400 and BAD_KEY in words):
        return ServiceRefuses(facts.KEY_REFUSED(service=service, words=status_line))
    retry_after = parse_retry_after(response.headers.get("Retry-After"), now)
    if status == 429 or (status == WINDOWS_THROTTLES and service.endswith(WINDOWS)):
        pause = PAUSE if retry_after is None else retry_after
        return TransportError(reasons.ASKS_TO_WAIT(service=service, words=status_line), retry_after=pause)
    if status == TOO_LARGE:
        return TransportError(facts.TOO_LARGE(service=service, words=status_line), permanent=True)
    if 400 <= status <= 499:
        return TransportError(facts.REFUSED(service=service, words=status_line), permanent=True, service_state=REFUSES)
    if 300 <= status <= 399:
        return TransportError(facts.ELSEWHERE(service=service, status=status))
    return TransportError(facts.DOWN(service=service, words=status_line), retry_after=retry_after)
