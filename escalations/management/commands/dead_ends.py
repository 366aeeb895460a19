"""`manage.py dead_ends`: lists rules and steps that reach nobody within 14 days."""

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from escalations.forecast.dead_ends import HORIZON, DeadEnd, dead_ends
from notifications.items.representation import iso_utc


class Command(BaseCommand):
    help = f"List the rules and SLA steps that reach nobody, now or within {HORIZON.days} days. Ends with 1 if any do."

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        lines = dead_ends(now)
        if lines:
            raise CommandError("\n".join(_line(each, now) for each in lines))
        self.stdout.write(f"For {HORIZON.days} days, every rule and step reaches somebody.")


def _line(dead_end: DeadEnd, now: datetime) -> str:
    since = "now" if dead_end.since <= now else f"from {iso_utc(dead_end.since)} on"
    instead = f"; {', '.join(dead_end.instead)} hears instead" if dead_end.instead else ""
    return f"{since}: {dead_end.why} ({', '.join(dead_end.places)}){instead}"
