"""A person's devices: browsers (Web Push) and apps (Firebase) that want messages."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from notifications.api import docs, serializers, shown
from notifications.api.base import ApiView, PersonView, answer, nothing, session_key, validated
from notifications.api.holding import hold_sign_in
from notifications.channels.fcm import projects as firebase
from notifications.channels.webpush import vapid
from notifications.channels.webpush.endpoints import BadSubscription, check_subscription
from notifications.delivery import device_test
from notifications.errors import Invalid, NotFound
from notifications.items.representation import stamp
from notifications.models import AddressKind, Device, DeviceChannel, Recipient, RecipientToken
from notifications.people import devices, revocation
from notifications.people.devices import NewAddress
from notifications.people.useragent import name_of
from notifications.types import Json
from notifications.wording.languages import chosen_language, language_of
from notifications.wording.plaintext import clean_line

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

GIVEN = PolymorphicProxySerializer(
    component_name="Subscription",
    serializers={
        DeviceChannel.WEBPUSH.value: serializers.BrowserGiven,
        DeviceChannel.FCM.value: serializers.AppGiven,
    },
    resource_type_field_name="channel",
)


class PublicKeyView(ApiView):
    """Public: browsers need it before anything else, and every subscription holds it."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="webpush_public_key", auth=[], responses=docs.responses({200: shown.PublicKey}, public=True)
    )
    def get(self, request: Request) -> HttpResponse:
        """The key that browsers subscribe under (`applicationServerKey`)."""
        return answer({"public_key": vapid.public_key()})


class DevicesView(PersonView):
    def session(self) -> str:
        """The digest of the caller's session; empty for a token's."""
        return "" if self.caller().token else devices.session_digest(session_key(self.request))


class SubscriptionsView(DevicesView):
    @extend_schema(operation_id="subscriptions", responses=docs.responses({200: shown.DevicePage}))
    def get(self, request: Request) -> HttpResponse:
        """One's own devices, the one used last first."""
        session, token = self.session(), self.caller().token
        rows = Device.objects.filter(recipient=self.recipient())
        return answer({"items": [_shown(row, session, token) for row in rows], "next": None})

    @extend_schema(
        operation_id="subscribe",
        request=GIVEN,
        responses=docs.responses({200: shown.DeviceId, 201: shown.DeviceId}, 400, 413, 415, 422),
    )
    def post(self, request: Request) -> HttpResponse:
        """Register a browser or an app. The same one again is brought up to date; somebody else's becomes one's own."""
        channel = validated(serializers.ChannelGiven, request.data)["channel"]
        read, address_of = _KINDS[channel]
        given = validated(read, request.data)
        new = address_of(given, self.recipient())
        revocation.settle(self.recipient().pk, timezone.now())
        with transaction.atomic():
            hold_sign_in(self.caller(), session_key(request), timezone.now())
            device, created = devices.register(
                self.recipient(),
                new,
                name=self.name(given, new),
                language=chosen_language(request.COOKIES),
                session=self.session(),
                token=self.caller().token,
                now=timezone.now(),
            )
        return answer({"id": str(device.pk)}, 201 if created else 200)

    def name(self, given: Json, new: NewAddress) -> str:
        if said := clean_line(given.get("name", "")):
            return said
        recipient, cookies = self.recipient(), self.request.COOKIES
        with translation.override(chosen_language(cookies) or language_of(recipient)):
            return _of_app(new.platform) or name_of(self.request.headers.get("User-Agent", ""))


class SubscriptionView(DevicesView):
    @extend_schema(operation_id="unsubscribe", responses=docs.responses({204: None}, 404))
    def delete(self, request: Request, device_id: UUID) -> HttpResponse:
        """Remove a device: it gets nothing more, and what it shows can no longer be answered there. Unless it is the
        caller's own, the session or token that it came with ends too."""
        device = own(self.recipient(), device_id)
        if is_callers(device, self.session(), self.caller().token):
            devices.remove([device], devices.REMOVED, timezone.now(), told=False)
        else:
            devices.end([device], devices.REMOVED, timezone.now())
        return nothing()


class TestView(PersonView):
    @extend_schema(operation_id="test", request=None, responses=docs.responses({202: shown.DeviceId}, 404))
    def post(self, request: Request, device_id: UUID) -> HttpResponse:
        """Send a test message to a device soon."""
        device = own(self.recipient(), device_id)
        device_test.ask(device, timezone.now())
        return answer({"id": str(device.pk)}, 202)


def own(recipient: Recipient, device_id: UUID) -> Device:
    """Raises NotFound, for somebody else's too."""
    found = Device.objects.filter(recipient=recipient, pk=device_id).first()
    if found is None:
        raise NotFound("There is no such device of yours.")
    return found


def _shown(device: Device, session: str, token: RecipientToken | None) -> Json:
    return {
        "id": str(device.pk),
        "channel": device.channel,
        "name": device.name,
        "platform": device.platform or None,
        "created_at": stamp(device.created_at),
        "last_used_at": stamp(device.last_used_at),
        "current": is_callers(device, session, token),
    }


def is_callers(device: Device, session: str, token: RecipientToken | None) -> bool:
    """Whether the session or the token that asks has registered it."""
    return device.token_id == token.pk if token else bool(session) and device.session == session


def _of_app(platform: str) -> str:
    """What an app is called that does not say its name; empty: it is a page in a browser."""
    return {"android": _("App on Android"), "ios": _("App on iPhone or iPad")}.get(platform, "")


# --- addresses ----------------------------------------------------------------------------------------------------
def _browser(given: Json, recipient: Recipient) -> NewAddress:
    """Raises Invalid."""
    subscription = given["subscription"]
    endpoint, keys = subscription["endpoint"], subscription["keys"]
    try:
        check_subscription(endpoint, keys["p256dh"], keys["auth"])
    except BadSubscription as bad:
        raise _invalid(f"/subscription{bad.pointer}", bad.detail) from None
    sender = given.get("public_key") or vapid.public_key()
    if sender not in vapid.public_keys():
        raise _invalid(
            "/public_key", "This is no key of ours. Subscribe again under that of /api/v1/webpush/public-key."
        )
    return NewAddress(
        channel=DeviceChannel.WEBPUSH,
        address=endpoint,
        kind=AddressKind.ENDPOINT,
        sender=sender,
        p256dh=keys["p256dh"],
        auth=keys["auth"],
        expires_at=_moment(subscription.get("expirationTime")),
    )


def _app(given: Json, recipient: Recipient) -> NewAddress:
    """Raises Invalid."""
    project = firebase.project_of(recipient.brand.slug if recipient.brand else None)
    if not project:
        raise _invalid("/channel", "No Firebase project is set up here: apps cannot be reached.")
    kind = AddressKind.TOKEN if given.get("token") else AddressKind.FID
    return NewAddress(
        channel=DeviceChannel.FCM,
        address=given[kind.value],
        kind=kind,
        sender=project,
        platform=given["platform"],
    )


_KINDS: dict[str, tuple[type[Any], Callable[[Json, Recipient], NewAddress]]] = {
    DeviceChannel.WEBPUSH: (serializers.BrowserGiven, _browser),
    DeviceChannel.FCM: (serializers.AppGiven, _app),
}


def _moment(milliseconds: float | None) -> datetime | None:
    """A DOMTimeStamp as a time."""
    return None if milliseconds is None else EPOCH + timedelta(milliseconds=milliseconds)


def _invalid(pointer: str, detail: str) -> Invalid:
    return Invalid(detail, [{"pointer": pointer, "detail": detail}])
