"""The values of an answer to its task's form: as they are checked, and as they are recorded."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any
from uuid import UUID

from django.utils import translation

from notifications.answers.submission import MAX_VARIABLES, Answer
from notifications.attachments.kinds import TEXT
from notifications.attachments.linking import claim
from notifications.attachments.representation import attachment_json, is_image
from notifications.attachments.storage import Sender
from notifications.errors import Invalid, InvalidValues
from notifications.forms import checking, recorded_values
from notifications.forms.faults import Fault
from notifications.forms.fields import Field, Form
from notifications.models import Attachment, Recipient, Task
from notifications.types import Action, Json
from notifications.wording import formats, sensitive
from wfpush.web.pointers import MAX_ERRORS, pointer


def normal(form: Form | None, answer: Answer) -> Answer:
    """Return the answer with its values as they are recorded."""
    if form is None or not answer.values:
        return answer
    return replace(answer, values=checking.normal(form, answer.values))


def check(form: Form | None, action: Action, answer: Answer) -> None:
    """Check the values, which `normal` has returned. Raises InvalidValues, which names each field."""
    rule = form.rule_for(action.name, action.effect) if form is not None else "none"
    if form is None or rule == "none":
        if answer.values:
            raise InvalidValues(*_one((), f"“{action.name}” takes no values here."))
        return
    unknown = [name for name in answer.values if name not in form.names]
    if unknown:
        takes = ", ".join(form.names)
        raise InvalidValues(*_one((unknown[0],), f"The form has no such field. It has {takes}."))
    for table in form:
        _check_columns(table, answer.values.get(table.name))
    if answer.values and len(json.dumps(answer.values)) > MAX_VARIABLES:
        raise InvalidValues(*_one((), f"The values are larger than {MAX_VARIABLES // 1024} KiB."))
    if answer.values or rule == "required":
        refuse(checking.faults_of(form, answer.values))


def _check_columns(table: Field, rows: Any) -> None:
    """Raise InvalidValues for a value that belongs to no column."""
    columns, listed = [column.name for column in table.columns], rows if isinstance(rows, list) else []
    for at, row in enumerate(listed if columns else []):
        unknown = next((name for name in row if name not in columns), None) if isinstance(row, dict) else None
        if unknown is not None:
            detail = f"The table has no such column. It has {', '.join(columns)}."
            raise InvalidValues(*_one((table.name, at, unknown), detail))


def files_of(form: Form | None, answer: Answer, person: Recipient) -> dict[str, list[Attachment]]:
    """Return the files that the values name, locked, by field. Raises InvalidValues."""
    fields = [field for field in form or () if field.has_files and field.name in answer.values]
    return {field.name: _files(field, answer.values[field.name], Sender(person=person)) for field in fields}


def _files(field: Field, ids: list[str], sender: Sender) -> list[Attachment]:
    try:
        attachments = claim([UUID(each) for each in ids], sender)
    except Invalid:
        attachments = []
        refuse([Fault(field, "files_gone")])
    written = field.kind == "signature" and [each.type for each in attachments] == [TEXT]  # a name, without scripts
    if field.kind != "files" and not written and not all(is_image(each) for each in attachments):
        refuse([Fault(field, "no_picture")])
    return attachments


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


def entries(task: Task, form: Form | None, answer: Answer, files: Mapping[str, Sequence[Attachment]]) -> list[Json]:
    """Return the values as they are stored, marked if they are sensitive now. Files are described."""
    if form is None or not answer.values:
        return []
    event = task.assigned_event
    values = answer.values | {name: [attachment_json(each) for each in uploads] for name, uploads in files.items()}
    return recorded_values.entries_of(form, values, sensitive.paths_of(event, task) if event is not None else ())
