"""How we sign in to an engine's REST interface: what its record says, and tokens that are fetched once and reused."""

import asyncio
import base64
import hashlib
import json
import os
import ssl
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from wfpush.http import Outbound, OutboundError, Response, parse_retry_after

EARLY = 30.0
"""Seconds before its end from which a token is not used any more."""
SHORTEST_LIFE = 60.0
"""Seconds that a token counts as valid whose life the server does not name."""
KEPT = 4
TELLING = 6
"""Characters from which a secret is looked for in what others say: shorter ones are found in every other word."""


class AccessRefused(Exception):
    """No token: `detail` says why. `later`: another try may help, in `wait` seconds where the server says so; else
    somebody must mend the engine's record."""

    def __init__(self, detail: str, *, later: bool, wait: float | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.later = later
        self.wait = wait


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
        self._had: dict[str, deque[_Token]] = {}
        self._fetching: dict[str, asyncio.Task[_Token]] = {}
        self._contexts: dict[str, ssl.SSLContext] = {}

    async def close(self) -> None:
        for fetching in self._fetching.values():
            fetching.cancel()
        await self.http.close()

    def secrets(self, access: Access) -> tuple[str, ...]:
        """What nobody's words may repeat: the last tokens included, which answers under way may still name."""
        tokens = [token.value for token in self._had.get(access.identity, ())]
        return (access.secret, _pair(access), access.key, *tokens)

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
        """One fetch at a time for the same credentials; whoever waits shares its token, or its failure."""
        if access.auth != "oauth2":
            return None
        name = access.identity
        known = self._tokens.get(name)
        if known is None or self._clock() >= known.ends_at:
            if name not in self._fetching:
                self._fetching[name] = asyncio.create_task(self._fetch(access))
                self._fetching[name].add_done_callback(lambda done: self._fetched(name, done))
            known = await asyncio.shield(self._fetching[name])
        return known.value

    def _fetched(self, name: str, done: "asyncio.Task[_Token]") -> None:
        del self._fetching[name]
        if not done.cancelled() and done.exception() is None:
            self._tokens[name] = done.result()
            self._had.setdefault(name, deque(maxlen=KEPT)).append(done.result())

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
        return _read_token(response, self._clock(), self.secrets(access))

    # --- certificates -----------------------------------------------------------------------------
    def _tls(self, access: Access) -> ssl.SSLContext | None:
        if not access.certificate:
            return None
        if access.identity not in self._contexts:
            self._contexts[access.identity] = tls_context(access)
        return self._contexts[access.identity]


def _header_of(access: Access, token: str | None) -> dict[str, str]:
    if access.auth == "basic":
        return {"Authorization": f"Basic {_pair(access)}"}
    if access.auth == "bearer":
        return {"Authorization": f"Bearer {access.secret}"}
    if access.auth == "api_key":
        return {access.header: access.secret}
    return {"Authorization": f"Bearer {token}"} if token is not None else {}


def _pair(access: Access) -> str:
    return base64.b64encode(f"{access.name}:{access.secret}".encode()).decode()


def hide(text: str, secrets: Iterable[str]) -> str:
    """What an engine says, without what it should not have repeated."""
    for secret in secrets:
        if len(secret) >= TELLING:
            text = text.replace(secret, "…")
    return text


def _asking(access: Access) -> bytes:
    said = {"grant_type": "client_credentials", "client_id": access.name, "client_secret": access.secret}
    said |= {name: value for name, value in (("scope", access.scope), ("audience", access.audience)) if value}
    return json.dumps(said).encode() if access.token_body == "json" else urlencode(said).encode()


def _asking_headers(access: Access) -> dict[str, str]:
    kind = "application/json" if access.token_body == "json" else "application/x-www-form-urlencoded"
    return {"Content-Type": kind, "Accept": "application/json"}


def _read_token(response: Response, now: float, secrets: Iterable[str]) -> _Token:
    """Raises AccessRefused. What is neither busy nor a token is somebody's to look at: a page, another server."""
    said, status = _object(response.body), response.status
    if status >= 500 or status in (408, 425, 429):
        wait = parse_retry_after(response.headers.get("Retry-After"), time.time())
        raise AccessRefused(f"The token server gave no token ({status}).", later=True, wait=wait)
    if status >= 400:
        why = said.get("error_description") or said.get("error") or f"it answered {status}"
        raise AccessRefused(f"The token server refuses our credentials: {hide(str(why), secrets)[:200]}", later=False)
    token = said.get("access_token")
    if status != 200 or not isinstance(token, str) or not token.isprintable() or not token:
        raise AccessRefused(f"The token server gave no token ({status}). Is its address right?", later=False)
    life = said.get("expires_in")
    seconds = float(life) if isinstance(life, int | float) and not isinstance(life, bool) else SHORTEST_LIFE
    return _Token(token, now + max(seconds - EARLY, seconds / 2))


def _object(body: bytes) -> dict[str, object]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def tls_context(access: Access) -> ssl.SSLContext:
    """Raises AccessRefused. OpenSSL reads certificates from files only."""
    context = ssl.create_default_context()
    handle, path = tempfile.mkstemp(prefix="wfpush-", suffix=".pem")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(f"{access.certificate}\n{access.key}\n")
        context.load_cert_chain(path, password="")  # without one, OpenSSL would ask at the terminal for a key's
    except (ssl.SSLError, ValueError) as fault:
        sentence = "The client certificate and its key do not fit, are not PEM, or the key has a password."
        raise AccessRefused(sentence, later=False) from fault
    finally:
        Path(path).unlink()
    return context
