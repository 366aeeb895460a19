"""Statuses that an HTTP gateway posts to `/api/v1/channels/sms/receipts`: signed, fresh, read as the settings say."""

import hmac
from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from django.conf import settings

from notifications.channels.base import ReceiptsCall
from notifications.channels.sms.config import Http, Status
from notifications.channels.sms.http import at_path, value_at
from notifications.errors import Malformed, NotFound, NotSigned
from notifications.types import Receipt

FRESH = timedelta(minutes=5)
"""Greatest difference between a call's time and ours: an older call may be a recorded one."""
MAX_STATUSES = 1000
"""Statuses that are read of one call."""


def read(call: ReceiptsCall) -> list[Receipt]:
    """Return the receipts in the call. Raise NotFound, NotSigned or Malformed."""
    gateway = settings.SMS.gateway if settings.SMS is not None else None
    if not isinstance(gateway, Http) or gateway.status is None:
        raise NotFound("No statuses of text messages are expected. They are where SMS_STATUS_SECRET is set.")
    check(gateway.status, call)
    document = _parsed(call)
    receipts = value_at(document, gateway.status.items) if gateway.status.items else document
    return list(_receipts(gateway.status, receipts[:MAX_STATUSES] if isinstance(receipts, list) else [receipts]))


def check(status: Status, call: ReceiptsCall) -> None:
    """Check that the gateway signed the call, at most 5 minutes ago. Raise NotSigned."""
    signed = call.body
    if status.timestamp_header:
        stamp = call.headers.get(status.timestamp_header, "")
        if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 13):
            raise NotSigned(f"{status.timestamp_header} is missing, or is not in Unix seconds.")
        seconds = int(stamp) / (1000 if len(stamp) > 11 else 1)
        if abs(call.now.timestamp() - seconds) > FRESH.total_seconds():
            raise NotSigned(f"{status.timestamp_header} is more than 5 minutes off.")
        signed = stamp.encode() + b"." + call.body
    digest = hmac.digest(status.secret.encode(), signed, sha256)
    expected = digest.hex() if status.encoding == "hex" else b64encode(digest).decode()
    signature = call.headers.get(status.signature_header, "").removeprefix(status.signature_prefix)
    if not hmac.compare_digest(signature.encode(), expected.encode()):
        raise NotSigned(f"{status.signature_header} is missing or wrong.")


def _parsed(call: ReceiptsCall) -> Any:
    if "json" in call.headers.get("Content-Type", ""):
        try:
            return msgspec.json.decode(call.body)
        except (msgspec.DecodeError, RecursionError) as fault:
            raise Malformed("The body is not JSON.") from fault
    try:
        return dict(parse_qsl(call.body.decode("utf-8"), max_num_fields=MAX_STATUSES))
    except ValueError as fault:
        raise Malformed("The body is not a form.") from fault


def _receipts(status: Status, items: list[Any]) -> Iterator[Receipt]:
    """Yield receipts of final statuses; others say only that a message is on its way."""
    for item in items:
        reference, word = at_path(item, status.id), at_path(item, status.status)
        if reference and word in (*status.arrived, *status.lost):
            code = "" if word in status.arrived else at_path(item, status.code)
            yield Receipt(reference, word in status.arrived, " ".join(filter(None, (word, code))))
