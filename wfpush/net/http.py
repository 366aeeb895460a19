"""The only way of outbound HTTP: checks every address, and ends every exchange in time.

The address that was checked is the address that is connected to. Names are resolved by a resolver of our own, and every
socket is checked again when it is made, because aiohttp asks no resolver for hosts that are IP literals.
"""

import asyncio
import errno
import os
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_address
from types import SimpleNamespace, TracebackType
from typing import Any, Self, TypeVar

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from django.conf import settings
from django.utils.http import parse_http_date_safe
from yarl import URL

from wfpush.net.addresses import Network, kind_of_refused_address
from wfpush.net.http_checks import OutboundError, check_request, check_url, no_answer, parse_url, refused

__all__ = [
    "Outbound",
    "OutboundError",
    "Response",
    "StreamedResponse",
    "check_url",
    "outbound_from_settings",
    "parse_retry_after",
    "push_door_from_settings",
]

DEADLINE = 10.0
"""Seconds for a whole exchange, from waiting for a free connection to the last byte of the answer."""
MAX_BODY = 64 * 1024
"""Bytes of an answer that are read; the rest is cut off and its connection closed."""

_PER_HOST = 16
_TOTAL = 512
_DNS_THREADS = 16
_DNS_SECONDS = 10
# Less than the 5 s after which Node closes idle connections: a POST must not meet one that is just closing.
_KEEP_ALIVE = 4.0
# Push services are few and busy, and keep idle connections for minutes; a message that meets a closing one is sent
# again. Who sends them limits the messages on their way to each service: one that hangs must not keep the connections
# of others, on the same host or elsewhere.
_PUSH_PER_HOST = _PUSH_TOTAL = 0
_PUSH_KEEP_ALIVE = 30.0
_PUSH_MAX_BODY = 4 * 1024
_MAX_RETRY_AFTER = 24 * 3600.0
_PIECE = 64 * 1024

T = TypeVar("T")
Lookup = Callable[[str], Awaitable[Sequence[str]]]
"""Resolves a host name into IP addresses; raises OSError."""


@dataclass(frozen=True, slots=True)
class Response:
    """A complete answer; it may be a redirect. `headers` ignores case; `elapsed` is in seconds."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    truncated: bool
    elapsed: float


@dataclass(frozen=True, slots=True)
class StreamedResponse:
    """An answer while it comes; it may be a redirect. `headers` ignores case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    pieces: AsyncIterator[bytes] = field(repr=False)


