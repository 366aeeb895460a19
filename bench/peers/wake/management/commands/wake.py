import json
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django_q.tasks import async_task

from bench.peers.wake.tasks import STARTED, connection

PATIENCE_SECONDS = 20


class Command(BaseCommand):
    help = "Enqueue one task after the other; prints the seconds until each started."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("count", type=int)

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(json.dumps([wake() for _ in range(options["count"])]))


def wake() -> float:
    began = time.monotonic()
    async_task("bench.peers.wake.tasks.tell")
    found: Any = connection().blpop([STARTED], timeout=PATIENCE_SECONDS)
    if found is None:
        raise CommandError(f"A task did not start within {PATIENCE_SECONDS} s.")
    return float(found[1]) - began
