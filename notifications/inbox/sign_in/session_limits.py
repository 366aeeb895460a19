"""Ends sessions that are too old, or were not used for too long (settings SESSION_HOURS and SESSION_IDLE_HOURS).

Times are seconds since 1970. A session that began before the settings were made counts from its next use. Open pages
end with their session: their sockets ask again and again who is signed in (notifications/inbox/consumers.py).
"""

import time

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase

BEGAN, USED = "began", "used"
"""Session keys."""
NOTED_EVERY = 60
"""Seconds between two notes that a session is in use."""


def is_over(session: SessionBase) -> bool:
    now = time.time()
    limits = ((BEGAN, settings.SESSION_HOURS), (USED, settings.SESSION_IDLE_HOURS))
    return any(hours and now - session.get(name, now) >= hours * 3600 for name, hours in limits)


def note_use(session: SessionBase) -> None:
    """Note that a signed-in session is in use; without limits, nothing is written."""
    now = int(time.time())
    if settings.SESSION_HOURS and BEGAN not in session:
        session[BEGAN] = now
    if settings.SESSION_IDLE_HOURS and now - session.get(USED, 0) >= NOTED_EVERY:
        session[USED] = now
