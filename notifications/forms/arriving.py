"""The form of an event: one of ours, or an engine's own, which becomes one of ours."""

from typing import Any

from notifications.forms import definition
from notifications.forms.definition import Faults
from notifications.forms.translated import is_foreign, translated
from notifications.types import Json, object_in


def check(value: Any, here: str, faults: Faults) -> None:
    """Add the faults of a form. An engine's own has none: what cannot be shown of it is named."""
    if not is_foreign(value):
        definition.check(value, here, faults)


def stored(data: Json) -> Json:
    """An event's data as they are kept: with a form of ours, in which the order of fields and columns is written down,
    because the database keeps no order of members."""
    task = object_in(data, "task")
    said = task.get("form")
    if not isinstance(said, dict):
        return data
    form = translated(said, object_in(data, "variables"))
    schema, ui = object_in(form, "schema"), object_in(form, "ui")
    about = {
        name: _ordered(object_in(of, "items"), object_in(object_in(ui, "fields"), name))
        for name, of in object_in(schema, "properties").items()
        if isinstance(of, dict) and definition.is_rows(of)
    }
    fields = {"fields": {**object_in(ui, "fields"), **about}} if about else {}
    return {**data, "task": {**task, "form": {**form, "ui": _ordered(schema, {**ui, **fields})}}}


def _ordered(schema: Json, ui: Json) -> Json:
    return {**ui, "order": list(dict.fromkeys([*(ui.get("order") or ()), *object_in(schema, "properties")]))}
