"""Sends one message to an app by Firebase Cloud Messaging, and turns Google's refusals into errors."""

import asyncio
import json
import time
from typing import Any

import httpx
import structlog
from firebase_admin import messaging
from firebase_admin.exceptions import (
    FirebaseError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    ResourceExhaustedError,
    UnauthenticatedError,
)
from google.auth.exceptions import GoogleAuthError, RefreshError

from notifications import reasons
from notifications.channels.fcm import facts
from notifications.channels.fcm import projects as firebase
from notifications.channels.fcm.accounts import UnknownProject
from notifications.channels.fcm.message import firebase_message
from notifications.errors import RecipientGone, ServiceRefuses, TransportError
from notifications.types import PushAddress, PushMessage
from notifications.wording.plaintext import clean_line, cut
from wfpush.net.http import parse_retry_after

log = structlog.get_logger(__name__)

DEADLINE = 20.0
"""Seconds for a message, including the sign-in."""
PAUSE = 10.0
"""Seconds that Google wants at least between two tries after a fault of its own."""
QUOTA_PAUSE = 60.0
"""Seconds after a 429 that names no other time (both: “Best practices when sending FCM messages at scale”)."""

FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"


class Sender:
    """Sends messages to apps. Belongs to the dispatcher's event loop."""

    def __init__(self) -> None:
        self._projects: firebase.Projects | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def send(self, address: PushAddress, message: PushMessage) -> None:
        made = firebase_message(address, message, time.time())
        try:
            async with asyncio.timeout(DEADLINE):
                project = await self._open().of(address.sender)
                await project.send(made)
        except UnknownProject as fault:
            raise TransportError(facts.NO_ACCOUNT(project=address.sender), permanent=True) from fault
        except TimeoutError as fault:
            raise TransportError(facts.TOO_LATE(seconds=f"{DEADLINE:.0f}")) from fault
        except GoogleAuthError as fault:
            raise not_signed_in(fault, address.sender) from fault
        except FirebaseError as fault:
            raise explained(fault, address.sender) from fault
        except ValueError as fault:
            raise TransportError(reasons.REFUSED_HERE(words=_quote_error(fault)), permanent=True) from fault

    def _open(self) -> firebase.Projects:
        """Return this loop's connections. Connections of a loop that has ended can neither be used nor closed."""
        loop = asyncio.get_running_loop()
        if self._projects is None or self._loop is not loop:
            self._projects, self._loop = firebase.Projects(), loop
        return self._projects

    async def close(self) -> None:
        projects, self._projects = self._projects, None
        if projects is not None and self._loop is asyncio.get_running_loop():
            await projects.close()


# --- Google's answers -------------------------------------------------------------------------------------------------
def explained(fault: FirebaseError, project: str) -> TransportError:
    """Return our error for Firebase's error code: https://firebase.google.com/docs/cloud-messaging/error-codes."""
    words = _quote_error(fault.cause if isinstance(fault.cause, httpx.RequestError) else fault)
    match fault:
        case messaging.UnregisteredError():
            return RecipientGone(facts.NOT_REGISTERED())
        case messaging.SenderIdMismatchError():
            # The app's project was changed, or an app of another project registers here.
            log.error("fcm_sender_id_mismatch", project=project)
            return RecipientGone(facts.OTHER_PROJECT(project=project))
        case messaging.ThirdPartyAuthError():
            return ServiceRefuses(facts.KEY_OF_APPLE(project=project))
        case ResourceExhaustedError():
            return TransportError(
                reasons.ASKS_TO_WAIT(service="Firebase", words=words), retry_after=_wait(fault, QUOTA_PAUSE)
            )
        case InvalidArgumentError():
            return _invalid(fault, words)
        case UnauthenticatedError() | PermissionDeniedError() | NotFoundError():
            return ServiceRefuses(facts.ACCOUNT_REFUSED(project=project, words=words))
    return TransportError(facts.NOT_TAKEN(words=words), retry_after=_wait(fault, PAUSE))


def _invalid(fault: FirebaseError, words: str) -> TransportError:
    """Return the error for an invalid address or message: only the kind of detail and the named field differ."""
    error = _error(fault.http_response)
    if error is None:  # not Firebase's answer, but a proxy's
        return TransportError(facts.NOT_TAKEN(words=words), retry_after=_wait(fault, PAUSE))
    kinds = {str(detail.get("@type")) for detail in _details(error)}
    if kinds == {FCM_ERROR} or _named_fields(error) in ({"message.token"}, {"message.fid"}):
        return RecipientGone(facts.NO_SUCH_ADDRESS())
    return TransportError(facts.WRONG_MESSAGE(words=words), permanent=True)


def _error(answer: httpx.Response | None) -> dict[str, Any] | None:
    """Return the error in an answer of Google's APIs; None if the answer is not theirs."""
    try:
        body = json.loads(answer.content) if answer is not None else None
    except (ValueError, RecursionError):
        return None
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else None


def _details(error: dict[str, Any]) -> list[dict[str, Any]]:
    details = error.get("details")
    return [each for each in details if isinstance(each, dict)] if isinstance(details, list) else []


def _named_fields(error: dict[str, Any]) -> set[str]:
    """Return the fields of the message that a BadRequest names."""
    violations = [each for detail in _details(error) for each in detail.get("fieldViolations") or []]
    return {str(each.get("field")) for each in violations if isinstance(each, dict)}


def _wait(fault: FirebaseError, least: float) -> float:
    """Return the seconds to wait: Google's Retry-After, else its recommendation."""
    answer: httpx.Response | None = fault.http_response
    retry_after = parse_retry_after(answer.headers.get("Retry-After"), time.time()) if answer is not None else None
    return least if retry_after is None else retry_after


def not_signed_in(fault: GoogleAuthError, project: str) -> TransportError:
    if isinstance(fault, RefreshError) and not fault.retryable:
        return ServiceRefuses(facts.NOT_SIGNED_IN(project=project, words=_quote_error(fault)))
    return TransportError(facts.NO_SIGN_IN(words=_quote_error(fault)), retry_after=PAUSE)


def _quote_error(fault: Exception) -> str:
    return cut(clean_line(str(fault.args[0] if fault.args else "")) or type(fault).__name__, 300)
