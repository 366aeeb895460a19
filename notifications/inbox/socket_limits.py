"""Limits for a process's open inboxes: their origins, their number, their rate, and their threads."""

import asyncio
import io
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.db import close_old_connections
from django.http import HttpRequest

P = ParamSpec("P")
R = TypeVar("R")

MAX_SOCKETS = 50
"""Open inboxes of one person in one process."""
THREADS = 4
"""Threads of a process for all open inboxes, each with a database connection: a long answer holds up no other inbox."""
FRAMES = 10
FRAMES_A_SECOND = 1.0
"""Frames that a client may send at once, and frames a second in the long run."""
RESUMES = 60
RESUMES_A_SECOND = 1.0
"""Resumes of all inboxes of one person together: at once, as after a restart, and a second in the long run. Each resume
reads and writes up to 500 notifications."""
_MOST_KEPT = 1_000

_DEFAULT_PORTS = {"http": 80, "https": 443}


# --- origins of sockets ---------------------------------------------------------------------------
def handshake(scope: Mapping[str, Any]) -> HttpRequest:
    """Return the request that opens a socket, in the form in which Django checks hosts and proxies."""
    scheme = "https" if scope.get("scheme") in ("wss", "https") else "http"
    return ASGIRequest({**scope, "method": "GET", "scheme": scheme, "query_string": b""}, io.BytesIO())


def is_own_origin(request: HttpRequest) -> bool:
    """Return whether a page of this installation opened the socket, with the same check as CsrfViewMiddleware.

    The scheme, host and port of its origin are those of the request's address, or of one in CSRF_TRUSTED_ORIGINS. The
    origin `null` (RFC 6454) is refused.
    """
    try:
        own = f"{request.scheme}://{request.get_host()}"
    except DisallowedHost:
        own = ""
    page_origin = _origin(request.headers.get("Origin", ""))
    return page_origin is not None and page_origin in map(_origin, (*settings.CSRF_TRUSTED_ORIGINS, own))


def _origin(text: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port; None for invalid origins."""
    try:
        parts = urlsplit(text)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname and port else None


# --- number of sockets ----------------------------------------------------------------------------
_open: Counter[int] = Counter()


def take_place(person: int) -> bool:
    """Take a place for one more socket, and return whether one was free. A place that was taken must be given back."""
    if _open[person] >= MAX_SOCKETS:
        return False
    _open[person] += 1
    return True


def give_back(person: int) -> None:
    _open[person] -= 1
    if _open[person] <= 0:
        del _open[person]


def places_taken() -> int:
    return _open.total()


# --- rate of requests -----------------------------------------------------------------------------
class TokenBucket:
    """A token bucket: a number of uses at once, and a rate in the long run."""

    def __init__(self, most: int, a_second: float) -> None:
        self.most = most
        self.a_second = a_second
        self._left = float(most)
        self._at = time.monotonic()

    def take(self) -> bool:
        """Take a use, and return whether one was left."""
        self._refill()
        if self._left < 1:
            return False
        self._left -= 1
        return True

    @property
    def unused(self) -> bool:
        self._refill()
        return self._left >= self.most

    def _refill(self) -> None:
        now = time.monotonic()
        self._left = min(float(self.most), self._left + (now - self._at) * self.a_second)
        self._at = now


_resumes: dict[int, TokenBucket] = {}


def may_resume(person: int) -> bool:
    """Return whether the person's inboxes, all together, may resume once more."""
    if person not in _resumes and len(_resumes) >= _MOST_KEPT:
        for idle in [idle for idle, allowance in _resumes.items() if allowance.unused]:
            del _resumes[idle]
    return _resumes.setdefault(person, TokenBucket(RESUMES, RESUMES_A_SECOND)).take()


# --- the database ---------------------------------------------------------------------------------
pool = ThreadPoolExecutor(THREADS, thread_name_prefix="sockets")
_turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()


async def run_query(person: int | None, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a query. Sockets of one person are served one at a time, so that the other threads are free for other
    people."""
    run = sync_to_async(_with_connection, thread_sensitive=False, executor=pool)
    if person is None:
        return await run(work, *args, **kwargs)
    async with _turns.setdefault(person, asyncio.Lock()):
        return await run(work, *args, **kwargs)


def _with_connection(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    close_old_connections()
    try:
        return work(*args, **kwargs)
    finally:
        close_old_connections()
