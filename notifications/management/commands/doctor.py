"""`manage.py doctor`: what is wrong here, each with what to do; with `--ledger`, the sums of what was sent."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from notifications.channels.appworks.transport import KEY_REFUSED, AppWorks
from notifications.channels.webpush import vapid
from notifications.items.ledger_audit import Sums, faults_since, sums_since
from notifications.models import Category, Delivery, DeliveryState, Device, DeviceChannel, PausedService
from notifications.people import devices
from wfpush.config.appworks import Gateway
from wfpush.identifiers import lowest_id
from wfpush.net.http import OutboundError, check_url
from wfpush.observability import metrics
from wfpush.security import lost_secrets


class Command(BaseCommand):
    help = "Look whether everything works, and say what to do about what does not. Ends with 1 if anything is wrong."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--ledger", action="store_true", help="also sum up the messages, and look for lost ones")
        parser.add_argument("--days", type=int, default=7, help="how far back the ledger is read (default 7)")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        faults = [*self._parts(now), *lost_secrets.faults(), *self._devices(), *self._gateway()]
        if options["ledger"]:
            since = now - timedelta(days=options["days"])
            self._tell(sums_since(since), options["days"])
            faults += faults_since(since, now)
        if faults:
            raise CommandError("\n".join([f"{len(faults)} faults:" if len(faults) > 1 else "1 fault:", *faults]))
        self.stdout.write("All is well.")

    def _parts(self, now: datetime) -> Iterator[str]:
        """What `/readyz` looks at."""
        for name, found in metrics.checks(now):
            self.stdout.write(f"{name}: {found}")
            if found != metrics.OK:
                yield f"{name} {found}"
        for note in metrics.notes(now):
            self.stdout.write(f"note: {note}")

    def _devices(self) -> Iterator[str]:
        count = {channel: Device.objects.filter(channel=channel).count() for channel in DeviceChannel.values}
        self.stdout.write(f"devices: {count[DeviceChannel.WEBPUSH]} browsers, {count[DeviceChannel.FCM]} apps")
        browsers = Device.objects.filter(channel=DeviceChannel.WEBPUSH)
        orphans = browsers.exclude(sender__in=vapid.public_keys()).count()
        if orphans:
            yield (
                f"{orphans} browsers subscribed under a key that VAPID_PRIVATE_KEY no longer has: put it back after"
                " the newest one, until they have come back."
            )
        for service, browsers_there in devices.not_admitted().items():
            yield (
                f"{service} is not in PUSH_ALLOWED_HOSTS: browsers registered there ({browsers_there}) get no messages."
                " Add it, or remove them."
            )
        for paused in PausedService.objects.all():
            yield f"{paused.service} refuses us since {paused.paused_at:%Y-%m-%d %H:%M} UTC: {paused.reason}"
        dead = Delivery.objects.filter(
            pk__gte=lowest_id(timezone.now() - timedelta(days=1)), state=DeliveryState.DEAD
        ).count()
        self.stdout.write(f"messages given up in the last 24 hours: {dead}")

    def _gateway(self) -> Iterator[str]:
        """The AppWorks Gateway, where there is one or somebody counts on it."""
        gateway: Gateway | None = settings.APPWORKS_GATEWAY
        named = ", ".join(map(str, Category.objects.filter(channels__contains=[AppWorks.channel])))
        if gateway is None:
            if named:
                yield (
                    f"appworks is among the channels of {named}, and no gateway is set up: set APPWORKS_GATEWAY_URL and"
                    " APPWORKS_GATEWAY_KEY, or take it out."
                )
            return
        self.stdout.write(f"AppWorks Gateway: {gateway.url}")
        try:
            check_url(gateway.address, settings.OUTBOUND_ALLOWED_CIDRS)
        except OutboundError as fault:
            yield f"APPWORKS_GATEWAY_URL: {fault.detail}"
        refused = Delivery.objects.filter(
            channel=AppWorks.channel, state=DeliveryState.PENDING, reason__startswith=KEY_REFUSED
        ).count()
        if refused:
            yield f"{refused} messages wait because the AppWorks Gateway refuses us: look at APPWORKS_GATEWAY_KEY."

    def _tell(self, found: Sums, days: int) -> None:
        self.stdout.write(f"\nThe ledger of {days} days")
        self.stdout.write("events: " + (", ".join(f"{n} {name}" for name, n in sorted(found.events.items())) or "none"))
        by_channel: defaultdict[str, list[str]] = defaultdict(list)
        for (channel, state), count in sorted(found.rows.items()):
            by_channel[channel].append(f"{count} {state}")
        for channel, said in by_channel.items():
            self.stdout.write(f"{channel}: {', '.join(said)}")
        self.stdout.write(f"made by events: {found.made}; accounted for: {found.total}\n")
