"""Registration of apps: the members of `POST /subscriptions` besides channel and name."""

from typing import Any

from rest_framework import serializers

from notifications.channels.base import Registration, fault_at
from notifications.channels.fcm import accounts
from notifications.channels.fcm.facts import FACTS
from notifications.models import AddressKind, Recipient
from notifications.types import Json, NewAddress
from wfpush.web.fields import Text


class AppGiven(serializers.Serializer[Any]):
    token = Text(required=False, max_length=4096, help_text="FCM's registration token; or fid.")
    fid = Text(required=False, max_length=200, help_text="The Firebase installation id; or token.")
    platform = serializers.ChoiceField(["android", "ios", "web"])

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("token" in attrs) == ("fid" in attrs):
            raise serializers.ValidationError("Send either token or fid.")
        return attrs


def address_of(submitted: Json, recipient: Recipient) -> NewAddress:
    """Return the address of an app. Raise Invalid."""
    project = accounts.project_of(recipient.brand.slug if recipient.brand else None)
    if not project:
        raise fault_at("/channel", "No Firebase project is set up here: apps cannot be reached.")
    kind = AddressKind.TOKEN if submitted.get("token") else AddressKind.FID
    return NewAddress(
        channel=FACTS.name,
        address=submitted[kind.value],
        kind=kind,
        sender=project,
        platform=submitted["platform"],
    )


REGISTRATION = Registration(serializer=AppGiven, address_of=address_of)
