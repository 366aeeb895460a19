"""Limits how many passwords a process checks at the same time.

Hashing a password takes long on purpose. Many at once, each with another name, would take all threads of the process,
and with them all database connections. Browsers in which the person has signed in before have places of their own, so
that strangers cannot keep them out (`notifications.people.login_limits`).
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.http import HttpRequest

from notifications.people import login_limits

SHARE = 8
"""The fraction of the process's threads that may check passwords for each kind of browser; as many more may wait."""
WAIT_SECONDS = 2.0
RETRY_SECONDS = 2


class Places:
    """Places for `count` checks at once; as many more may wait."""

    def __init__(self, count: int) -> None:
        self._here = threading.BoundedSemaphore(2 * count)
        self._inside = threading.BoundedSemaphore(count)

    @contextmanager
    def take(self) -> Iterator[bool]:
        """Yield whether a place was free within WAIT_SECONDS."""
        if not self._here.acquire(blocking=False):
            yield False
            return
        try:
            if not self._inside.acquire(timeout=WAIT_SECONDS):
                yield False
                return
            try:
                yield True
            finally:
                self._inside.release()
        finally:
            self._here.release()


_COUNT = max(1, settings.DATABASE_POOL // SHARE)
strangers, known_browsers = Places(_COUNT), Places(_COUNT)


@contextmanager
def place(request: HttpRequest) -> Iterator[bool]:
    """Take a place for a request that may contain name and password. A request without them needs none."""
    if request.method != "POST":
        yield True
        return
    tried = login_limits.try_of(request, request.POST.get("username", ""))
    with (known_browsers if tried.browser else strangers).take() as free:
        yield free
