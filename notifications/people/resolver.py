"""Finds the person whom an event names: the internal one, else the engine's own external one (docs/api/events.md)."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.db.models.functions import Lower

from notifications.models import Engine, Recipient
from notifications.models.validators import validate_mailbox, validate_ref, validate_timezone
from notifications.types import Json
from notifications.wording.plaintext import clean_line

PersonInEvent = str | Json
"""A person in an event: a ref, or {"ref", "name", "email", "locale", "timezone"}."""


def ref_of(person: Any) -> str:
    """Return the ref of a person in an event; empty when there is none."""
    value = person.get("ref") if isinstance(person, dict) else person
    return value if isinstance(value, str) else ""


class Directory:
    """The people whom an engine's event mentions, read in one query, or before (`recipients`) for a batch of events.

    Person objects create and update external people when somebody is looked up for the first time: by then the event's
    case and task are locked, as the order of locks requires, and an event that changes nothing changes no people.
    """

    def __init__(
        self, engine: Engine, mentions: Iterable[PersonInEvent], recipients: dict[str, Recipient] | None = None
    ) -> None:
        self.engine = engine
        objects_last = sorted(
            mentions, key=lambda person: isinstance(person, dict)
        )  # objects replace refs of the same person
        self._mentions = {ref_of(person): person for person in objects_last if ref_of(person)}
        self._recipients = find_people(engine, set(self._mentions)) if recipients is None else recipients
        self._settled = False

    def get(self, person: Any) -> Recipient | None:
        ref = ref_of(person)
        if not self._settled:
            self._settled = True
            for each in self._mentions.values():
                self._settle(each)
        if ref and ref not in self._mentions:
            self._mentions[ref] = person
            self._recipients |= find_people(self.engine, {ref})
            self._settle(person)
        return self._recipients.get(ref)

    def _settle(self, person: PersonInEvent) -> None:
        recipient = self._recipients.get(ref_of(person))
        nameable = _passes(validate_ref, ref_of(person))  # a route may name any path of an event
        if nameable and isinstance(person, dict) and (recipient is None or recipient.external):
            self._recipients[ref_of(person)] = upsert_external(self.engine, person, recipient)


def find_people(engine: Engine, refs: set[str]) -> dict[str, Recipient]:
    """Return people by ref: internal ones first, then the engine's external ones, then by verified e-mail address."""
    if not refs:
        return {}
    addresses = {ref.lower() for ref in refs if "@" in ref}
    mine = Q(ref__in=refs) & (Q(engine=None) | Q(engine=engine))
    by_address = Q(engine=None, email_verified=True, email_lower__in=addresses)
    people = Recipient.objects.alias(email_lower=Lower("email")).filter(mine | by_address).select_related("brand")
    by_ref: dict[str, Recipient] = {}
    for person in people:
        if not person.external and person.email_verified:
            by_ref |= {ref: person for ref in refs if "@" in ref and ref.lower() == person.email.lower()}
    for external in (True, False):
        by_ref |= {person.ref: person for person in people if person.external is external and person.ref in refs}
    return by_ref


def find_person(engine: Engine, ref: str) -> Recipient | None:
    return find_people(engine, {ref}).get(ref)


def upsert_external(engine: Engine, person: Json, existing: Recipient | None = None) -> Recipient:
    """Create or update an external person of one engine. Members that cannot be read stay as they were."""
    recipient = existing or Recipient.objects.get_or_create(engine=engine, ref=ref_of(person))[0]
    changed = _edits(person, recipient)
    for name, value in changed.items():
        setattr(recipient, name, value)
    if changed:
        recipient.save(update_fields=changed)
    return recipient


def edits_anybody(mentions: Iterable[PersonInEvent], recipients: Mapping[str, Recipient]) -> bool:
    """Return whether an event changes any person whom it names, such as an external person with a new name."""
    for person in mentions:
        recipient = recipients.get(ref_of(person))
        if isinstance(person, dict) and recipient is not None and recipient.external and _edits(person, recipient):
            return True
    return False


def _edits(person: Json, recipient: Recipient) -> dict[str, str]:
    """Return the fields that are to be changed, with their values."""
    changed = {}
    for name, accept in _EDITABLE.items():
        value = clean_line(person[name]) if isinstance(person.get(name), str) else None
        if isinstance(value, str) and value != getattr(recipient, name) and accept(value):
            changed[name] = value
    return changed


def _passes(validator: Any, value: str) -> bool:
    try:
        validator(value)
    except ValidationError:
        return False
    return True


_EDITABLE: dict[str, Any] = {
    "name": lambda value: 0 < len(value) <= 200,
    "email": partial(_passes, validate_mailbox),
    "phone": lambda value: len(value) <= 40,
    "locale": lambda value: 0 < len(value) <= 20,
    "timezone": partial(_passes, validate_timezone),
}
