"""Keys of brands: browsers of a brand's people subscribe under its newest one. Brands without a key have ours.

Private keys are encrypted in the database. Each process reads one when it first sends to a browser that subscribed
under it, and caches it: a key never changes.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from django.db.models import Count

from notifications.channels.base import BrandKey
from notifications.channels.webpush import vapid
from notifications.channels.webpush.facts import FACTS
from notifications.models import Brand, Device, PushKey
from wfpush.crypto import UndecryptableSecret
from wfpush.security import vapid_keys


def key_for(brand: Brand | None) -> str:
    """Return the public key that browsers of the brand's people subscribe under."""
    own = PushKey.objects.filter(brand=brand).values_list("public_key", flat=True).first() if brand else None
    return own or vapid.signer().public_key


def is_ours(public_key: str) -> bool:
    return public_key in vapid.signer().public_keys or PushKey.objects.filter(public_key=public_key).exists()


def make(brand: Brand, now: datetime) -> PushKey:
    """Make a new key, which is the brand's own from now on."""
    private = vapid_keys.new_private_key()
    return PushKey.objects.create(brand=brand, public_key=_public(private), private_key=private, created_at=now)


def browsers_of(brand: Brand) -> list[tuple[PushKey, int]]:
    """Return the brand's keys, the newest first, and how many browsers subscribed under each."""
    keys = list(PushKey.objects.filter(brand=brand))
    senders = [key.public_key for key in keys]
    counted = Device.objects.filter(channel=FACTS.name, sender__in=senders).order_by().values_list("sender")
    browsers = dict(counted.annotate(Count("pk")))
    return [(key, browsers.get(key.public_key, 0)) for key in keys]


def shown(brand: Brand) -> list[BrandKey]:
    return [BrandKey(key.public_key, _is_readable(key), key.created_at, count) for key, count in browsers_of(brand)]


def _is_readable(key: PushKey) -> bool:
    try:
        return bool(key.private_key)
    except UndecryptableSecret:
        return False


def remove_unused(brand: Brand) -> int:
    """Remove older keys of the brand under which no browser is subscribed any more. Return their number."""
    behind = list(PushKey.objects.filter(brand=brand).values_list("pk", flat=True)[1:])
    in_use = Device.objects.filter(channel=FACTS.name).values("sender")
    return PushKey.objects.filter(pk__in=behind).exclude(public_key__in=in_use).delete()[0]


def faults() -> Iterator[str]:
    """Yield keys that do not belong together. Secrets that cannot be decrypted are reported elsewhere, all together."""
    for key in PushKey.objects.select_related("brand"):
        with suppress(UndecryptableSecret):
            if _public(key.private_key) != key.public_key:
                yield (
                    f"The push key {key.public_key[:12]}… of the brand {key.brand.slug} has the private key of another:"
                    " make a new one, and remove it."
                )


def _public(private: str) -> str:
    try:
        return vapid_keys.public_key(vapid_keys.load(private))
    except ValueError:
        return ""


def learn(sender: str) -> None:
    """Load the key. Called before a message is made for a browser that subscribed under it."""
    if not sender or vapid.signer().knows(sender):
        return
    row = PushKey.objects.filter(public_key=sender).first()
    try:
        vapid.signer().hold(sender, row.private_key if row is not None else "")
    except UndecryptableSecret:
        vapid.signer().hold(sender, "")  # `manage.py doctor` reports it
