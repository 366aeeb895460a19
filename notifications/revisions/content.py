"""What a person decides about when they answer a task, and its revision: a digest that changes exactly when it does.

The content is the same for all people and languages. Deadlines, priority, reminders, escalations and the people who
have the task are no part of it.
"""

import base64
import hashlib
from typing import Any

import rfc8785

from notifications.forms.fields import form_of
from notifications.models import Task, TemplateVersion
from notifications.revisions.used_paths import used_paths
from notifications.types import Json, lookup, object_in, text_in


def content_of(task: Task, version: TemplateVersion | None, facts: Json) -> Json:
    """Return what is decided: {name, description, values, form, actions, documents}.

    `facts`: what templates may use, as `facts_of_task` makes it. `values` has a member for each path that the template
    version, the engine's answer mappings or the form use, where there is a value. Empty members are left out.
    """
    task_facts = object_in(facts, "task")
    content: Json = {
        "name": task.name,
        "description": text_in(task_facts, "description"),
        "values": _values(task, version, facts),
        "form": task_facts.get("form"),
        "actions": task.actions,
        "documents": facts.get("documents"),
    }
    return {name: value for name, value in content.items() if value}


def _values(task: Task, version: TemplateVersion | None, facts: Json) -> Json:
    paths = used_paths(version, task.engine_id, task.kind)
    form = form_of(task.data)
    if form is not None:
        paths += tuple(f"variables.{field.source}" for field in form)
    values = {path: lookup(facts, path) for path in paths}
    return {path: value for path, value in values.items() if value is not None}


def revision_of(content: Json) -> str:
    """Return the SHA-256 of the content's canonical JSON (RFC 8785) as base64url, 43 characters.

    Integers beyond 2^53, which RFC 8785 has no form for, count as their digits in a string.
    """
    try:
        canonical = rfc8785.dumps(content)
    except rfc8785.IntegerDomainError:
        canonical = rfc8785.dumps(_with_large_integers_as_text(content))
    return base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).decode().rstrip("=")


def _with_large_integers_as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_large_integers_as_text(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_with_large_integers_as_text(member) for member in value]
    is_large = isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53
    return str(value) if is_large else value
