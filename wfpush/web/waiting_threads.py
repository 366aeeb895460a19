"""Threads of a web process that wait for another server, because a person waits for its answer.

Only a fraction of the process's threads may wait. Otherwise a server that does not answer would take all of them, and
with them the database connections of everybody else. Longer or more frequent exchanges use an AwaitedResponse.
"""

from django.conf import settings

from wfpush.concurrency.slots import Slots

SHARE = 4
RETRY_SECONDS = 10
"""Seconds until a retry: the deadline of most of these exchanges (`wfpush.net.http.DEADLINE`)."""

_COUNT = max(1, settings.DATABASE_POOL // SHARE)
slots = Slots(_COUNT, person=1, host=max(1, _COUNT // 2))
