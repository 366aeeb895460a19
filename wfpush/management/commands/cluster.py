import gc
import os
import signal
from typing import Any

from django.core.management.base import BaseCommand
from django_q.cluster import Cluster

from wfpush import lifeline
from wfpush.postgres.silence import give_up_in_time


class Command(BaseCommand):
    help = "Run one django-q2 cluster in this process group; `manage.py worker` does it for you."
    requires_system_checks = []  # the parent has run them

    def handle(self, *args: Any, **options: Any) -> None:
        give_up_in_time()
        cluster = Cluster()
        gc.freeze()  # what is loaded by now stays: no collection in the forked workers need look at it, 0.1 s each time
        try:
            cluster.start()
        except RuntimeError as fault:  # Redis is away; the parent tries again
            raise SystemExit(f"{fault}") from fault
        # After the start, because this process forks no more: threads and forks do not go together.
        lifeline.follow(_end_the_group)
        cluster.sentinel.join()


def _end_the_group() -> None:
    os.killpg(os.getpgrp(), signal.SIGKILL)
