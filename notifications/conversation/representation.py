"""Messages as API and pages show them: docs/api.md, "Messages"."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from django.db.models import QuerySet

from notifications.attachments.representation import attachment_json
from notifications.connectors.reasons import NO_PLACE
from notifications.items.representation import iso_utc
from notifications.models import Addressee, Callback, CallbackState, Recipient, TaskMessage
from notifications.reasons import read
from notifications.types import Json
from notifications.wording import names

KEPT_HERE = "kept"
"""The state of a message that the engine was not told: it has no place for messages, was done with the task, or the
task was decided before."""


def messages_json(messages: QuerySet[TaskMessage], reader: Recipient | None = None) -> list[Json]:
    """Return the messages with their states on the way to the engine. `reader`: the person who reads them; None: the
    engine."""
    rows = list(with_people(messages))
    engine = engine_states(rows)
    documents = [message_json(message, engine.get(message.pk)) for message in rows]
    return [names.seen_by(each, reader) or {} for each in documents] if reader is not None else documents


def with_people(messages: QuerySet[TaskMessage]) -> QuerySet[TaskMessage]:
    return messages.select_related("author", "reply_to").prefetch_related(
        "addressees__person", "addressees__away", "attachments"
    )


def engine_states(messages: Iterable[TaskMessage]) -> Mapping[UUID, str]:
    """Return the state of each message that a person wrote: waiting, delivered, kept, handled, refused or failed."""
    ours = {message.pk: KEPT_HERE for message in messages if message.via}
    calls = Callback.objects.filter(pk__in=ours).only("state", "detail_fact")
    return ours | {call.pk: _of_call(call) for call in calls}


def _of_call(call: Callback) -> str:
    not_told = call.state == CallbackState.SUPERSEDED or read(call, "detail").code == NO_PLACE.name
    return KEPT_HERE if not_told else call.state


def message_json(message: TaskMessage, engine: str | None) -> Json:
    return {
        "id": str(message.pk),
        "number": message.number,
        "kind": message.kind,
        "by": message.by,
        "to": [addressee_json(each) for each in message.addressees.all()],
        "text": message.text,
        "attachments": [attachment_json(each) for each in message.attachments.all()],
        "reply_to": str(message.reply_to_id) if message.reply_to_id else None,
        "at": iso_utc(message.at),
        "via": message.via or None,
        "late": message.late,
        "engine": engine,
    }


def addressee_json(addressee: Addressee) -> Json:
    return {
        **addressee.person.as_person(),
        "on_behalf_of": addressee.away.as_person() if addressee.away else None,
        "state": addressee.state,
    }
