"""`manage.py dead_ends`: what is set up, and within 14 days reaches nobody."""

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from escalations.forecast.dead_ends import HORIZON, DeadEnd, dead_ends
from notifications.items.representation import iso_utc


class Command(BaseCommand):
    help = f"List the routes and SLA steps that reach nobody, now or within {HORIZON.days} days. Ends with 1 if any do."

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        found = dead_ends(now)
        if found:
            raise CommandError("\n".join(f"{_when(each, now)}: {_line(each)}" for each in found))
        self.stdout.write(f"For {HORIZON.days} days, every route and step reaches somebody.")


def _when(found: DeadEnd, now: datetime) -> str:
    return "now" if found.since <= now else f"from {iso_utc(found.since)} on"


def _line(found: DeadEnd) -> str:
    instead = f"; {', '.join(found.instead)} hears instead" if found.instead else ""
    return f"{found.why} ({', '.join(found.places)}){instead}"
