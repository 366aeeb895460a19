"""The content that a person decides about when answering a task, and its revision: a digest of exactly this content.

The content is the same for all people and languages. Deadlines, priority, reminders, escalations and the people who
have the task are no part of it.
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from typing import Any, TypeAlias

import rfc8785

from notifications.errors import RenderError
from notifications.forms.fields import Form
from notifications.models import AnswerMapping, Task, TemplateVersion
from notifications.types import Json, lookup, object_in, text_in
from notifications.wording import liquid
from notifications.wording.key_facts import currency_paths, template_facts
from notifications.wording.template_check import FIELDS
from wfpush.postgres.revision import Compiled


def content_of(task: Task, form: Form | None, version: TemplateVersion | None, facts: Json) -> Json:
    """Return the content to decide about: {name, description, values, form, actions, documents}.

    `form`: that of the task. `facts`: the facts for templates, as `facts_of_task` makes them. `values` has a member for
    each path with a value that the template version, the engine's answer mappings or the form use. Empty members are
    left out.
    """
    task_facts = object_in(facts, "task")
    content: Json = {
        "name": task.name,
        "description": text_in(task_facts, "description"),
        "values": _values(task, form, version, facts),
        "form": task_facts.get("form"),
        "actions": task.actions,
        "documents": facts.get("documents"),
    }
    return {name: value for name, value in content.items() if value}


def _values(task: Task, form: Form | None, version: TemplateVersion | None, facts: Json) -> Json:
    paths = used_paths(version, task.engine_id, task.kind)
    if form is not None:
        paths += tuple(f"variables.{field.source}" for field in form)
    values = {path: lookup(facts, path) for path in paths}
    return {path: value for path, value in values.items() if value is not None}


def revision_of(content: Json) -> str:
    """Return the SHA-256 of the content's canonical JSON as base64url, 43 characters."""
    return base64.urlsafe_b64encode(hashlib.sha256(canonical_json(content)).digest()).decode().rstrip("=")


def canonical_json(value: Json) -> bytes:
    """Return the canonical JSON (RFC 8785). It has no form for integers beyond 2^53: they count as their digits in a
    string."""
    try:
        return rfc8785.dumps(value)
    except rfc8785.IntegerDomainError:
        return rfc8785.dumps(_with_large_integers_as_text(value))


def _with_large_integers_as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_large_integers_as_text(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_with_large_integers_as_text(member) for member in value]
    is_large = isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53
    return str(value) if is_large else value


Paths: TypeAlias = tuple[str, ...]

LIST_MEMBERS = ("size", "first", "last")
"""Members of a list in Liquid, besides its items."""

_ROOTS_LEFT_OUT = frozenset({"event", "brand", "info", "recipients", "result", "message", "asked_by", "title"})
"""Roots of values that come from the event or the reader, and not from the content."""

_TASK_MEMBERS_LEFT_OUT = (
    "id name description form actions due_at expires_at priority url assignee candidates teams".split()  # noqa: SIM905
)
_LEFT_OUT = frozenset({"task", "documents", *(f"task.{name}" for name in _TASK_MEMBERS_LEFT_OUT)})
"""Paths of content members, and of values that may change without a new decision: deadlines, priority, people."""


class _Paths:
    """The paths of template versions and of the answer mappings of one configuration."""

    def __init__(self, mapping_paths: dict[tuple[int, str], set[str]]) -> None:
        self._mapping_paths = mapping_paths
        self._version_paths: dict[int, set[str]] = {}
        self._cache: dict[tuple[int, int, str], Paths] = {}

    def of(self, version: TemplateVersion | None, engine: int, kind: str) -> Paths:
        key = (version.pk if version is not None else 0, engine, kind)
        if key not in self._cache:
            mapped = self._mapping_paths.get((engine, ""), set()) | self._mapping_paths.get((engine, kind), set())
            self._cache[key] = tuple(sorted(mapped | self._paths_of_version(version)))
        return self._cache[key]

    def _paths_of_version(self, version: TemplateVersion | None) -> set[str]:
        if version is None:
            return _fact_paths(None)
        if version.pk not in self._version_paths:
            texts = [*version.texts.all(), *version.customer_texts.all()]
            sources = [getattr(text, name) for text in texts for name in FIELDS]
            self._version_paths[version.pk] = _template_paths(sources) | _fact_paths(version)
        return self._version_paths[version.pk]


def used_paths(version: TemplateVersion | None, engine: int, kind: str) -> Paths:
    """Return the dotted paths of values used by the version, or the engine's answer mappings for tasks of the kind.

    Without a version: those that every task shows. Its texts, customer texts and facts count in all languages.
    """
    return _PATHS.get().of(version, engine, kind)


def _read() -> _Paths:
    paths: dict[tuple[int, str], set[str]] = {}
    for mapping in AnswerMapping.objects.all():
        paths.setdefault((mapping.engine_id, mapping.task_kind), set()).update(_paths_of_mapping(mapping.variables))
    return _Paths(paths)


_PATHS = Compiled(_read)


def _paths_of_mapping(variables: Json) -> set[str]:
    """Return the paths of the task's own variables: an answer's own text is not part of the decision."""
    templates = [
        definition.get("value") if isinstance(definition, dict) else definition for definition in variables.values()
    ]
    paths = _template_paths(each for each in templates if isinstance(each, str))
    return {path for path in paths if path == "variables" or path.startswith("variables.")}


def _fact_paths(version: TemplateVersion | None) -> set[str]:
    facts = template_facts(version)
    paths = {fact.path for fact in facts} | set(currency_paths(facts).values())
    return {path for path in paths if _counts(path)}


def _template_paths(sources: Iterable[str]) -> set[str]:
    return {path for source in sources for path in _variables(source) if _counts(path)}


def _variables(source: str) -> Iterator[str]:
    """Yield the paths of a template's variables. A template that cannot be read has none."""
    try:
        template = liquid.parse(source)
    except RenderError:
        return
    for variables in template.analyze(include_partials=False).globals.values():
        yield from (_path_of(variable.segments) for variable in variables)


def _path_of(segments: Sequence[object]) -> str:
    """Return the path up to an index in a list, a computed name, or one that no path can have: all below it counts."""
    plain = takewhile(lambda name: isinstance(name, str) and "." not in name and name not in LIST_MEMBERS, segments)
    return ".".join(map(str, plain))


def _counts(path: str) -> bool:
    return path not in _LEFT_OUT and path.partition(".")[0] not in _ROOTS_LEFT_OUT
