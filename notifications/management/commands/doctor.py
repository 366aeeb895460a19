"""`manage.py doctor`: lists what is wrong and what to do about it; with `--ledger`, compares the sums of sent
messages."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from notifications.channels import registry
from notifications.items.ledger_audit import Sums, faults_since, sums_since
from notifications.models import Delivery, DeliveryState, Device, PausedService
from wfpush.identifiers import lowest_id
from wfpush.observability import metrics
from wfpush.postgres import schema
from wfpush.security import lost_secrets


class Command(BaseCommand):
    help = "Look whether everything works, and say what to do about what does not. Ends with 1 if anything is wrong."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--ledger", action="store_true", help="also sum up the messages, and look for lost ones")
        parser.add_argument("--days", type=int, default=7, help="how far back the ledger is read (default 7)")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        faults = list(self._parts(now))
        if not schema.last_found().fault:  # else there may be no such tables
            faults += [*lost_secrets.faults(), *self._channels(), *self._messages()]
            if options["ledger"]:
                since = now - timedelta(days=options["days"])
                self._tell(sums_since(since), options["days"])
                faults += faults_since(since, now)
        if faults:
            raise CommandError("\n".join([f"{len(faults)} faults:" if len(faults) > 1 else "1 fault:", *faults]))
        self.stdout.write("All is well.")

    def _parts(self, now: datetime) -> Iterator[str]:
        """What `/readyz` checks."""
        for name, found in metrics.checks(now):
            self.stdout.write(f"{name}: {found}")
            if found != metrics.OK:
                yield f"{name} {found}"
        for note in metrics.notes(now):
            self.stdout.write(f"note: {note}")

    def _channels(self) -> Iterator[str]:
        devices = [each.facts for each in registry.device_channels()]
        counts = [f"{Device.objects.filter(channel=each.name).count()} {each.devices}" for each in devices]
        self.stdout.write(f"devices: {', '.join(counts)}")
        for channel in registry.channels().values():
            yield from channel.diagnose(self.stdout.write)

    def _messages(self) -> Iterator[str]:
        for paused in PausedService.objects.all():
            yield f"{paused.service} refuses us since {paused.paused_at:%Y-%m-%d %H:%M} UTC: {paused.reason}"
        dead = Delivery.objects.filter(
            pk__gte=lowest_id(timezone.now() - timedelta(days=1)), state=DeliveryState.DEAD
        ).count()
        self.stdout.write(f"messages given up in the last 24 hours: {dead}")

    def _tell(self, found: Sums, days: int) -> None:
        self.stdout.write(f"\nThe ledger of {days} days")
        self.stdout.write("events: " + (", ".join(f"{n} {name}" for name, n in sorted(found.events.items())) or "none"))
        by_channel: defaultdict[str, list[str]] = defaultdict(list)
        for (channel, state), count in sorted(found.rows.items()):
            by_channel[channel].append(f"{count} {state}")
        for channel, said in by_channel.items():
            self.stdout.write(f"{channel}: {', '.join(said)}")
        self.stdout.write(f"made by events: {found.made}; accounted for: {found.total}\n")
