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
    """Return an event's data for the database: with a form of ours that lists the order of fields and columns, because
    the database keeps no order of members."""
    task = object_in(data, "task")
    form_in_event = task.get("form")
    if not isinstance(form_in_event, dict):
        return data
    form = translated(form_in_event, object_in(data, "variables"))
    schema, ui = object_in(form, "schema"), object_in(form, "ui")
    tables = {
        name: _ordered(object_in(of, "items"), object_in(object_in(ui, "fields"), name))
        for name, of in object_in(schema, "properties").items()
        if isinstance(of, dict) and definition.is_rows(of)
    }
    fields = {"fields": {**object_in(ui, "fields"), **tables}} if tables else {}
    return {**data, "task": {**task, "form": {**form, "ui": _ordered(schema, {**ui, **fields})}}}


def _ordered(schema: Json, ui: Json) -> Json:
    return {**ui, "order": list(dict.fromkeys([*(ui.get("order") or ()), *object_in(schema, "properties")]))}
