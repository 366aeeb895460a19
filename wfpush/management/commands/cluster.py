import logging
import os
import signal
from contextlib import suppress
from typing import Any

import django_q.cluster
import structlog
from django.core.management.base import BaseCommand
from django_q.cluster import Cluster

from wfpush.postgres.silence import limit_waits
from wfpush.processes import lifeline
from wfpush.processes.broker import TaskQueue
from wfpush.processes.garbage import tune_garbage_collection
from wfpush.queue.outage import OutageLogFilter

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = "Run one django-q2 cluster in this process group; `manage.py worker` does it for you."
    requires_system_checks = []  # `web` and `check` run them

    def handle(self, *args: Any, **options: Any) -> None:
        limit_waits()
        logging.getLogger("django-q").addFilter(OutageLogFilter())
        django_q.cluster.Queue = TaskQueue
        cluster = Cluster()
        signal.signal(signal.SIGCHLD, _end_with_a_killed_child)  # the sentinel inherits it
        tune_garbage_collection()  # the forked workers have it, too
        try:
            cluster.start()
        except RuntimeError as fault:  # the parent tries again
            raise SystemExit(f"{fault}") from fault
        # After the start, because this process forks no more: threads and forks do not go together.
        lifeline.follow(_end_the_group)
        cluster.sentinel.join()


def _end_with_a_killed_child(*_: object) -> None:
    """End the group when a process of it was killed by a signal. That process may have held a lock of django-q2's
    queues, for which the other processes, the sentinel included, would wait for ever. The group's leases are given
    back, and the parent starts another cluster.

    The workers inherit this. Their children in groups of their own, such as readers of calendars, may be killed.

    waitid may return another process that ended by itself and was not reaped yet; then the watchdog finds the fault.
    """
    with suppress(ChildProcessError):
        ended = os.waitid(os.P_PGID, os.getpgrp(), os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is not None and ended.si_code in (os.CLD_KILLED, os.CLD_DUMPED):
            log.error("cluster_process_killed", pid=ended.si_pid, signal=ended.si_status)
            _end_the_group()


def _end_the_group() -> None:
    os.killpg(os.getpgrp(), signal.SIGKILL)
