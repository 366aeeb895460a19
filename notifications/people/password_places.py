"""How many passwords a process looks at at the same time.

To hash one takes long on purpose. Whoever sends many at once, each by another name, would else take every thread of the
process, and with it every database connection. Browsers in which their person has signed in before have places of their
own, so that strangers keep nobody out there (`notifications.people.login_limits`).
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.http import HttpRequest

from notifications.people import login_limits

SHARE = 8
"""Each kind of browser has this part of the process's threads to look at passwords, and as many may wait for one."""
WAIT_SECONDS = 2.0
RETRY_SECONDS = 2


class Places:
    """`count` at once, and as many who wait."""

    def __init__(self, count: int) -> None:
        self._here = threading.BoundedSemaphore(2 * count)
        self._inside = threading.BoundedSemaphore(count)

    @contextmanager
    def take(self) -> Iterator[bool]:
        """Whether there is one; if not, nobody has waited for longer than WAIT_SECONDS to hear that."""
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
strangers, known = Places(_COUNT), Places(_COUNT)


@contextmanager
def place(request: HttpRequest) -> Iterator[bool]:
    """For a request that may bring a name and a password. Without one, nothing is counted and nobody is asked."""
    if request.method != "POST":
        yield True
        return
    tried = login_limits.try_of(request, request.POST.get("username", ""))
    with (known if tried.browser else strangers).take() as free:
        yield free
