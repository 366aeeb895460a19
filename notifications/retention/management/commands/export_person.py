"""`manage.py export_person REF`: everything that is held about a person, as JSON."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from notifications.retention.management.commands.erase_person import add_person, person_of
from notifications.retention.person_export import export


class Command(BaseCommand):
    help = "Write everything that is held about one person, as JSON (docs/operations/data.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        add_person(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        for piece in export(person_of(options), timezone.now()):
            self.stdout.write(piece, ending="")
