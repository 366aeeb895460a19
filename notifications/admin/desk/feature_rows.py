"""The field of forms for the row that a target of a feature names."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.utils.text import capfirst, format_lazy
from unfold.widgets import UnfoldAdminSelectWidget

from notifications.feature_targets import feature_targets

ROW_REF = ("ref",) if feature_targets() else ()
"""The field's name, for lists of fields; empty if no installed feature has targets."""


class FeatureRowField(forms.ChoiceField):
    """A select of the rows of all features that have targets, grouped by the kind of target."""

    def __init__(self, widget: forms.Select | None = None) -> None:
        labels = [kind.row_label for kind in feature_targets().values()]
        label = capfirst(format_lazy(" / ".join(["{}"] * len(labels)), *labels))
        super().__init__(label=label, required=False, choices=_choices, widget=widget or UnfoldAdminSelectWidget)


def _choices() -> Iterator[tuple[Any, Any]]:
    yield "", "---------"
    for kind in feature_targets().values():
        yield kind.label, [(ref, str(row)) for ref, row in kind.rows().items()]
