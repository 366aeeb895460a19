from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from wfpush.asgi import application
from wfpush.net.ports import PortTaken
from wfpush.postgres import schema
from wfpush.processes import lifeline, startup
from wfpush.web.server import GRACE_SECONDS, serve


class Command(BaseCommand):
    help = "Serve pages, API and WebSockets with daphne."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument(
            "--grace", type=float, default=GRACE_SECONDS, help="seconds that running requests get after SIGTERM"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        lifeline.follow()
        try:
            startup.check()
            serve(application, options["host"], options["port"], grace=options["grace"])
        except (PortTaken, startup.WrongPooling, schema.WrongSchema) as fault:
            raise CommandError(str(fault)) from fault
