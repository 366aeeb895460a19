"""Names of people before a reader: customers may read the brand's name instead of those of staff."""

from django.conf import settings

from notifications.models import Recipient
from notifications.types import Json


def house_of(reader: Recipient) -> str:
    """Return the name under which the house writes to the reader. Reads their brand."""
    return reader.brand.name if reader.brand is not None else str(settings.UNFOLD["SITE_TITLE"])


def hides_staff(reader: Recipient) -> bool:
    return reader.external and reader.brand is not None and not reader.brand.names_staff


def name_of(person: Recipient, reader: Recipient) -> str:
    return house_of(reader) if hides_staff(reader) and not person.external else str(person)


def name_said(name: str, ref: str, reader: Recipient) -> str:
    """Return the name that the reader sees for a person of whom only ref and name are known."""
    return house_of(reader) if hides_staff(reader) and ref != reader.ref else name


def seen_by(document: Json | None, reader: Recipient) -> Json | None:
    """Return an outcome or a message as JSON, with the names that the reader may see."""
    if document is None or not hides_staff(reader):
        return document
    return {member: _seen(value, reader) for member, value in document.items()}


def _seen(value: object, reader: Recipient) -> object:
    if isinstance(value, list):
        return [_seen(each, reader) for each in value]
    if not isinstance(value, dict) or not {"ref", "name"} <= value.keys():
        return value
    is_reader = value.get("ref") == reader.ref
    return value if is_reader else {**value, "ref": "", "name": house_of(reader)}
