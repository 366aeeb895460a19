"""Registration of browsers: the members of `POST /subscriptions` besides channel and name, and the public key."""

from datetime import UTC, datetime, timedelta
from typing import Any

from rest_framework import serializers

from notifications.channels.base import Public, Registration, fault_at
from notifications.channels.webpush import brand_keys
from notifications.channels.webpush.endpoints import BadSubscription, check_subscription
from notifications.channels.webpush.facts import FACTS
from notifications.models import AddressKind, Brand, Recipient
from notifications.types import Json, NewAddress
from wfpush.web.fields import Milliseconds, Text

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class PushKeys(serializers.Serializer[Any]):
    p256dh = Text(max_length=120, help_text="base64url, an uncompressed point on P-256")
    auth = Text(max_length=40, help_text="base64url, 16 bytes")


class PushSubscription(serializers.Serializer[Any]):
    """The value of `PushSubscription.toJSON()` in a browser."""

    endpoint = Text(max_length=2048)
    expirationTime = Milliseconds(required=False, allow_null=True)  # the browsers' own name
    keys = PushKeys()


class BrowserGiven(serializers.Serializer[Any]):
    subscription = PushSubscription()
    public_key = Text(
        required=False,
        max_length=200,
        help_text="The key it subscribed under. Left out: that of /api/v1/webpush/public-key.",
    )


class PublicKey(serializers.Serializer[Any]):
    public_key = serializers.CharField(help_text="base64url: an uncompressed point on P-256.")


def public_key(person: Recipient | None, host: str) -> Json:
    """The key that browsers subscribe under (`applicationServerKey`): that of the brand of whoever is signed in, else
    of the brand whose pages have this address, else of the installation."""
    own = person.brand if person is not None else None
    return {"public_key": brand_keys.key_for(own or Brand.objects.filter(domain__endswith=f"//{host}").first())}


def address_of(submitted: Json, recipient: Recipient) -> NewAddress:
    """Return the address of a browser. Raise Invalid."""
    subscription = submitted["subscription"]
    endpoint, keys = subscription["endpoint"], subscription["keys"]
    try:
        check_subscription(endpoint, keys["p256dh"], keys["auth"])
    except BadSubscription as bad:
        raise fault_at(f"/subscription{bad.pointer}", bad.detail) from None
    sender = submitted.get("public_key") or brand_keys.key_for(recipient.brand)
    if not brand_keys.is_ours(sender):
        raise fault_at(
            "/public_key", "This is no key of ours. Subscribe again under that of /api/v1/webpush/public-key."
        )
    milliseconds = subscription.get("expirationTime")
    return NewAddress(
        channel=FACTS.name,
        address=endpoint,
        kind=AddressKind.ENDPOINT,
        sender=sender,
        p256dh=keys["p256dh"],
        auth=keys["auth"],
        expires_at=None if milliseconds is None else EPOCH + timedelta(milliseconds=milliseconds),
    )


REGISTRATION = Registration(
    serializer=BrowserGiven, address_of=address_of, public=Public(path="public-key", answer=public_key, shown=PublicKey)
)
