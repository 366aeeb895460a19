"""A person's devices: browsers (Web Push) and apps (Firebase) that get messages."""

from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.serializers import BooleanField, CharField, ChoiceField, UUIDField

from notifications.api.frame import docs, serializers
from notifications.api.frame.base import ApiView, PersonView, answer, http_request, nothing, session_key, validated
from notifications.api.frame.fields import Instant, TextOrNull
from notifications.api.frame.shown import Shown
from notifications.channel_facts import device_channels as device_names
from notifications.channels.base import Public
from notifications.channels.registry import device_channel, device_channels
from notifications.delivery import device_test
from notifications.errors import NotFound
from notifications.inbox.sign_in.session import recipient_of
from notifications.models import Device, LockScreen, Recipient, RecipientToken
from notifications.people import devices, revocation
from notifications.people.useragent import name_of
from notifications.types import Json, NewAddress
from notifications.wording.languages import language_of
from notifications.wording.plaintext import clean_line

GIVEN = {
    channel.name: type(part.__name__, (serializers.DeviceGiven, part), {"__doc__": part.__doc__})
    for channel in device_channels()
    for part in [channel.registration.serializer]
}
"""The serializers of devices by channel. The schema has each under the name of the channel's own part."""
SUBSCRIPTION = PolymorphicProxySerializer(
    component_name="Subscription", serializers=dict(GIVEN), resource_type_field_name="channel"
)


def public_view(channel: str, public: Public) -> type[ApiView]:
    """Return the view of a channel's public data, which devices need before anything else."""

    class PublicView(ApiView):
        authentication_classes = []
        permission_classes = [AllowAny]

        @docs.operation(
            f"{channel}_{public.path}".replace("-", "_"),
            {200: public.shown},
            public=True,
            description=public.answer.__doc__ or "",
        )
        def get(self, request: Request) -> HttpResponse:
            http = http_request(request)
            return answer(public.answer(recipient_of(http), http.get_host()))

    return PublicView


class DeviceId(Shown):
    id = UUIDField()


class CurrentField(BooleanField):
    def get_attribute(self, instance: Device) -> bool:
        return is_callers(instance, *self.context["caller"])


class DeviceShown(Shown):
    id = UUIDField()
    channel = ChoiceField(device_names())
    name = CharField()
    platform = TextOrNull()
    created_at = Instant()
    last_used_at = Instant()
    current = CurrentField(help_text="Registered by this session or token.")
    lock_screen = ChoiceField(LockScreen.values)
    silent = BooleanField()


class DevicePage(Shown):
    items = DeviceShown(many=True)
    next = CharField(allow_null=True, help_text="Always null: all devices are on one page.")


class DevicesView(PersonView):
    def session(self) -> str:
        """Return the digest of the caller's session; empty for a token."""
        return "" if self.caller().token else devices.session_digest(session_key(self.request))


class SubscriptionsView(DevicesView):
    @docs.operation("subscriptions", {200: DevicePage})
    def get(self, request: Request) -> HttpResponse:
        """One's own devices, the one used last first."""
        rows = Device.objects.filter(recipient=self.recipient())
        caller = self.session(), self.caller().token
        return answer({"items": DeviceShown(rows, many=True, context={"caller": caller}).data, "next": None})

    @docs.operation("subscribe", {200: DeviceId, 201: DeviceId}, request=SUBSCRIPTION)
    def post(self, request: Request) -> HttpResponse:
        """Register a browser or an app. The same one again is brought up to date; somebody else's becomes one's own."""
        channel = validated(serializers.ChannelGiven, request.data)["channel"]
        payload = validated(GIVEN[channel], request.data)
        new = device_channel(channel).registration.address_of(payload, self.recipient())
        revocation.settle(self.recipient().pk, timezone.now())
        with transaction.atomic():
            self.hold_sign_in(timezone.now())
            device, created = devices.register(
                self.recipient(),
                new,
                name=self.name(payload, new),
                session=self.session(),
                token=self.caller().token,
                shows={name: payload[name] for name in ("lock_screen", "silent") if name in payload},
                now=timezone.now(),
            )
        return answer({"id": str(device.pk)}, 201 if created else 200)

    def name(self, payload: Json, new: NewAddress) -> str:
        if label := clean_line(payload.get("name", "")):
            return label
        with translation.override(language_of(self.recipient())):
            apps = {"android": _("App on Android"), "ios": _("App on iPhone or iPad")}
            return apps.get(new.platform) or name_of(self.request.headers.get("User-Agent", ""))


class SubscriptionView(DevicesView):
    @docs.operation("unsubscribe", {204: None}, 404)
    def delete(self, request: Request, device_id: UUID) -> HttpResponse:
        """Remove a device: it gets nothing more, and what it shows can no longer be answered there. Unless it is the
        caller's own, the session or token that it came with ends too."""
        device = own(self.recipient(), device_id)
        if is_callers(device, self.session(), self.caller().token):
            devices.remove([device], devices.REMOVED, timezone.now(), notify=False)
        else:
            devices.end([device], devices.REMOVED, timezone.now())
        return nothing()


class TestView(PersonView):
    @docs.operation("test", {202: DeviceId}, 404)
    def post(self, request: Request, device_id: UUID) -> HttpResponse:
        """Send a test message to a device soon."""
        device = own(self.recipient(), device_id)
        device_test.ask(device, timezone.now())
        return answer({"id": str(device.pk)}, 202)


def own(recipient: Recipient, device_id: UUID) -> Device:
    """Return the person's device of this id. Raises NotFound, for other people's devices too."""
    device = Device.objects.filter(recipient=recipient, pk=device_id).first()
    if device is None:
        raise NotFound("There is no such device of yours.")
    return device


def is_callers(device: Device, session: str, token: RecipientToken | None) -> bool:
    """Return whether the calling session or token has registered the device."""
    return device.token_id == token.pk if token else bool(session) and device.session == session
