"""Finds stored secrets that no key of `ENCRYPTION_KEYS` opens: signed calls and sign-ins at engines fail without
them."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from django.apps import apps
from django.db import models

from wfpush import features
from wfpush.crypto import EncryptedTextField, SealedMembers, UndecryptableSecret, decrypt

SAMPLE = 1_000
"""Rows of each model that are read from either end: the oldest, whose key may be gone, and the newest. These are all
rows of engines; people's connected accounts may be more."""
NAMED = 5


def faults(sample: int = SAMPLE) -> Iterator[str]:
    """Yield a sentence for each kind of secret of which some cannot be read."""
    for model in apps.get_models():
        names = [field.attname for field in model._meta.concrete_fields if isinstance(field, EncryptedTextField)]
        if names and (lost := _lost(model, names, sample)):
            yield _sentence(model, lost)
    for sealed in features.added(SealedMembers):
        model = apps.get_model(sealed.model)
        values = dict(_sample(model._base_manager.values_list("pk", sealed.column), sample))
        if lost := [pk for pk, value in values.items() if not all(map(_opens, sealed.of(value).values()))]:
            yield _sentence(model, lost)


def _sample(rows: Any, sample: int) -> Iterator[Any]:
    return chain(rows.order_by("pk")[:sample], rows.order_by("-pk")[:sample])


def _lost(model: type[models.Model], names: list[str], sample: int) -> list[object]:
    """Return the primary keys of rows that cannot be read."""
    rows = model._base_manager.values_list("pk", *names)
    looked_at = {pk: sealed for pk, *sealed in _sample(rows, sample)}
    return [pk for pk, sealed in looked_at.items() if not all(map(_opens, sealed))]


def _opens(sealed: str | None) -> bool:
    try:
        return not sealed or bool(decrypt(sealed))
    except UndecryptableSecret:
        return False


def _sentence(model: type[models.Model], lost: list[object]) -> str:
    rows = model._base_manager.filter(pk__in=lost)
    owners = sorted({str(getattr(row, "engine", row)) for row in rows})
    more = f" and {len(owners) - NAMED} more" if len(owners) > NAMED else ""
    return (
        f"{len(lost)} of the {model._meta.verbose_name_plural} ({', '.join(owners[:NAMED])}{more}) cannot be read: none"
        " of ENCRYPTION_KEYS opens what was saved. Put back the key that it was saved under, after the newest one, and"
        " restart; or set it anew."
    )
