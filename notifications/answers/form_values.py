"""The values of an answer: those of its task's form, checked against it, and as they are recorded."""

import json
from collections.abc import Sequence
from dataclasses import replace

from notifications.answers.given import MAX_VARIABLES, Answer
from notifications.errors import InvalidValues
from notifications.forms import checking, recorded
from notifications.forms.faults import Fault
from notifications.forms.fields import Form
from notifications.models import Task
from notifications.types import Action, Json
from notifications.wording import sensitive
from wfpush.web.pointers import MAX_ERRORS, pointer


def normal(form: Form | None, answer: Answer) -> Answer:
    """The answer with its values as they are recorded."""
    if form is None or not answer.values:
        return answer
    return replace(answer, values=checking.normal(form, answer.values))


def check(form: Form | None, action: Action, answer: Answer) -> None:
    """Check the values, which are normal. Raises InvalidValues, which names each field."""
    rule = form.rule_for(action.name, action.effect) if form is not None else "none"
    if form is None or rule == "none":
        if answer.values:
            raise InvalidValues(*_one("", f"“{action.name}” takes no values here."))
        return
    unknown = [name for name in answer.values if name not in form.names]
    if unknown:
        takes = ", ".join(form.names)
        raise InvalidValues(*_one(unknown[0], f"The form has no such field. It has {takes}."))
    if answer.values and len(json.dumps(answer.values)) > MAX_VARIABLES:
        raise InvalidValues(*_one("", f"The values are larger than {MAX_VARIABLES // 1024} KiB."))
    if answer.values or rule == "required":
        refuse(checking.faults_of(form, answer.values))


def refuse(faults: Sequence[Fault]) -> None:
    """Raises InvalidValues if there are faults."""
    if not faults:
        return
    errors = [{"pointer": pointer("/values", each.field.name), "detail": each.in_english()} for each in faults]
    first = faults[0]
    raise InvalidValues(f"{first.field.label('en')}: {first.in_english()}", errors[:MAX_ERRORS], faults)


def _one(name: str, detail: str) -> tuple[str, list[dict[str, str]]]:
    return detail, [{"pointer": pointer("/values", name) if name else "/values", "detail": detail}]


def entries(task: Task, form: Form | None, answer: Answer) -> list[Json]:
    """The values as they are kept with the answer, marked where they are sensitive by now."""
    if form is None or not answer.values:
        return []
    event = task.assigned_event
    return recorded.entries_of(form, answer.values, sensitive.paths_of(event, task) if event is not None else ())
