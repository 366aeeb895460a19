"""Refuses values that do not fit the form of their task, with the place and the reason of each fault."""

import json
from collections.abc import Sequence
from functools import reduce

from django.utils import translation

from notifications.errors import InvalidValues
from notifications.forms import checking
from notifications.forms.faults import Fault
from notifications.forms.fields import Form
from notifications.types import Action, Json
from notifications.wording import formats
from wfpush.web.pointers import MAX_ERRORS, pointer

MAX_BYTES = 64 * 1024
"""Bytes of an answer's values as JSON."""


def check(form: Form | None, action: Action, values: Json) -> None:
    """Check values that come from `checking.normal`. Raises InvalidValues, which names each wrong one."""
    rule = form.rule_for(action.name, action.effect) if form is not None else "none"
    if form is None or rule == "none":
        if values:
            raise InvalidValues(*_one((), f"“{action.name}” takes no values here."))
        return
    _refuse_unknown(form, values)
    if values and len(json.dumps(values)) > MAX_BYTES:
        raise InvalidValues(*_one((), f"The values are larger than {MAX_BYTES // 1024} KiB."))
    if values or rule == "required":
        refuse(checking.faults_of(form, values))


def _refuse_unknown(form: Form, values: Json) -> None:
    """Raise InvalidValues for a value that belongs to no field, or to no column of its table."""
    for name in values:
        if name not in form.names:
            raise InvalidValues(*_one((name,), f"The form has no such field. It has {', '.join(form.names)}."))
    for table in form:
        columns, rows = [column.name for column in table.columns], values.get(table.name)
        for at, row in enumerate(rows if columns and isinstance(rows, list) else ()):
            unknown = next((name for name in row if name not in columns), None) if isinstance(row, dict) else None
            if unknown is not None:
                detail = f"The table has no such column. It has {', '.join(columns)}."
                raise InvalidValues(*_one((table.name, at, unknown), detail))


def refuse(faults: Sequence[Fault]) -> None:
    """Raise InvalidValues if there are faults."""
    if not faults:
        return
    first = faults[0]
    with translation.override("en"):
        place = first.where("en")
    raise InvalidValues(f"{place}: {first.in_english()}", errors_of(faults, "en"), faults)


def errors_of(faults: Sequence[Fault], language: str) -> list[dict[str, str]]:
    """Return the wrong values and the reasons, in that language."""
    with translation.override(language):
        locale = formats.locale_of(language)
        return [{"pointer": _pointer(each.path), "detail": each.words(locale)} for each in faults[:MAX_ERRORS]]


def _one(path: Sequence[str | int], detail: str) -> tuple[str, list[dict[str, str]]]:
    return detail, [{"pointer": _pointer(path), "detail": detail}]


def _pointer(path: Sequence[str | int]) -> str:
    return reduce(pointer, path, "/values")
