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
    """An event's data as they are kept: with a form of ours, in which the order of the fields is written down, because
    the database keeps no order of members."""
    task = object_in(data, "task")
    said = task.get("form")
    if not isinstance(said, dict):
        return data
    form = translated(said, object_in(data, "variables"))
    ui, names = object_in(form, "ui"), object_in(object_in(form, "schema"), "properties")
    order = list(dict.fromkeys([*(ui.get("order") or ()), *names]))
    return {**data, "task": {**task, "form": {**form, "ui": {**ui, "order": order}}}}
