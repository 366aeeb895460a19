"""Threads of a web process that wait for somebody else's server, because a person waits for what it says.

A fraction of the process's threads may: a server that does not answer would otherwise take all of them, and with them
the database connections of everybody else. What takes longer, or comes in numbers, is an AwaitedResponse.
"""

from django.conf import settings

from wfpush.concurrency.slots import Slots

SHARE = 4
RETRY_SECONDS = 10
"""The deadline of most of these exchanges (`wfpush.net.http.DEADLINE`)."""

_COUNT = max(1, settings.DATABASE_POOL // SHARE)
slots = Slots(_COUNT, person=1, host=max(1, _COUNT // 2))
