"""The values of an answer to its task's form: as they are checked, and as they are recorded."""

import json
from collections.abc import Collection, Mapping, Sequence
from functools import reduce
from uuid import UUID

from django.utils import translation

from notifications.answers.decision import Decision
from notifications.answers.submission import MAX_VARIABLES
from notifications.attachments.kinds import TEXT
from notifications.attachments.linking import claim
from notifications.attachments.representation import attachment_json, is_image
from notifications.attachments.storage import Sender
from notifications.errors import Invalid, InvalidValues
from notifications.forms import checking, recorded_values
from notifications.forms.faults import Fault
from notifications.forms.fields import Field
from notifications.models import Attachment
from notifications.types import Json
from notifications.wording import formats, sensitive
from wfpush.web.pointers import MAX_ERRORS, pointer


def check(decision: Decision) -> None:
    """Check the values. Raises InvalidValues, which names each field."""
    form, action, values = decision.form, decision.action, decision.answer.values
    rule = form.rule_for(action.name, action.effect) if form is not None else "none"
    if form is None or rule == "none":
        if values:
            raise InvalidValues(*_one((), f"“{action.name}” takes no values here."))
        return
    unknown = checking.unknown_name(form, values)
    if unknown is not None:
        owner, part = ("form", "field") if len(unknown.path) == 1 else ("table", "column")
        takes = ", ".join(unknown.names)
        raise InvalidValues(*_one(unknown.path, f"The {owner} has no such {part}. It has {takes}."))
    if values and len(json.dumps(values)) > MAX_VARIABLES:
        raise InvalidValues(*_one((), f"The values are larger than {MAX_VARIABLES // 1024} KiB."))
    if values or rule == "required":
        refuse(checking.faults_of(form, values))


def claim_files(decision: Decision, used: Collection[UUID]) -> dict[str, list[Attachment]]:
    """Return the files that the values name, locked, by field. `used`: files that this transaction uses already. Raises
    InvalidValues."""
    form, values = decision.form, decision.answer.values
    fields = [field for field in form or () if field.has_files and field.name in values]
    return {field.name: _claim(field, values[field.name], Sender(person=decision.person), used) for field in fields}


def _claim(field: Field, ids: list[str], sender: Sender, used: Collection[UUID]) -> list[Attachment]:
    try:
        attachments = claim([UUID(each) for each in ids], sender, used=used)
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


def entries(decision: Decision, files: Mapping[str, Sequence[Attachment]]) -> list[Json]:
    """Return the values as they are stored, marked if they are sensitive now. Files are described."""
    task, form, values = decision.task, decision.form, decision.answer.values
    if form is None or not values:
        return []
    event = task.assigned_event
    values = values | {name: [attachment_json(each) for each in uploads] for name, uploads in files.items()}
    return recorded_values.entries_of(form, values, sensitive.paths_of(event, task) if event is not None else ())
