"""A person's devices: browsers (Web Push) and apps (Firebase) that want messages."""

from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from notifications.api import docs, serializers, shown
from notifications.api.base import ApiView, PersonView, answer, http_request, nothing, session_key, validated
from notifications.api.holding import hold_sign_in
from notifications.channels.base import DeviceChannel, Public
from notifications.channels.registry import device_channel, device_channels
from notifications.delivery import device_test
from notifications.errors import NotFound
from notifications.inbox.session import recipient_of
from notifications.items.representation import iso_utc
from notifications.models import Device, Recipient, RecipientToken
from notifications.people import devices, revocation
from notifications.people.useragent import name_of
from notifications.types import Json, NewAddress
from notifications.wording.languages import chosen_language, language_of
from notifications.wording.plaintext import clean_line


def _serializer_of(channel: DeviceChannel) -> type[serializers.DeviceGiven]:
    """Return the serializer of all that a device of the channel sends. The schema has it under the name of the
    channel's own part."""
    own = channel.registration.serializer
    return type(own.__name__, (serializers.DeviceGiven, own), {"__doc__": own.__doc__})


GIVEN = {channel.name: _serializer_of(channel) for channel in device_channels()}
SUBSCRIPTION = PolymorphicProxySerializer(
    component_name="Subscription", serializers=dict(GIVEN), resource_type_field_name="channel"
)


def public_view(channel: str, public: Public) -> type[ApiView]:
    """Of what anybody may ask for: devices need it before anything else."""

    class PublicView(ApiView):
        authentication_classes = []
        permission_classes = [AllowAny]

        @extend_schema(
            operation_id=f"{channel}_{public.path}".replace("-", "_"),
            description=public.answer.__doc__ or "",
            auth=[],
            responses=docs.responses({200: public.shown}, public=True),
        )
        def get(self, request: Request) -> HttpResponse:
            http = http_request(request)
            return answer(public.answer(recipient_of(http), http.get_host()))

    return PublicView


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
        request=SUBSCRIPTION,
        responses=docs.responses({200: shown.DeviceId, 201: shown.DeviceId}, 400, 413, 415, 422),
    )
    def post(self, request: Request) -> HttpResponse:
        """Register a browser or an app. The same one again is brought up to date; somebody else's becomes one's own."""
        channel = validated(serializers.ChannelGiven, request.data)["channel"]
        payload = validated(GIVEN[channel], request.data)
        new = device_channel(channel).registration.address_of(payload, self.recipient())
        revocation.settle(self.recipient().pk, timezone.now())
        with transaction.atomic():
            hold_sign_in(self.caller(), session_key(request), timezone.now())
            device, created = devices.register(
                self.recipient(),
                new,
                name=self.name(payload, new),
                language=chosen_language(request.COOKIES),
                session=self.session(),
                token=self.caller().token,
                shows={name: payload[name] for name in ("lock_screen", "silent") if name in payload},
                now=timezone.now(),
            )
        return answer({"id": str(device.pk)}, 201 if created else 200)

    def name(self, payload: Json, new: NewAddress) -> str:
        if label := clean_line(payload.get("name", "")):
            return label
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
            devices.remove([device], devices.REMOVED, timezone.now(), notify=False)
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
    device = Device.objects.filter(recipient=recipient, pk=device_id).first()
    if device is None:
        raise NotFound("There is no such device of yours.")
    return device


def _shown(device: Device, session: str, token: RecipientToken | None) -> Json:
    return {
        "id": str(device.pk),
        "channel": device.channel,
        "name": device.name,
        "platform": device.platform or None,
        "created_at": iso_utc(device.created_at),
        "last_used_at": iso_utc(device.last_used_at),
        "current": is_callers(device, session, token),
        "lock_screen": device.lock_screen,
        "silent": device.silent,
    }


def is_callers(device: Device, session: str, token: RecipientToken | None) -> bool:
    """Whether the calling session or token has registered it."""
    return device.token_id == token.pk if token else bool(session) and device.session == session


def _of_app(platform: str) -> str:
    """The name of an app that sends none; empty if it is a page in a browser."""
    return {"android": _("App on Android"), "ios": _("App on iPhone or iPad")}.get(platform, "")
