"""Kinds of targets that features add: people whom routes and steps of policies can name by a row of the feature.

In: what a feature knows of its rows.
Out: the kinds, for forms, sentences, routing and forecasts.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import Model
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from wfpush import features

Text = str | Promise

MOST_REF = 40
"""Maximum number of characters of a reference to a row."""


class RefField(models.CharField):  # type: ignore[type-arg]  # cannot be subscripted at run time
    """The key, as text, of the row that a kind of a feature names; empty for others. `kind_field` has the kind."""

    def __init__(self, *, kind_field: str = "", **options: Any) -> None:
        usual = {"max_length": MOST_REF, "blank": True, "default": "", "db_default": ""}
        super().__init__(**{"verbose_name": _("what it names"), **usual, **options})
        self.kind_field = kind_field

    def deconstruct(self) -> Any:
        """Return the type of the stored column, for migrations."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs


@dataclass(frozen=True)
class Period:
    """The people of a kind for a period. `shared` returns what `Search.shared(kind)` returns at an instant. `changes`:
    the instants at which the people change."""

    kind: type[Any]
    shared: Callable[[datetime], Any]
    changes: Sequence[datetime]


@dataclass(frozen=True)
class FeatureTarget:
    """A kind of target. A target refers to a row of `model`, a label such as "rotas.rota", by its key as text.

    `label` names the kind on forms, `row_label` its row; `unnamed` is the fault of a target without a row, and
    `sentence` says whom a target with one means: %(name)s is the row. `find` returns the people for a search
    (`notifications.routing.targets.Search`), each with the reason. `may_be` returns whether the row (key) may mean the
    person (key). `over` reads the rows with these keys for a period. `is_one_person`: a task can be given to it.
    """

    value: str
    label: Text
    row_label: Text
    unnamed: Text
    sentence: Text
    model: str
    find: Callable[[Any], Iterable[Any]]
    may_be: Callable[[str, int], bool]
    over: Callable[[Iterable[str], datetime, datetime], Period]
    is_one_person: bool

    def rows(self) -> Mapping[str, Model]:
        """Return all rows by their references."""
        return {str(row.pk): row for row in apps.get_model(self.model)._default_manager.all()}

    def row(self, ref: str) -> Model | None:
        return apps.get_model(self.model)._default_manager.filter(pk=ref).first() if ref.isdecimal() else None


def feature_targets() -> Mapping[str, FeatureTarget]:
    """Return the kinds by their values."""
    return {kind.value: kind for kind in features.added(FeatureTarget)}


def named_row(kind: str, ref: str) -> Model | None:
    """Return the row that a target names; None if its kind names none, or is not installed, or the row is gone."""
    target = feature_targets().get(kind)
    return target.row(ref) if target is not None and ref else None


def not_installed() -> str:
    """Return what stands for a kind whose feature is not installed."""
    return gettext("a kind of target that is not installed")
