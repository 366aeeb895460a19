"""Serializers of all input except events, which cloudevents.py reads. Unknown members are ignored."""

import re
from typing import Any

from django.utils.http import url_has_allowed_host_and_scheme
from rest_framework import serializers

from notifications.api.frame.fields import Email, Flag, JsonObject, ListOf, Ref, TimeZone, Whole
from notifications.channel_facts import channel_choices, device_choices
from notifications.models import Device, LockScreen
from notifications.models.validators import MAX_ID
from wfpush.web.fields import Text

SLUG = re.compile("[A-Za-z0-9_-]{1,100}")
LOCALE = r"^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*$"
MAX_SEQ = 2**63 - 1


class OptionalText(Text):
    """Text that is empty if it is left out."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"required": False, "allow_blank": True, "default": "", **kwargs})


class Person(serializers.Serializer[Any]):
    name = Text(required=False, max_length=200, allow_blank=True)
    email = Email(required=False, max_length=254, allow_blank=True, allow_null=True)
    phone = Text(required=False, max_length=40, allow_blank=True, allow_null=True)
    locale = serializers.RegexField(LOCALE, required=False, max_length=20, help_text="Such as de or pt-BR.")
    timezone = TimeZone(required=False, max_length=60, help_text="Such as Europe/Berlin.")
    manager = Ref(required=False, allow_null=True, help_text="The manager's ref. Needs the scope directory.")
    teams = ListOf(
        child=Text(max_length=100),
        required=False,
        most=1000,
        help_text="Slugs of all teams the person is in. Needs the scope directory.",
    )
    external = Flag(required=False, help_text="True: known to this engine only, such as a customer.")
    brand = Text(required=False, allow_null=True, max_length=60, help_text="A brand's slug.")


class TeamGiven(serializers.Serializer[Any]):
    name = Text(required=False, max_length=120)
    lead = Ref(required=False, allow_null=True)
    members = ListOf(child=Ref(), required=False, most=10_000, help_text="Refs of all members.")


class TokenRequest(serializers.Serializer[Any]):
    label = OptionalText(max_length=80, help_text="Such as the device's name.")  # type: ignore[assignment]


class LinkRequest(serializers.Serializer[Any]):
    next = Text(required=False, max_length=500, default="/", help_text="The page to open, a path of this site.")

    def validate_next(self, value: str) -> str:
        local = value.startswith("/") and url_has_allowed_host_and_scheme(value, allowed_hosts=None)
        if not local or not value.isprintable():
            raise serializers.ValidationError("Write a path of this site, such as /.")
        return value


class AttachmentIds(ListOf):
    """Ids of files that the caller has sent before."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs |= {"required": False, "default": list}
        kwargs["help_text"] = "Ids of files that were sent before, each used once."
        super().__init__(child=serializers.UUIDField(), most=50, **kwargs)


class AttachmentQuery(serializers.Serializer[Any]):
    """Of a file that is the body itself; in a form these are fields of it."""

    name = OptionalText(max_length=500, help_text="What the file is called.")
    id = serializers.UUIDField(required=False, help_text="Chosen by the caller: a file sent twice counts once.")


class AnswerGiven(serializers.Serializer[Any]):
    action = Text(max_length=60)
    comment = OptionalText()
    revision = OptionalText(max_length=100, allow_null=True, help_text="That of the item as the person was shown it.")
    variables = JsonObject(required=False, default=dict)
    values = JsonObject(required=False, default=dict, help_text="What is filled into the task's form, by field.")
    to = OptionalText(max_length=MAX_ID, help_text="The ref of whom a question is for.")


class AnswerWithToken(AnswerGiven):
    token = Text(max_length=200)


class SignatureGiven(serializers.Serializer[Any]):
    challenge = serializers.UUIDField(help_text="The id of the challenge.")
    credential = JsonObject(help_text="What the browser made of its options (PublicKeyCredential.toJSON).")


class AnswerOfPerson(AnswerGiven):
    attachments = AttachmentIds()
    device = serializers.UUIDField(required=False, help_text="Of whoever keeps answers: the device it was kept on.")
    signature = SignatureGiven(required=False, help_text="Of answers that a rule wants signed: see /signatures.")


class NotificationQuery(serializers.Serializer[Any]):
    shown = Text(required=False, max_length=100, help_text="A revision: `changes` says what has changed since.")


class UpTo(serializers.Serializer[Any]):
    up_to = Whole(min_value=0, max_value=MAX_SEQ)


class Opened(serializers.Serializer[Any]):
    by = serializers.ChoiceField(
        channel_choices(),
        required=False,
        help_text="The channel whose message led to it. Without, it was opened in the inbox or app itself.",
    )


class Snooze(serializers.Serializer[Any]):
    until = serializers.DateTimeField(help_text="Before it is due, within 60 days.")


class PageQuery(serializers.Serializer[Any]):
    limit = serializers.IntegerField(required=False, min_value=1, default=50, help_text="At most 200 are given.")
    cursor = serializers.CharField(required=False, max_length=200)


class ListQuery(PageQuery):
    state = serializers.ChoiceField(["open", "answered", "all"], required=False, default="all")
    unread = serializers.BooleanField(required=False, default=False)
    after = serializers.IntegerField(required=False, min_value=0, max_value=MAX_SEQ)


class ChannelGiven(serializers.Serializer[Any]):
    channel = serializers.ChoiceField(device_choices())


class DeviceGiven(ChannelGiven):
    name = OptionalText(  # a member of the body, not DRF's attribute
        max_length=Device._meta.get_field("name").max_length,
        help_text="What the person calls it. Left out: such as Firefox on Linux.",
    )
    lock_screen = serializers.ChoiceField(
        LockScreen.values, required=False, help_text="What it shows before anybody signs in. Left out: as it was."
    )
    silent = Flag(required=False, help_text="Without a sound. Left out: as it was.")
