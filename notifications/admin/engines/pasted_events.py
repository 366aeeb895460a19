"""Reading pasted text as the API does: a CloudEvent, or an engine's own JSON through its mapping."""

from typing import Any

from notifications.admin.desk.base import as_uuid
from notifications.errors import Failure, InvalidEvent
from notifications.intake import cloudevents, mapping
from notifications.models import Engine, Event
from notifications.types import InboundEvent


class ReadError(Exception):
    """Raised for text that is no event. `sentences` has one sentence for each fault."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__("; ".join(sentences))
        self.sentences = sentences


def read_json(body: str) -> Any:
    """Return the parsed JSON. Raise ReadError."""
    try:
        return cloudevents.read(body.encode())
    except Failure as error:
        raise ReadError(sentences_of(error)) from error
    except UnicodeEncodeError as fault:
        raise ReadError([str(fault)]) from fault


def read_event(engine: Engine, body: str) -> InboundEvent:
    """Return the event in the text. Raise ReadError."""
    document = read_json(body)
    try:
        if isinstance(document, dict) and "specversion" in document:
            return cloudevents.structured(document)
        return mapping.read(engine, document)
    except InvalidEvent as error:
        raise ReadError(sentences_of(error)) from error


def event_named(name: str) -> Event | None:
    """Return the stored event with this id, ours or the engine's. Of several with the same id, the newest."""
    events = Event.objects.select_related("engine", "task", "case")
    identifier = as_uuid(name)
    event = events.filter(pk=identifier).first() if identifier else None
    return event or (events.filter(event_id=name.strip()).order_by("-id").first() if name.strip() else None)


def sentences_of(error: Failure) -> list[str]:
    faults = error.extra.get("errors") or []
    return [f"{fault['pointer']}: {fault['detail']}" for fault in faults] or [error.detail]
