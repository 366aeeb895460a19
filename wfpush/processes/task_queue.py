"""django-q2's queue between the processes of a cluster, without a lock that is held by whoever waits.

A process that waits for a task in `multiprocessing`'s queue holds the lock of all readers meanwhile. When it hangs, the
others get no tasks either. Readers send pulses, so that one that hangs is noticed.
"""

from queue import Empty
from typing import Any

from django_q.queues import Queue

from wfpush.processes.pulses import send_pulses

LOCK_SECONDS = 0.05


class TaskQueue(Queue):  # type: ignore[misc]
    """Takes the lock only when there is something to read."""

    def get(self) -> Any:
        send_pulses()
        while True:
            self._reader.poll(None)
            try:
                return super().get(timeout=LOCK_SECONDS)
            except Empty:  # somebody else was faster
                continue
