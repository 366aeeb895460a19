"""Keys of brands: browsers of a brand's people subscribe under its newest one. Brands without a key have ours.

Private keys are encrypted in the database. Each process reads one when it first sends to a browser that subscribed
under it, and keeps it: what a key signs for never changes.
"""

from datetime import datetime

from notifications.channels.webpush import vapid
from notifications.models import Brand, PushKey
from wfpush.crypto import UndecryptableSecret
from wfpush.security import p256


def key_for(brand: Brand | None) -> str:
    """The public key that browsers of the brand's people subscribe under."""
    own = PushKey.objects.filter(brand=brand).values_list("public_key", flat=True).first() if brand else None
    return own or vapid.public_key()


def is_ours(public_key: str) -> bool:
    return public_key in vapid.public_keys() or PushKey.objects.filter(public_key=public_key).exists()


def make(brand: Brand, now: datetime) -> PushKey:
    """A new key, which is the brand's own from now on."""
    private = p256.new_private_key()
    public = p256.encoded(p256.point_of(p256.private_key(private).public_key()))
    return PushKey.objects.create(brand=brand, public_key=public, private_key=private, created_at=now)


def learn(sender: str) -> None:
    """Called before a message is made for a browser that subscribed under this key."""
    if not sender or vapid.knows(sender):
        return
    row = PushKey.objects.filter(public_key=sender).first()
    try:
        vapid.hold(sender, row.private_key if row is not None else "")
    except UndecryptableSecret:
        vapid.hold(sender, "")  # `manage.py doctor` tells of it
