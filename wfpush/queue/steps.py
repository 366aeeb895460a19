"""Due work in many steps, each a transaction of its own that records its progress."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.utils import timezone

from wfpush.queue import outbox
from wfpush.queue.outbox import WorkT

LEASE = timedelta(seconds=50)


def drain(model: type[WorkT], source: str, step: Callable[[WorkT, datetime], bool], after_fault: timedelta) -> None:
    """Work on the due rows for one turn. If some are left, wake the source again.

    `step` returns False when nothing is left of its row for now, or another worker has it. A row whose step fails is
    tried again `after_fault`.
    """
    end = time.monotonic() + outbox.TURN_SECONDS
    while time.monotonic() < end:
        claimed = outbox.claim(model._default_manager.all(), limit=1, lease=LEASE, now=timezone.now())
        if not claimed:
            return
        outbox.delay(claimed[0], timezone.now() + after_fault)
        while step(claimed[0], timezone.now()):
            if time.monotonic() > end:
                outbox.postpone(claimed[0], timezone.now())
                break
    outbox.source_named(source).wake()
