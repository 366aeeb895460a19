from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from wfpush.postgres import schema
from wfpush.processes import startup
from wfpush.processes.watchdog import STALL_SECONDS
from wfpush.processes.worker import Worker


class Command(BaseCommand):
    help = "Do the background work: ticker, watchdog, django-q2 cluster and dispatchers under one parent."
    requires_system_checks = []  # `web` and `check` run them, and they load all pages

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dispatchers", type=int, default=1, help="processes for callbacks and push; more of them send more"
        )
        parser.add_argument(
            "--grace", type=float, default=20, help="seconds that running work gets to finish after SIGTERM"
        )

        parser.add_argument(
            "--stall", type=float, default=STALL_SECONDS, help="seconds without a task run before the cluster restarts"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            startup.check()
        except (startup.WrongPooling, schema.WrongSchema) as fault:
            raise CommandError(str(fault)) from fault
        data_dir = settings.DATA_DIR if settings.EMBEDDED_SERVERS else None
        Worker(
            dispatchers=options["dispatchers"], grace=options["grace"], stall=options["stall"], data_dir=data_dir
        ).run()
