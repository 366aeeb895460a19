"""Messages as API and pages show them: docs/api/messages.md, "Messages"."""

from django.db.models import QuerySet

from notifications.attachments.representation import attachment_json
from notifications.engines.callback_results import engine_states
from notifications.items.representation import iso_utc
from notifications.models import Addressee, Recipient, TaskMessage
from notifications.types import Json
from notifications.wording import names


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
