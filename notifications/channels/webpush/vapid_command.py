"""`manage.py vapid`: shows the keys that sign web push, and who subscribed with them; makes new ones."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db.models import Count

from notifications.channels.webpush import vapid
from notifications.channels.webpush.facts import FACTS
from notifications.models import Device
from wfpush.security import p256

ROTATION = (
    "# A new key. Put it in front of VAPID_PRIVATE_KEY, before a comma and the keys that are there, and restart web\n"
    "# and worker. Browsers subscribe again under it, each at its next visit. Take an old key away when\n"
    "# `manage.py vapid` counts no more browsers for it: what is still subscribed under it then gets no push.\n"
)


class Command(BaseCommand):
    help = "List the public keys of VAPID_PRIVATE_KEY, newest first, and how many browsers subscribed under each."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--new", action="store_true", help="print a fresh private key; changes nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["new"]:
            self.stdout.write(f"{ROTATION}VAPID_PRIVATE_KEY={p256.new_private_key()}")
            return
        devices = Device.objects.filter(channel=FACTS.name).order_by()
        browsers = dict(devices.values_list("sender").annotate(Count("pk")))
        for number, key in enumerate(vapid.public_keys()):
            self.stdout.write(f"{key}  {_counted(browsers.pop(key, 0))}{'' if number else ', newest'}")
        for key, count in browsers.items():
            self.stdout.write(f"{key}  {_counted(count)}, key unknown: no push until they subscribe again")


def _counted(count: int) -> str:
    return "1 browser" if count == 1 else f"{count} browsers"