def parse_retry_after(value: str | None, now: float) -> float | None:
    """Return the seconds of a `Retry-After` header, as a number or a date (RFC 9110 section 10.2.3), at most a day.

    `now` is in Unix seconds. None when the header is absent or makes no sense; 0 for a date in the past.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        seconds = float(text)
    else:
        moment = parse_http_date_safe(text)
        if moment is None:
            return None
        seconds = moment - now
    return min(max(seconds, 0.0), _MAX_RETRY_AFTER)


class Outbound:
    """An HTTP client that can be pointed at any URL a stranger has written.

    Follows no redirects, keeps no cookies, reads no proxy settings, decompresses nothing, and connects to public
    addresses and those in `allowed` only. Connections are kept alive. Belongs to the event loop of its first request.
    `per_host` and `total`: the most connections, 0 for any number. `notes_arrival` costs some time per request; without
    it each failed request counts as one that may have arrived.
    """

    def __init__(
        self,
        allowed: Sequence[Network] = (),
        *,
        deadline: float = DEADLINE,
        max_body: int = MAX_BODY,
        per_host: int = _PER_HOST,
        total: int = _TOTAL,
        keep_alive: float = _KEEP_ALIVE,
        notes_arrival: bool = True,
        lookup: Lookup | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allowed = tuple(allowed)
        self._deadline = deadline
        self._max_body = max_body
        self._per_host = per_host
        self._total = total
        self._keep_alive = keep_alive
        self._notes_arrival = notes_arrival
        self._resolver = _CheckedResolver(self._allowed, lookup)
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - part of the exchange's description, kept by asyncio.timeout
        tls: ssl.SSLContext | None = None,
    ) -> Response:
        """Send one request and return its answer, whatever its status. Raises OutboundError when no answer comes.

        `tls`: the TLS context of this request, for example with a client's certificate.
        """
        target = self._checked(method, url, headers)
        progress = SimpleNamespace(sent=not self._notes_arrival)
        beginning = self._begin(method, target, progress, data=body or None, headers=headers, ssl=tls or True)
        seconds = self._deadline if timeout is None else timeout
        return await self._in_time(seconds, self._whole(beginning), target, progress)

    @asynccontextmanager
    async def stream(
        self, url: str, *, headers: Mapping[str, str] | None = None, tls: ssl.SSLContext | None = None
    ) -> AsyncIterator[StreamedResponse]:
        """Send a GET and yield the answer while it comes. The deadline is that of its head, and then of each piece.

        Raises OutboundError, also while the pieces are read.
        """
        target = self._checked("GET", url, headers)
        progress = SimpleNamespace(sent=not self._notes_arrival)
        beginning = self._begin("GET", target, progress, headers=headers, ssl=tls or True)
        response = await self._in_time(self._deadline, beginning, target, progress)
        try:
            yield StreamedResponse(response.status, response.headers, self._pieces(response.content, target, progress))
        finally:
            response.close()

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
        await self._resolver.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def _checked(self, method: str, url: str, headers: Mapping[str, str] | None) -> URL:
        target = parse_url(url, self._allowed)
        check_request(method, headers or {})
        return target

    async def _in_time(self, seconds: float, work: Awaitable[T], target: URL, progress: SimpleNamespace) -> T:
        """Await a part of an exchange. Raises OutboundError."""
        try:
            async with asyncio.timeout(seconds):
                return await work
        except (aiohttp.ClientError, OSError, ValueError) as error:
            explained = _explained(error, target.host or "", seconds, may_have_arrived=progress.sent)
        # Outside the handler: aiohttp's messages repeat the URL, and must not appear as this error's context.
        raise explained

    async def _begin(self, method: str, target: URL, progress: SimpleNamespace, **more: Any) -> aiohttp.ClientResponse:
        """Send the request, and return the response once its head has come."""
        return await self._open().request(method, target, allow_redirects=False, trace_request_ctx=progress, **more)

    async def _whole(self, beginning: Awaitable[aiohttp.ClientResponse]) -> Response:
        started = time.monotonic()
        response = await beginning
        try:
            content = await _read(response.content, self._max_body + 1)
            return Response(
                status=response.status,
                headers=response.headers,
                body=content[: self._max_body],
                truncated=len(content) > self._max_body,
                elapsed=time.monotonic() - started,
            )
        finally:
            response.close()  # a connection whose answer was read to its end has gone back to the pool before this

    async def _pieces(
        self, content: aiohttp.StreamReader, target: URL, progress: SimpleNamespace
    ) -> AsyncIterator[bytes]:
        while piece := await self._in_time(self._deadline, content.read(_PIECE), target, progress):
            yield piece

    def _open(self) -> aiohttp.ClientSession:
        """Return the session. It is made with the first request: aiohttp needs a running loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=self._resolver,
                    socket_factory=self._socket,
                    ssl=self._tls or True,
                    limit=self._total,
                    limit_per_host=self._per_host,
                    keepalive_timeout=self._keep_alive,
                    ttl_dns_cache=_DNS_SECONDS,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,  # a few bytes may unpack into gigabytes
                headers={"Accept-Encoding": "identity", "User-Agent": "wfpush"},
                timeout=aiohttp.ClientTimeout(total=None),  # our own deadline covers everything
                trace_configs=[_trace()] if self._notes_arrival else None,
            )
        return self._session

    def _socket(self, info: tuple[Any, ...]) -> socket.socket:
        """Check the address once more when the socket is made, wherever it came from."""
        family, kind, protocol, _, address = info
        what = kind_of_refused_address(ip_address(address[0]), self._allowed)
        if what is not None:
            raise PermissionError(errno.EACCES, refused(str(address[0]), what, permanent=False).detail)
        return socket.socket(family, kind, protocol)


