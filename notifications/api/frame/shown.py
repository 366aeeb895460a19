"""Descriptions of shared answers and of inbox items for /api/schema. These classes only describe: most members of an
item are computed, by `notifications/items/representation.py`."""

from typing import Any, get_args

from rest_framework import serializers

from notifications.forms.fields import Kind
from notifications.models import (
    Assurance,
    CallbackState,
    FactKind,
    NotificationState,
    Priority,
    Recipient,
    TaskState,
    via_choices,
)
from notifications.types import Json

CONNECT = "The engine's name, where the answer waits until its person has connected their account there."

# Docstrings of these classes appear in the description.
Shown = serializers.Serializer[Any]


def page_of(member: type[Shown], name: str) -> type[Shown]:
    """Return the serializer of a page of `member`. `name` is its own in the description."""
    items = member(many=True)  # made before `next`, so that it is described before it
    after = serializers.CharField(allow_null=True, help_text="The cursor of the next page.")
    return type(name, (Shown,), {"items": items, "next": after})


class Fault(Shown):
    pointer = serializers.CharField(help_text="JSON pointer (RFC 6901) into the body; empty: the whole.")
    detail = serializers.CharField()


class Problem(Shown):
    """RFC 9457. Some codes add members, such as `answered_by`."""

    type = serializers.CharField(help_text="/problems/<code>")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    errors = Fault(many=True, required=False)  # type: ignore[assignment]  # members that Serializer has too


class PersonName(Shown):
    ref = serializers.CharField()
    name = serializers.CharField()

    def to_representation(self, instance: Recipient) -> Json:
        return {**instance.as_person()}


# --- files -----------------------------------------------------------------------------------------------------------
class AttachmentShown(Shown):
    id = serializers.UUIDField()
    name = serializers.CharField()
    type = serializers.CharField(help_text="The media type, as its content says.")
    size = serializers.IntegerField(help_text="In bytes.")
    url = serializers.CharField(help_text="Where it is read, with the same key or session.")


# --- the inbox --------------------------------------------------------------------------------------------------------
class ResponseShown(Shown):
    id = serializers.UUIDField()
    action = serializers.CharField()
    comment = serializers.CharField()
    by = PersonName()
    at = serializers.DateTimeField()
    via = serializers.ChoiceField([name for name, _ in via_choices()])
    assurance = serializers.ChoiceField(
        Assurance.choices, allow_null=True, required=False, help_text="How the person signed in; null: unknown."
    )
    engine = serializers.ChoiceField([*CallbackState.values, "kept"])
    system = serializers.CharField(required=False, help_text="The engine's name. Customers do not get it.")
    values = serializers.DictField(required=False, help_text="By field; null for those that are sensitive.")
    connect = serializers.CharField(required=False, help_text=CONNECT)
    late = serializers.BooleanField(required=False, help_text="Of a reply: it came after the decision.")
    to = PersonName(required=False, allow_null=True, help_text="Of a reply: who had asked; null: the engine.")


class TaskOfNotification(Shown):
    id = serializers.CharField()
    state = serializers.ChoiceField(TaskState.values)
    kind = serializers.CharField(allow_null=True)


class CaseOfNotification(Shown):
    id = serializers.CharField()
    title = serializers.CharField()
    type = serializers.CharField(allow_null=True)
    status = serializers.CharField(allow_null=True)
    url = serializers.CharField(allow_null=True)


class ActionOffered(Shown):
    action = serializers.CharField()
    title = serializers.CharField()
    comment = serializers.ChoiceField(["none", "optional", "required"])
    effect = serializers.ChoiceField(["final", "acknowledge", "request_info", "reply"])
    values = serializers.ChoiceField(
        ["optional", "required"], required=False, help_text="Whether it takes those of the form. Left out: it does not."
    )
    signature = serializers.ChoiceField(
        ["required"], required=False, help_text="It needs a passkey's signature. Left out: it does not."
    )


class ChoiceShown(Shown):
    value = serializers.JSONField(help_text="Text, or a number.")
    label = serializers.CharField()  # type: ignore[assignment]


class FieldShown(Shown):
    """Rules of JSON Schema are there under their names, where the form has them."""

    name = serializers.CharField()
    kind = serializers.ChoiceField(get_args(Kind))
    label = serializers.CharField()  # type: ignore[assignment]
    help = serializers.CharField()
    required = serializers.BooleanField()  # type: ignore[assignment]
    value = serializers.JSONField(allow_null=True, help_text="What it begins with.")
    currency = serializers.CharField(required=False)
    whole = serializers.BooleanField(required=False, help_text="Numbers have no fraction.")
    sensitive = serializers.BooleanField(required=False, help_text="Its value is not shown once it is given.")
    choices = ChoiceShown(many=True, required=False)
    when = serializers.DictField(required=False, help_text="On what it is asked, as the form has it.")
    columns = serializers.ListField(
        child=serializers.DictField(), required=False, help_text="Of rows: fields as this one, without values."
    )
    sum = serializers.CharField(required=False, help_text="The column whose sum is shown.")


class UnshownShown(Shown):
    label = serializers.CharField()  # type: ignore[assignment]
    type = serializers.CharField(help_text="What the engine calls it.")
    required = serializers.BooleanField()  # type: ignore[assignment]


class FormShown(Shown):
    language = serializers.CharField(help_text="That of the words; numbers and days are read as it writes them.")
    fields = FieldShown(many=True)  # type: ignore[assignment]
    unshown = UnshownShown(many=True, required=False, help_text="Fields that only the engine can show.")


