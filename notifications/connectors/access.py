"""Signs in to an engine's REST interface by its record; fetches tokens once and reuses them."""

import asyncio
import base64
import hashlib
import json
import os
import ssl
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

from notifications.connectors import reasons
from notifications.connectors.oauth2 import AccessRefused, form, read_grant, unreachable, useful
from wfpush.net.http import Outbound, OutboundError, Response, StreamedResponse

MAX_PAST_TOKENS = 4
CLOSE_SECONDS = 10.0
"""Seconds to wait, when the process stops, for people's tokens that are being renewed."""


Ask = Callable[[str, dict[str, str]], Awaitable[Response]]
"""Sends a form to a token server. Raises OutboundError."""


class PersonsTokens(Protocol):
    """A person's own tokens for an engine; another module stores and renews them."""

    @property
    def key(self) -> str:
        """A key for this person at this engine."""
        ...

    async def token(self, ask: Ask, refused: str) -> str:
        """Return a valid token, other than `refused`, which the engine did not accept. Raises AccessRefused."""
        ...

    def secrets(self) -> tuple[str, ...]:
        """Return secrets to be removed from texts that others send us."""
        ...


@dataclass(frozen=True)
class Access:
    """An engine's address and credentials, unencrypted. `auth`: none, basic, bearer, api_key, oauth2 or person.

    `name` is the user's or client's; `secret` the password, token, key or client secret; `header` the name of the
    header with the key. `certificate` and `key` (PEM) are for servers that require mutual TLS. `tokens` are used with
    auth person.
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
    tokens: PersonsTokens | None = field(default=None, repr=False)

    @property
    def identity(self) -> str:
        """A digest of the credentials, under which tokens and certificates are cached."""
        fields = (
            self.auth,
            self.name,
            self.secret,
            self.token_url,
            self.scope,
            self.audience,
            self.certificate,
            self.key,
        )
        return hashlib.sha256("\0".join(fields).encode()).hexdigest()

    def of_person(self, tokens: PersonsTokens) -> "Access":
        """Return the same address and certificate, with a person's own tokens."""
        return Access(self.base, "person", certificate=self.certificate, key=self.key, tokens=tokens)


@dataclass(frozen=True)
class _Token:
    value: str = field(repr=False)
    ends_at: float