def outbound_from_settings(
    *, deadline: float = DEADLINE, max_body: int = MAX_BODY, per_host: int = _PER_HOST
) -> Outbound:
    """Return a client for engines, which may call `OUTBOUND_ALLOWED_CIDRS`. `per_host` connections; 0: any number."""
    return Outbound(settings.OUTBOUND_ALLOWED_CIDRS, deadline=deadline, max_body=max_body, per_host=per_host)


def push_door_from_settings() -> Outbound:
    """Return a client for push services, which may call `PUSH_ALLOWED_CIDRS`, for tests.

    The client trusts the certificates that the system trusts now, those in SSL_CERT_FILE included.
    """
    return Outbound(
        settings.PUSH_ALLOWED_CIDRS,
        max_body=_PUSH_MAX_BODY,
        per_host=_PUSH_PER_HOST,
        total=_PUSH_TOTAL,
        keep_alive=_PUSH_KEEP_ALIVE,
        notes_arrival=False,
        tls=ssl.create_default_context(),
    )


class _CheckedResolver(AbstractResolver):
    """Returns those addresses of a name that may be called. Raises OutboundError if there are none."""

    def __init__(self, allowed: Sequence[Network], lookup: Lookup | None) -> None:
        self._allowed = allowed
        self._lookup = lookup or self._system_lookup
        self._threads: ThreadPoolExecutor | None = None

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        not_admitted: OutboundError | None = None
        results = []
        for text in await self._lookup(host):
            address = ip_address(text)
            what = kind_of_refused_address(address, self._allowed)
            if what is None:
                results.append(_result(host, text, port, socket.AF_INET if address.version == 4 else socket.AF_INET6))
            else:
                not_admitted = refused(f"{host} ({address})", what, permanent=False)
        if not results:
            # Neither is permanent: the name may resolve to other addresses tomorrow.
            raise not_admitted or OSError("the name has no address")
        return results

    async def close(self) -> None:
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)

    async def _system_lookup(self, host: str) -> Sequence[str]:
        """Resolve in own threads: names that never resolve must not use up those of the event loop."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_DNS_THREADS, thread_name_prefix="outbound-dns")
        addresses = await asyncio.get_running_loop().run_in_executor(self._threads, _getaddrinfo, host)
        return list(dict.fromkeys(addresses))


def _getaddrinfo(host: str) -> list[str]:
    return [str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


def _result(host: str, address: str, port: int, family: socket.AddressFamily) -> ResolveResult:
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=flags)


def _trace() -> aiohttp.TraceConfig:
    trace = aiohttp.TraceConfig()

    async def sent(session: aiohttp.ClientSession, context: SimpleNamespace, params: object) -> None:
        context.trace_request_ctx.sent = True

    trace.on_request_headers_sent.append(sent)
    return trace


async def _read(content: aiohttp.StreamReader, limit: int) -> bytes:
    data = bytearray()
    while len(data) < limit:
        chunk = await content.read(limit - len(data))
        if not chunk:
            break
        data += chunk
    return bytes(data)


def _explained(error: Exception, host: str, seconds: float, *, may_have_arrived: bool) -> OutboundError:
    """Return the failure with a sentence of ours."""
    say = partial(no_answer, host=host, may_have_arrived=may_have_arrived)
    match error:
        case aiohttp.ClientConnectorCertificateError(certificate_error=ssl.SSLCertVerificationError() as fault):
            return say("tls", "certificate", words=fault.verify_message)
        case aiohttp.ClientSSLError() | ssl.SSLError() | aiohttp.ClientConnectorCertificateError():
            return say("tls", "no_tls")
        case aiohttp.ClientConnectorDNSError():
            return say("dns", "no_name")
        case aiohttp.ClientConnectorError(os_error=fault):
            why = os.strerror(fault.errno).lower() if fault.errno else "it cannot be reached"
            return say("connection", "no_connection", words=why)
        case TimeoutError():
            return say("timeout", "too_late", seconds=f"{seconds:g}")
        case aiohttp.ClientResponseError():
            return say("bad_response", "not_http")
        case aiohttp.ClientPayloadError():
            return say("connection", "broken_off")
        case aiohttp.InvalidURL():
            detail = "The address is not one that can be called."
            return OutboundError("bad_url", detail, may_have_arrived=may_have_arrived)
        case _:
            return say("connection", "lost")
