"""`manage.py vapid`: shows the keys that sign web push, and who subscribed with them; makes and removes them."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Count
from django.utils import timezone

from notifications.channels.webpush import brand_keys, vapid
from notifications.channels.webpush.facts import FACTS
from notifications.models import Brand, Device, PushKey
from wfpush.security import vapid_keys

ROTATION = (
    "# A new key. Put it in front of VAPID_PRIVATE_KEY, before a comma and the keys that are there, and restart web\n"
    "# and worker. Browsers subscribe again under it, each at its next visit. Take an old key away when\n"
    "# `manage.py vapid` counts no more browsers for it: what is still subscribed under it then gets no push.\n"
)


class Command(BaseCommand):
    help = (
        "List the public keys of VAPID_PRIVATE_KEY and of brands, newest first, and how many browsers subscribed under"
        " each."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--new", action="store_true", help="print a fresh private key; with --brand, store it")
        parser.add_argument("--brand", default="", help="slug of a brand: make, or remove, a key of its own")
        parser.add_argument(
            "--remove", default="", metavar="KEY", help="with --brand: remove the key of this public key"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["brand"]:
            self._of_brand(options)
        elif options["remove"]:
            raise CommandError("Say whose key it is, with --brand; others are in VAPID_PRIVATE_KEY.")
        elif options["new"]:
            self.stdout.write(f"{ROTATION}VAPID_PRIVATE_KEY={vapid_keys.new_private_key()}")
        else:
            self._list()

    def _of_brand(self, options: dict[str, Any]) -> None:
        brand = Brand.objects.filter(slug=options["brand"]).first()
        if brand is None:
            raise CommandError(f"There is no brand {options['brand']}.")
        if options["new"]:
            self.stdout.write(brand_keys.make(brand, timezone.now()).public_key)
        if options["remove"]:
            gone, _ = brand.push_keys.filter(public_key=options["remove"]).delete()
            if not gone:
                raise CommandError(f"{brand.slug} has no such key.")
        if not options["new"] and not options["remove"]:
            self._list(brand)

    def _list(self, of: Brand | None = None) -> None:
        devices = Device.objects.filter(channel=FACTS.name).order_by()
        browsers = dict(devices.values_list("sender").annotate(Count("pk")))
        keys = {"": vapid.signer().public_keys}
        for row in PushKey.objects.select_related("brand").order_by("brand__slug", "-created_at", "-pk"):
            keys.setdefault(f"{row.brand.slug}: ", []).append(row.public_key)
        for prefix, theirs in keys.items():
            for number, key in enumerate(theirs):
                count = browsers.pop(key, 0)
                if of is None or prefix == f"{of.slug}: ":
                    self.stdout.write(f"{prefix}{key}  {_counted(count)}{'' if number else ', newest'}")
        for key, count in browsers.items() if of is None else ():
            self.stdout.write(f"{key}  {_counted(count)}, key unknown: no push until they subscribe again")


def _counted(count: int) -> str:
    return "1 browser" if count == 1 else f"{count} browsers"
