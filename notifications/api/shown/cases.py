"""Cases, what is written about them, and who follows or mutes them."""

from rest_framework import serializers

from notifications.api.shown.base import PersonName, Shown
from notifications.models import AddresseeState, MessageKind


class AddresseeShown(PersonName):
    on_behalf_of = PersonName(allow_null=True)
    state = serializers.ChoiceField(AddresseeState.values)


class AttachmentShown(Shown):
    id = serializers.UUIDField()
    name = serializers.CharField()
    type = serializers.CharField(help_text="The media type, as its content says.")
    size = serializers.IntegerField(help_text="In bytes.")
    url = serializers.CharField(help_text="Where it is read, with the same key or session.")


class MessageShown(Shown):
    id = serializers.UUIDField()
    number = serializers.IntegerField(help_text="Its place in the task's conversation, from 1.")
    kind = serializers.ChoiceField(MessageKind.values)
    by = PersonName(allow_null=True, help_text="Null: the engine.")
    to = AddresseeShown(many=True)
    text = serializers.CharField(help_text="The names of its files where nothing else was written.")
    attachments = AttachmentShown(many=True)
    reply_to = serializers.UUIDField(allow_null=True, help_text="The question's id.")
    at = serializers.DateTimeField()
    via = serializers.CharField(allow_null=True)
    late = serializers.BooleanField(help_text="It came after the decision.")
    engine = serializers.ChoiceField(
        ["waiting", "delivered", "kept", "handled", "refused", "failed"],
        allow_null=True,
        help_text="What became of it on its way to the engine. Null: it came from there.",
    )


class MessagePage(Shown):
    items = MessageShown(many=True)
    next = serializers.IntegerField(allow_null=True, help_text="The `after` of the next page.")


class MilestoneShown(Shown):
    label = serializers.CharField()  # type: ignore[assignment]
    state = serializers.ChoiceField(["done", "now", "ahead"])
    at = serializers.DateTimeField(allow_null=True, help_text="When it was reached.")


class CaseShown(Shown):
    id = serializers.CharField()
    title = serializers.CharField()
    type = serializers.CharField(allow_null=True)
    status = serializers.CharField(allow_null=True, help_text="As events name it.")
    milestones = MilestoneShown(many=True, help_text="Empty where no way of a case fits, or none of its steps.")
    note = serializers.CharField(allow_null=True, help_text="What customers read while the case is there.")
    news = serializers.CharField(allow_null=True, help_text="The status in words, where it is none of the milestones.")
    can_write = serializers.BooleanField(help_text="Whether somebody reads what the person writes about it.")
    question = serializers.UUIDField(allow_null=True, help_text="The message that the next one of theirs replies to.")


class CaseNamed(Shown):
    engine = serializers.CharField(help_text="Its slug.")
    id = serializers.CharField()
    title = serializers.CharField()
    type = serializers.CharField(allow_null=True)


class FollowedCases(Shown):
    items = CaseNamed(many=True)
    next = serializers.CharField(allow_null=True, help_text="The cursor of the next page.")


class CaseMuted(CaseNamed):
    since = serializers.DateTimeField()


class MutedCases(Shown):
    items = CaseMuted(many=True)
    next = serializers.CharField(allow_null=True, help_text="The cursor of the next page.")


class KindFollowed(Shown):
    engine = serializers.CharField(help_text="Its slug.")
    type = serializers.CharField()
    since = serializers.DateTimeField()


class FollowedKinds(Shown):
    items = KindFollowed(many=True)
    next = serializers.CharField(allow_null=True, help_text="The cursor of the next page.")


class CaseMessages(Shown):
    items = MessageShown(many=True)