class InfoShown(Shown):
    text = serializers.CharField()
    by = PersonName(allow_null=True)
    at = serializers.DateTimeField()
    message = serializers.UUIDField(required=False, help_text="The id of the message that it is.")


class BrandShown(Shown):
    slug = serializers.CharField()
    name = serializers.CharField()
    logo_url = serializers.CharField(allow_null=True)
    accent = serializers.CharField()


class OutcomeShown(Shown):
    action = serializers.CharField()
    title = serializers.CharField(required=False, help_text="What the answer is called, in the reader's language.")
    system = serializers.CharField(required=False, help_text="The engine's name. Customers do not get it.")
    by = PersonName(allow_null=True)
    at = serializers.DateTimeField(allow_null=True)
    engine = serializers.ChoiceField(
        ["waiting", "delivered", "kept", "handled", "refused", "changed", "failed"],
        required=False,
        help_text="Not of replies.",
    )
    detail = serializers.CharField()
    connect = serializers.CharField(required=False, help_text=CONNECT)
    undo_until = serializers.DateTimeField(
        required=False, help_text="Until then its person may take the answer back: the engine has not been told."
    )
    to = PersonName(required=False, allow_null=True, help_text="Whom a question or a reply is for.")
    away = PersonName(required=False, allow_null=True, help_text="On whose behalf they are asked.")
    paused = serializers.BooleanField(required=False, help_text="Of a question: it has paused the task's clock.")
    late = serializers.BooleanField(required=False, help_text="Of a reply: it came after the decision.")


class EscalatedTo(PersonName):
    at = serializers.DateTimeField()


class FactPart(Shown):
    text = serializers.CharField()
    url = serializers.CharField(help_text="Empty where there is nothing to open.")
    hint = serializers.CharField(help_text="What the link opens, where its text does not say so.")


class FactShown(Shown):
    icon = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    parts = FactPart(many=True)


class KeyFactShown(Shown):
    label = serializers.CharField()  # type: ignore[assignment]
    kind = serializers.ChoiceField(FactKind.values)
    value = serializers.JSONField(help_text="As it came: a number, or text.")
    currency = serializers.CharField(allow_null=True)
    text = serializers.CharField(help_text="The value in the person's language and time zone.")


class GlanceShown(Shown):
    """What a card shows besides the title."""

    first = serializers.CharField(help_text="The text of the first key fact.")
    others = serializers.CharField(help_text="The others in a row.")
    number = serializers.CharField(help_text="The last word of the title if it has a digit and is short; else empty.")
    text = serializers.CharField(help_text="Of the body, the first line that says more than title and facts.")
    origin = serializers.CharField(help_text="The engine's name and the kind of task.")


class ChangeShown(Shown):
    label = serializers.CharField()  # type: ignore[assignment]
    before = serializers.CharField(help_text="Empty: there was nothing, or it is not shown.")
    now = serializers.CharField()


class NotificationShown(Shown):
    id = serializers.UUIDField()
    seq = serializers.IntegerField()
    revision = serializers.CharField(
        allow_null=True, help_text="Of what is to be decided. Send it with the answer; null: nothing is."
    )
    revised_at = serializers.DateTimeField(
        allow_null=True, help_text="When that last changed; null: it is as it was when the item was made."
    )
    title = serializers.CharField()
    body = serializers.CharField()
    category = serializers.CharField()
    priority = serializers.ChoiceField(Priority.values)
    state = serializers.ChoiceField(NotificationState.values)
    due_at = serializers.DateTimeField(allow_null=True)
    url = serializers.CharField(allow_null=True, help_text="The engine's page of it.")
    task = TaskOfNotification(allow_null=True)
    case = CaseOfNotification(allow_null=True)
    actions = ActionOffered(many=True)
    form = FormShown(allow_null=True, help_text="What is asked for besides the decision.")
    info = InfoShown(many=True)
    key_facts = KeyFactShown(many=True, help_text="What decides, the most important first.")
    location = serializers.DictField(allow_null=True)
    customer = serializers.DictField(allow_null=True)
    documents = serializers.ListField(child=serializers.DictField())
    brand = BrandShown(allow_null=True)
    reason = serializers.CharField(allow_null=True)
    on_behalf_of = PersonName(allow_null=True, help_text="Who is away, and would have had it.")
    escalated = serializers.BooleanField(help_text="The person has it because others have not answered.")
    escalated_to = EscalatedTo(many=True, help_text="Who was told because nobody had answered.")
    read_at = serializers.DateTimeField(allow_null=True)
    snoozed_until = serializers.DateTimeField(allow_null=True, help_text="The person has put it off until then.")
    back_at = serializers.DateTimeField(allow_null=True, help_text="When it returned automatically.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    outcome = OutcomeShown(allow_null=True)
    language = serializers.CharField(help_text="Of title and body.")
    direction = serializers.ChoiceField(["auto", "rtl"], help_text="Of title and body, as in HTML.")
    lines = serializers.ListField(child=serializers.CharField(), help_text="Said below the title.")
    glance = GlanceShown()
    facts = FactShown(many=True, help_text="Listed below the text.")
    ended = serializers.CharField(help_text="Why it was withdrawn, in a sentence; else empty.")
    changes = ChangeShown(many=True, required=False, help_text="With `shown`: what has changed since that revision.")