class EngineClient:
    """The process's connections to engines, with tokens and certificates. Belongs to one event loop."""

    def __init__(self, http: Outbound, clock: Callable[[], float] = time.monotonic) -> None:
        self.http = http
        self._clock = clock
        self._tokens: dict[str, _Token] = {}
        self._past_tokens: dict[str, deque[_Token]] = {}
        self._fetching: dict[str, asyncio.Task[_Token]] = {}
        self._of_people: dict[tuple[str, str], asyncio.Task[str]] = {}
        self._contexts: dict[str, ssl.SSLContext] = {}

    async def __aenter__(self) -> "EngineClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        for fetching in self._fetching.values():
            fetching.cancel()
        if self._of_people:
            await asyncio.wait(self._of_people.values(), timeout=CLOSE_SECONDS)
        await self.http.close()

    def secrets(self, access: Access) -> tuple[str, ...]:
        """Return secrets to be removed from texts that others send us. They include the last tokens, which late answers
        may repeat."""
        of_person = access.tokens.secrets() if access.tokens is not None else ()
        kept_by = access.tokens.key if access.tokens is not None else access.identity
        tokens = [token.value for token in self._past_tokens.get(kept_by, ())]
        return (access.secret, _pair(access), access.key, *tokens, *of_person)

    async def request(
        self, access: Access, method: str, url: str, *, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Response:
        """Make one request, signed in; if the engine no longer accepts the token, repeat it once with a new one.

        Raises OutboundError, AccessRefused.
        """
        token = await self._token(access)
        response = await self._send(access, token, method, url, body, headers or {})
        if response.status == 401 and token is not None:
            self._forget(access, token)
            again = await self._token(access, refused=token)
            response = await self._send(access, again, method, url, body, headers or {})
        return response

    async def _send(
        self, access: Access, token: str | None, method: str, url: str, body: bytes, headers: dict[str, str]
    ) -> Response:
        signed = {**headers, **_header_of(access, token)}
        return await self.http.request(method, url, body=body, headers=signed, tls=await self._tls(access))

    @asynccontextmanager
    async def stream(self, access: Access, url: str) -> AsyncIterator[StreamedResponse]:
        """GET like `request`, and yield the response while its body arrives. Raises OutboundError, AccessRefused."""
        token = await self._token(access)
        tls = await self._tls(access)
        async with AsyncExitStack() as stack:
            streamed = partial(self.http.stream, url, tls=tls)
            response = await stack.enter_async_context(streamed(headers=_header_of(access, token)))
            if response.status == 401 and token is not None:
                self._forget(access, token)
                again = await self._token(access, refused=token)
                response = await stack.enter_async_context(streamed(headers=_header_of(access, again)))
            yield response

    # --- tokens (RFC 6749, 4.4) -------------------------------------------------------------------
    async def _token(self, access: Access, refused: str = "") -> str | None:
        """Return a token, or None. Calls with the same credentials share one fetch, its token and its failure."""
        if access.tokens is not None:
            return await self._of_person(access, access.tokens, refused)
        if access.auth != "oauth2":
            return None
        name = access.identity
        cached = self._tokens.get(name)
        if cached is None or self._clock() >= cached.ends_at:
            if name not in self._fetching:
                self._fetching[name] = asyncio.create_task(self._fetch(access))
                self._fetching[name].add_done_callback(lambda done: self._fetched(name, done))
            cached = await asyncio.shield(self._fetching[name])
        return cached.value

    def _fetched(self, name: str, done: "asyncio.Task[_Token]") -> None:
        del self._fetching[name]
        if not done.cancelled() and done.exception() is None:
            self._tokens[name] = done.result()
            self._past_tokens.setdefault(name, deque(maxlen=MAX_PAST_TOKENS)).append(done.result())

    async def _of_person(self, access: Access, tokens: PersonsTokens, refused: str) -> str:
        """Return a person's token. The fetch goes on when nobody waits any more, so that the token is stored."""
        name = (tokens.key, refused)
        if name not in self._of_people:
            self._of_people[name] = asyncio.create_task(tokens.token(partial(self.ask, access), refused))
            self._of_people[name].add_done_callback(lambda done: self._of_people.pop(name))
        token = await asyncio.shield(self._of_people[name])
        self._past_tokens.setdefault(tokens.key, deque(maxlen=MAX_PAST_TOKENS)).append(_Token(token, self._clock()))
        return token

    def _forget(self, access: Access, token: str) -> None:
        cached = self._tokens.get(access.identity)
        if cached is not None and cached.value == token:  # else another token was fetched meanwhile
            del self._tokens[access.identity]

    async def _fetch(self, access: Access) -> _Token:
        body, headers = _token_request(access)
        try:
            response = await self.http.request(
                "POST", access.token_url, body=body, headers=headers, tls=await self._tls(access)
            )
        except OutboundError as fault:
            raise unreachable(fault) from fault
        grant = read_grant(response, self.secrets(access))
        return _Token(grant.token, self._clock() + useful(grant.life))

    async def ask(self, access: Access, url: str, parameters: dict[str, str]) -> Response:
        """Ask a token server for a person's tokens. Raises OutboundError."""
        body, headers = form(parameters)
        return await self.http.request("POST", url, body=body, headers=headers, tls=await self._tls(access))

    # --- certificates -----------------------------------------------------------------------------
    async def _tls(self, access: Access) -> ssl.SSLContext | None:
        """Return the TLS context, made in a thread: OpenSSL reads all the certificates that the system trusts."""
        if not access.certificate:
            return None
        if access.identity not in self._contexts:
            self._contexts[access.identity] = await asyncio.to_thread(tls_context, access)
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


def _token_request(access: Access) -> tuple[bytes, dict[str, str]]:
    parameters = {"grant_type": "client_credentials", "client_id": access.name, "client_secret": access.secret}
    parameters |= {name: value for name, value in (("scope", access.scope), ("audience", access.audience)) if value}
    if access.token_body == "json":
        return json.dumps(parameters).encode(), {"Content-Type": "application/json", "Accept": "application/json"}
    return form(parameters)


def tls_context(access: Access) -> ssl.SSLContext:
    """Return a context with the client certificate, from a file: OpenSSL reads no other. Raises AccessRefused."""
    context = ssl.create_default_context()
    handle, path = tempfile.mkstemp(prefix="wfpush-", suffix=".pem")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(f"{access.certificate}\n{access.key}\n")
        context.load_cert_chain(path, password="")  # without a password, OpenSSL would ask for one at the terminal
    except (ssl.SSLError, ValueError) as fault:
        raise AccessRefused(reasons.BAD_CERTIFICATE(), later=False) from fault
    finally:
        Path(path).unlink()
    return context
