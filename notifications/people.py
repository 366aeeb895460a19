"""Who a name in an event means: the internal person, else the engine's own external one (docs/api.md)."""

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Q
from django.db.models.functions import Lower

from notifications.models import Engine, Recipient
from notifications.models.validators import validate_timezone
from notifications.types import Json

Named = str | Json
"""A person in an event: a ref, or {"ref", "name", "email", "locale", "timezone"}."""


def ref_of(person: Any) -> str:
    """The ref of a person as events name them; empty when there is none."""
    value = person.get("ref") if isinstance(person, dict) else person
    return value if isinstance(value, str) else ""


class Directory:
    """The people one engine's event names, found in one query. Person objects create and update external people."""

    def __init__(self, engine: Engine, named: Iterable[Named]) -> None:
        self.engine = engine
        self._found: dict[str, Recipient | None] = {}
        self._look_up([person for person in named if ref_of(person)])

    def get(self, person: Any) -> Recipient | None:
        ref = ref_of(person)
        if ref and ref not in self._found:
            self._look_up([person])
        return self._found.get(ref)

    def _look_up(self, people: list[Named]) -> None:
        known = find_people(self.engine, {ref_of(person) for person in people})
        for person in people:
            ref = ref_of(person)
            found = known.get(ref)
            if isinstance(person, dict) and (found is None or found.external):
                found = upsert_external(self.engine, person, found)
            self._found[ref] = found


def find_people(engine: Engine, refs: set[str]) -> dict[str, Recipient]:
    """Ref to person. An internal ref wins over the engine's external one, which wins over a verified e-mail address."""
    if not refs:
        return {}
    addresses = {ref.lower() for ref in refs if "@" in ref}
    mine = Q(ref__in=refs) & (Q(engine=None) | Q(engine=engine))
    by_address = Q(engine=None, email_verified=True, email_lower__in=addresses)
    people = Recipient.objects.alias(email_lower=Lower("email")).filter(mine | by_address).select_related("brand")
    found: dict[str, Recipient] = {}
    for rank in (_by_address, _external, _internal):
        for person in people:
            rank(person, refs, found)
    return found


def _by_address(person: Recipient, refs: set[str], found: dict[str, Recipient]) -> None:
    if person.external or not person.email_verified:
        return
    for ref in refs:
        if "@" in ref and ref.lower() == person.email.lower():
            found[ref] = person


def _external(person: Recipient, refs: set[str], found: dict[str, Recipient]) -> None:
    if person.external and person.ref in refs:
        found[person.ref] = person


def _internal(person: Recipient, refs: set[str], found: dict[str, Recipient]) -> None:
    if not person.external and person.ref in refs:
        found[person.ref] = person


def find_person(engine: Engine, ref: str) -> Recipient | None:
    return find_people(engine, {ref}).get(ref)


def upsert_external(engine: Engine, person: Json, known: Recipient | None = None) -> Recipient:
    """Create or update an external person of one engine. What is not understood is left as it was."""
    recipient = known or Recipient.objects.get_or_create(engine=engine, ref=ref_of(person))[0]
    changed = []
    for name, accept in _EDITABLE.items():
        value = person.get(name)
        if isinstance(value, str) and value != getattr(recipient, name) and accept(value):
            setattr(recipient, name, value)
            changed.append(name)
    if changed:
        recipient.save(update_fields=changed)
    return recipient


def _is_email(value: str) -> bool:
    return _passes(validate_email, value)


def _is_timezone(value: str) -> bool:
    return _passes(validate_timezone, value)


def _passes(validator: Any, value: str) -> bool:
    try:
        validator(value)
    except ValidationError:
        return False
    return True


_EDITABLE: dict[str, Any] = {
    "name": lambda value: 0 < len(value) <= 200,
    "email": _is_email,
    "phone": lambda value: len(value) <= 40,
    "locale": lambda value: 0 < len(value) <= 20,
    "timezone": _is_timezone,
}
