"""`manage.py prune`: remove old rows now."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from notifications.housekeeping import prune


class Command(BaseCommand):
    help = "Remove expired tokens, links, sessions, idempotency keys and old background task records (also done daily)."

    def handle(self, *args: Any, **options: Any) -> None:
        for name, count in prune(timezone.now()).items():
            self.stdout.write(f"{count} {name}")
