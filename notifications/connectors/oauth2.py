"""Requests to token servers and their answers (RFC 6749): for our own sign-in, and for people's accounts."""

import base64
import binascii
import hashlib
import math
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from notifications.connectors import reasons
from notifications.reasons import Reason, not_reached, reason_of
from notifications.types import Json, read_json
from wfpush.net.http import OutboundError, Response, parse_retry_after

EARLY = 30.0
"""Seconds before its end at which a token is no longer used."""
SHORTEST_LIFE = 60.0
"""Seconds for which a token is used if the server does not say how long it is valid."""
LONGEST_LIFE = 365 * 24 * 3600.0
"""Seconds after which a token is renewed even if the server says that it never ends."""
GONE = ("invalid_grant", "interaction_required", "login_required", "consent_required")
"""Errors that only the person can repair, by signing in again (RFC 6749, 5.2; OpenID Connect Core, 3.1.2.6)."""
MIN_SECRET = 6
"""Shortest secret, in characters, that is removed from others' texts: shorter ones occur in ordinary words."""
NAMES = ("preferred_username", "email", "upn", "sub")
"""Claims that identify one account, best first (OpenID Connect Core 5.1; `upn` is Microsoft's)."""


class AccessRefused(Exception):
    """Raised when there is no token. `later`: another try may help, in `wait` seconds where the server says so;
    otherwise somebody must correct the engine's record. `ended`: the server no longer accepts what we have."""

    def __init__(self, reason: Reason | str, *, later: bool, wait: float | None = None, ended: bool = False) -> None:
        self.reason = reason_of(reason)
        super().__init__(str(self.reason))
        self.later = later
        self.wait = wait
        self.ended = ended


def unreachable(fault: OutboundError) -> AccessRefused:
    """Return the refusal for a token server that was not reached."""
    return AccessRefused(reasons.TOKEN_NOT_REACHED(reason=not_reached(fault)), later=not fault.permanent)


@dataclass(frozen=True)
class Grant:
    """Tokens from a token server. `life` is in seconds from now; `name` is the account's, if the server says it."""

    token: str = field(repr=False)
    life: float
    refresh: str = field(default="", repr=False)
    name: str = ""


def form(parameters: Mapping[str, str]) -> tuple[bytes, dict[str, str]]:
    """Return a request's body and headers. Members without a value are left out."""
    body = urlencode({name: value for name, value in parameters.items() if value}).encode()
    return body, {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


def read_grant(response: Response, secrets: Iterable[str]) -> Grant:
    """Return the tokens in a response. Raises AccessRefused. An answer that is neither "busy" nor a token needs an
    operator: it may be a page, or another server's."""
    answer, status = _object(response.body), response.status
    if status >= 500 or status in (408, 425, 429):
        wait = parse_retry_after(response.headers.get("Retry-After"), time.time())
        raise AccessRefused(reasons.NO_TOKEN(status=status), later=True, wait=wait)
    if status >= 400:
        why = answer.get("error_description") or answer.get("error") or f"it answered {status}"
        refused = reasons.TOKEN_REFUSED(words=hide(str(why), secrets)[:200])
        raise AccessRefused(refused, later=False, ended=answer.get("error") in GONE)
    token = answer.get("access_token")
    if status != 200 or not isinstance(token, str) or not token.isprintable() or not token:
        raise AccessRefused(reasons.NO_TOKEN_THERE(status=status), later=False)
    refresh = answer.get("refresh_token")
    return Grant(
        token,
        _life(answer.get("expires_in")),
        refresh if isinstance(refresh, str) else "",
        _name_in(answer.get("id_token")),
    )


def _life(expires_in: Any) -> float:
    """Return the seconds, in any form that servers write them in."""
    try:
        life = float("nan" if isinstance(expires_in, bool) else expires_in)
    except (TypeError, ValueError, OverflowError):
        return SHORTEST_LIFE
    return SHORTEST_LIFE if math.isnan(life) else min(max(life, 0.0), LONGEST_LIFE)


def useful(life: float) -> float:
    """Return the seconds for which a token is used: a little less than its life."""
    return max(life - EARLY, life / 2)


def hide(text: str, secrets: Iterable[str]) -> str:
    """Return a text from an engine, with our secrets removed."""
    for secret in secrets:
        if len(secret) >= MIN_SECRET:
            text = text.replace(secret, "…")
    return text


def _object(body: bytes) -> Json:
    document = read_json(body)
    return document if isinstance(document, dict) else {}


def _name_in(id_token: Any) -> str:
    """Return the account's name in an ID token that came directly from the token server: TLS stands for its signature
    (OpenID Connect Core, 3.1.3.7, 6)."""
    try:
        payload = id_token.split(".")[1]
        claims = _object(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (AttributeError, IndexError, ValueError, binascii.Error):
        return ""
    names = (claims.get(name) for name in NAMES)
    return next((name.strip()[:320] for name in names if isinstance(name, str) and name.strip().isprintable()), "")


# --- authorization requests (RFC 6749, 4.1.1; RFC 7636) ---------------------------------------------------------------
def new_secret() -> str:
    """256 random bits, in characters that need no escaping."""
    return secrets.token_urlsafe(32)


def way_there(authorize_url: str, *, client_id: str, scope: str, redirect_uri: str, state: str, verifier: str) -> str:
    """Return the address to which a browser is sent to sign in. `state` comes back with it; `verifier` proves that we
    made the request."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    parameters = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": scope,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    query = urlencode({name: value for name, value in parameters.items() if value})
    return f"{authorize_url}{'&' if urlsplit(authorize_url).query else '?'}{query}"
