"""`manage.py doctor`: lists what is wrong and what to do about it; with `--ledger`, compares the sums of sent
messages."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.utils import timezone

from notifications.channels import registry
from notifications.items.ledger_audit import faults_since, sums_since
from notifications.models import Delivery, DeliveryState, Device, PausedService
from wfpush.identifiers import lowest_id
from wfpush.observability import readiness, service_metrics, services
from wfpush.observability.write_checks import OK, database_state
from wfpush.postgres import schema
from wfpush.security import lost_secrets

CLOCKS_DIFFER = timedelta(seconds=10)
"""Of two machines whose clocks are set by NTP, the clocks differ by less."""


class Command(BaseCommand):
    help = "Look whether everything works, and say what to do about what does not. Ends with 1 if anything is wrong."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--ledger", action="store_true", help="also sum up the messages, and look for lost ones")
        parser.add_argument("--days", type=int, default=7, help="how far back the ledger is read (default 7)")

    def handle(self, *args: Any, **options: Any) -> None:
        ahead = _ahead() if database_state() == OK else timedelta(0)
        now = timezone.now() - ahead  # by the database's clock, or a wrong one here would be blamed on workers
        faults = list(self._parts(now))
        if database_state() == OK and not schema.last_found().fault:  # the other checks read its tables
            self._notes(now)
            faults += [*_clock(ahead), *lost_secrets.faults(), *self._channels(), *self._services(now)]
            self._messages()
            faults += self._ledger(now, options["days"]) if options["ledger"] else []
        if faults:
            raise CommandError("\n".join([f"{len(faults)} faults:" if len(faults) > 1 else "1 fault:", *faults]))
        self.stdout.write("All is well.")

    def _ledger(self, now: datetime, days: int) -> list[str]:
        since = now - timedelta(days=days)
        sums = sums_since(since)
        self.stdout.write(f"\nThe ledger of {days} days")
        self.stdout.write("events: " + (", ".join(f"{n} {name}" for name, n in sorted(sums.events.items())) or "none"))
        by_channel: defaultdict[str, list[str]] = defaultdict(list)
        for (channel, state), count in sorted(sums.rows.items()):
            by_channel[channel].append(f"{count} {state}")
        for channel, parts in by_channel.items():
            self.stdout.write(f"{channel}: {', '.join(parts)}")
        self.stdout.write(f"made by events: {sums.made}; accounted for: {sums.total}\n")
        return faults_since(since, now)

    def _parts(self, now: datetime) -> Iterator[str]:
        """Yield the faults that `/readyz` finds."""
        for name, state in readiness.checks(now):
            self.stdout.write(f"{name}: {state}")
            if state != OK:
                yield f"{name} {state}"

    def _notes(self, now: datetime) -> None:
        failing = service_metrics.notes(now)
        for note in readiness.notes(now):
            if note not in failing:  # failing services are faults
                self.stdout.write(f"note: {note}")

    def _channels(self) -> Iterator[str]:
        devices = [each.facts for each in registry.device_channels()]
        counts = [f"{Device.objects.filter(channel=each.name).count()} {each.devices}" for each in devices]
        self.stdout.write(f"devices: {', '.join(counts)}")
        for channel in registry.channels().values():
            yield from channel.diagnose(self.stdout.write)

    def _services(self, now: datetime) -> Iterator[str]:
        paused = {(each.channel, each.service): each for each in PausedService.objects.all()}
        kinds = services.kinds()
        for (channel, service), row in paused.items():
            remedy = kinds[channel].remedy if channel in kinds else ""
            yield f"{service} refuses us since {row.paused_at:%Y-%m-%d %H:%M} UTC: {row.reason} {remedy}".strip()
        yield from service_metrics.notes(now, without=paused)

    def _messages(self) -> None:
        dead = Delivery.objects.filter(
            pk__gte=lowest_id(timezone.now() - timedelta(days=1)), state=DeliveryState.DEAD
        ).count()
        self.stdout.write(f"messages given up in the last 24 hours: {dead}")


def _ahead() -> timedelta:
    """Return how far this machine's clock is ahead of the database's, which times most rows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (there,) = cursor.fetchone()
    difference: timedelta = timezone.now() - there
    return difference


def _clock(ahead: timedelta) -> Iterator[str]:
    if abs(ahead) > CLOCKS_DIFFER:
        yield (
            f"clock of this machine is {abs(ahead).total_seconds():.0f} s"
            f" {'ahead of' if ahead > timedelta(0) else 'behind'} that of the database: set both by NTP"
            " (timedatectl set-ntp true). Signatures and codes that depend on the time may be refused meanwhile."
        )
