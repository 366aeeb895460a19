"""Variables sent to the engine with an answer: constants, or Liquid filled in from the answer and its task, with
declared types.

`{"approved": true, "approver": "{{ person.ref }}", "paid": {"type": "double", "value": "{{ variables.amount }}"}}`
"""

import json
from collections.abc import Callable
from datetime import UTC
from typing import Any

import structlog
from django.utils.translation import gettext as _

from notifications.errors import RenderError
from notifications.forms.recorded_values import values_of
from notifications.items.representation import iso_utc
from notifications.models import Response, Task
from notifications.models.validators import is_ours
from notifications.types import Json
from notifications.wording import liquid
from notifications.wording.formats import locale_of
from notifications.wording.liquid_filters import Place

log = structlog.get_logger(__name__)

PLACE = Place(locale_of("en"), UTC)


class BadVariable(ValueError):
    """Raised for a mistake in a variable, with a sentence for the person who wrote it."""


def template_context(response: Response, task: Task, outcome: str) -> Json:
    """Return the variables of the templates. The engine's values of the task replace those that the person sent."""
    return {
        "action": response.action,
        "outcome": outcome,
        "comment": response.comment,
        "answered_at": iso_utc(response.at),
        "via": response.via,
        "person": {**response.recipient.as_person(), "email": response.recipient.email},
        "task": {"id": task.task_id, "name": task.name, "kind": task.kind},
        "values": values_of(response.values),
        "variables": {**response.variables, **(task.data.get("variables") or {})},
    }


def fill_in(written: Json, facts: Json) -> tuple[Json, dict[str, str]]:
    """Return name → value, and name → declared type. A variable that cannot be filled in is left out and logged."""
    values, types = {}, {}
    for name, variable in written.items():
        try:
            values[name] = _value(variable, facts)
        except (BadVariable, RenderError) as fault:
            log.warning("answer_variable_left_out", variable=name, fault=str(fault))
            continue
        if is_typed(variable):
            types[name] = variable["type"]
    return values, types


def check(written: Json) -> None:
    """Raise BadVariable for a definition that can never be filled in."""
    for name, variable in written.items():
        if is_ours(name):
            raise BadVariable(_("%(name)s: names that begin with wfpush_ are set by wfpush alone.") % {"name": name})
        if isinstance(variable, dict) and variable.keys() >= {"type", "value"} and variable["type"] not in [*TYPES]:
            words = {"name": name, "type": variable["type"], "known": ", ".join(TYPES)}
            raise BadVariable(_("%(name)s: there is no type “%(type)s”; there are %(known)s.") % words)
        template = variable["value"] if is_typed(variable) else variable
        try:
            if isinstance(template, str):
                liquid.parse(template)
            elif is_typed(variable):
                TYPES[variable["type"]](template)
        except (RenderError, BadVariable) as fault:
            raise BadVariable(f"{name}: {fault}") from fault


def is_typed(variable: Any) -> bool:
    return isinstance(variable, dict) and variable.keys() == {"type", "value"} and variable["type"] in [*TYPES]


def _value(variable: Any, facts: Json) -> Any:
    if is_typed(variable):
        return TYPES[variable["type"]](_filled(variable["value"], facts))
    return _filled(variable, facts)


def _filled(template: Any, facts: Json) -> Any:
    if not isinstance(template, str):
        return template
    filled = liquid.render(template, facts, PLACE)
    if filled.missing:
        raise BadVariable(f"{', '.join(filled.missing)} is not there")
    return filled.text


# --- types ------------------------------------------------------------------------------------------------------------
def _boolean(value: Any) -> bool:
    if value in (True, False):
        return bool(value)
    words = {"true": True, "false": False}
    if str(value).strip().lower() not in words:
        raise BadVariable(_("“%(value)s” is neither true nor false") % {"value": value})
    return words[str(value).strip().lower()]


def _number(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        try:
            return make(value)
        except (ValueError, TypeError, OverflowError) as fault:
            raise BadVariable(_("“%(value)s” is not a number of this type") % {"value": value}) from fault

    return convert


def _json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as fault:
        raise BadVariable(_("this is not JSON: %(fault)s") % {"fault": fault}) from fault


TYPES: dict[str, Callable[[Any], Any]] = {
    "string": str,
    "boolean": _boolean,
    "integer": _number(int),
    "long": _number(int),
    "double": _number(float),
    "date": str,
    "json": _json,
}
"""Converters by Flowable's names of types; the types of other engines are derived from them."""
