"""`manage.py prune`: remove old rows now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from notifications.housekeeping import prune


class Command(BaseCommand):
    help = (
        "Remove expired tokens, links, sessions, idempotency keys and old background task records, and what features "
        "let go, such as by retention rules (also done daily)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        later = "leave what features let go to the workers, who remove it in small steps"
        parser.add_argument("--later", action="store_true", help=later)

    def handle(self, *args: Any, **options: Any) -> None:
        for name, count in prune(timezone.now(), through=not options["later"]).items():
            self.stdout.write(f"{count} {name}")
