"""All tables of the core and of features, with their treatment by erasure (`notifications.additions.PersonalData`)."""

from collections.abc import Mapping, Sequence
from functools import cache

from django.apps import apps
from django.db.models import Model

from notifications.additions import Columns, PersonalData, Reference
from wfpush import features


@cache
def tables() -> Mapping[str, Columns]:
    """Return all tables by their labels, in the order in which erasure reads them."""
    added = [table for data in features.added(PersonalData) for table in data.tables.items()]
    return dict(sorted(added, key=lambda table: table[1].repeats))


def model_of(label: str) -> type[Model]:
    """Return the model of the label; tables between two models have their own, too."""
    return apps.get_model(label)


def going() -> Sequence[Reference]:
    """Return the references of rows that are deleted with the person."""
    return [each for data in features.added(PersonalData) for each in data.go]


def staying() -> Sequence[Reference]:
    """Return the references that still say that somebody did or got something, but not who."""
    return [each for data in features.added(PersonalData) for each in data.stay]
