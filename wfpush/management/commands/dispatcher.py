from typing import Any

from django.core.management.base import BaseCommand

from wfpush.processes import dispatcher


class Command(BaseCommand):
    help = "Run one dispatcher; `manage.py worker` does it for you."
    requires_system_checks = []  # `web` and `check` run them

    def handle(self, *args: Any, **options: Any) -> None:
        dispatcher.run()
