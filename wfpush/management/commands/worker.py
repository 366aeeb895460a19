from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from wfpush.worker import Worker


class Command(BaseCommand):
    help = "Do the background work: ticker, watchdog, django-q2 cluster and dispatchers under one parent."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dispatchers", type=int, default=1, help="processes for callbacks and push; more of them send more"
        )
        parser.add_argument(
            "--grace", type=float, default=20, help="seconds that running work gets to finish after SIGTERM"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        data_dir = settings.DATA_DIR if settings.EMBEDDED_SERVERS else None
        Worker(dispatchers=options["dispatchers"], grace=options["grace"], data_dir=data_dir).run()
