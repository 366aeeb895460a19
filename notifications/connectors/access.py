"""How we sign in to an engine's REST interface: what its record says, and tokens that are fetched once and reused."""

import asyncio
import base64
import hashlib
import json
import os
import ssl
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from wfpush.http import Outbound, OutboundError, Response

EARLY = 30.0
"""Seconds before its end from which a token is not used any more."""
SHORTEST_LIFE = 60.0
"""Seconds that a token counts as valid whose life the server does not name."""


class AccessRefused(Exception):
    """No token: `detail` says why. `later`: another try may help; else somebody must mend the engine's record."""

    def __init__(self, detail: str, *, later: bool) -> None:
        super().__init__(detail)
        self.detail = detail
        self.later = later


@dataclass(frozen=True)
class Access:
    """An engine's address and credentials, in plain. `auth`: none, basic, bearer, api_key or oauth2.

    `name` is the user's or client's; `secret` the password, token, key or client secret; `header` where a key goes.
    `certificate` and `key` (PEM) are shown to servers that ask for them (mutual TLS).
    """

    base: str
    auth: str = "none"
    name: str = ""
    secret: str = field(default="", repr=False)
    header: str = "X-API-Key"
    token_url: str = ""
    token_body: str = "form"
    scope: str = ""
    audience: str = ""
    certificate: str = field(default="", repr=False)
    key: str = field(default="", repr=False)

    @property
    def identity(self) -> str:
        """The same for the same credentials: what tokens and certificates are kept by."""
        said = (
            self.auth,
            self.name,
            self.secret,
            self.token_url,
            self.scope,
            self.audience,
            self.certificate,
            self.key,
        )
        return hashlib.sha256("\0".join(said).encode()).hexdigest()


@dataclass(frozen=True)
class _Token:
    value: str = field(repr=False)
    ends_at: float


class Line:
    """The process's way to engines: its connections, tokens and certificates. Belongs to one event loop."""

    def __init__(self, http: Outbound, clock: Callable[[], float] = time.monotonic) -> None:
        self.http = http
        self._clock = clock
        self._tokens: dict[str, _Token] = {}
        self._fetching: dict[str, asyncio.Lock] = {}
        self._contexts: dict[str, ssl.SSLContext] = {}

    async def close(self) -> None:
        await self.http.close()

    async def request(
        self, access: Access, method: str, url: str, *, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Response:
        """One request, signed in; once more with a new token where the engine no longer takes the old one.

        Raises OutboundError, AccessRefused.
        """
        token = await self._token(access)
        response = await self._send(access, token, method, url, body, headers or {})
        if response.status == 401 and token is not None:
            self._forget(access, token)
            response = await self._send(access, await self._token(access), method, url, body, headers or {})
        return response

    async def _send(
        self, access: Access, token: str | None, method: str, url: str, body: bytes, headers: dict[str, str]
    ) -> Response:
        signed = {**headers, **_header_of(access, token)}
        return await self.http.request(method, url, body=body, headers=signed, tls=self._tls(access))

    # --- tokens (RFC 6749, 4.4) -------------------------------------------------------------------
    async def _token(self, access: Access) -> str | None:
        """One fetch at a time for the same credentials; whoever waited has its token, too."""
        if access.auth != "oauth2":
            return None
        async with self._fetching.setdefault(access.identity, asyncio.Lock()):
            known = self._tokens.get(access.identity)
            if known is None or self._clock() >= known.ends_at:
                known = self._tokens[access.identity] = await self._fetch(access)
        return known.value

    def _forget(self, access: Access, token: str) -> None:
        known = self._tokens.get(access.identity)
        if known is not None and known.value == token:  # else another has been fetched meanwhile
            del self._tokens[access.identity]

    async def _fetch(self, access: Access) -> _Token:
        try:
            response = await self.http.request(
                "POST", access.token_url, body=_asking(access), headers=_asking_headers(access), tls=self._tls(access)
            )
        except OutboundError as fault:
            raise AccessRefused(f"No token: {fault.detail}", later=not fault.permanent) from fault
        return _read_token(response, self._clock())

    # --- certificates -----------------------------------------------------------------------------
    def _tls(self, access: Access) -> ssl.SSLContext | None:
        if not access.certificate:
            return None
        if access.identity not in self._contexts:
            self._contexts[access.identity] = _context(access)
        return self._contexts[access.identity]


def _header_of(access: Access, token: str | None) -> dict[str, str]:
    if access.auth == "basic":
        pair = base64.b64encode(f"{access.name}:{access.secret}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}
    if access.auth == "bearer":
        return {"Authorization": f"Bearer {access.secret}"}
    if access.auth == "api_key":
        return {access.header: access.secret}
    return {"Authorization": f"Bearer {token}"} if token is not None else {}


def _asking(access: Access) -> bytes:
    said = {"grant_type": "client_credentials", "client_id": access.name, "client_secret": access.secret}
    said |= {name: value for name, value in (("scope", access.scope), ("audience", access.audience)) if value}
    return json.dumps(said).encode() if access.token_body == "json" else urlencode(said).encode()


def _asking_headers(access: Access) -> dict[str, str]:
    kind = "application/json" if access.token_body == "json" else "application/x-www-form-urlencoded"
    return {"Content-Type": kind, "Accept": "application/json"}


def _read_token(response: Response, now: float) -> _Token:
    """Raises AccessRefused."""
    said = _object(response.body)
    if 400 <= response.status < 500 and response.status not in (408, 425, 429):
        why = said.get("error_description") or said.get("error") or f"it answered {response.status}"
        raise AccessRefused(f"The token server refuses our credentials: {str(why)[:200]}", later=False)
    token = said.get("access_token")
    if response.status != 200 or not isinstance(token, str) or not token.isprintable() or not token:
        raise AccessRefused(f"The token server gave no token ({response.status}).", later=True)
    life = said.get("expires_in")
    seconds = float(life) if isinstance(life, int | float) and not isinstance(life, bool) else SHORTEST_LIFE
    return _Token(token, now + max(seconds - EARLY, seconds / 2))


def _object(body: bytes) -> dict[str, object]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _context(access: Access) -> ssl.SSLContext:
    """Raises AccessRefused. OpenSSL reads certificates from files only."""
    context = ssl.create_default_context()
    handle, path = tempfile.mkstemp(prefix="wfpush-", suffix=".pem")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(f"{access.certificate}\n{access.key}\n")
        context.load_cert_chain(path)
    except (ssl.SSLError, ValueError) as fault:
        raise AccessRefused("The client certificate and its key do not fit, or are not PEM.", later=False) from fault
    finally:
        Path(path).unlink()
    return context
