"""Which values of a task its template and its engine's answer mappings use."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from typing import TypeAlias

from notifications.errors import RenderError
from notifications.models import AnswerMapping, TemplateVersion
from notifications.types import Json
from notifications.wording import liquid
from notifications.wording.key_facts import AMOUNT, CODE, currency_path
from notifications.wording.template_check import FIELDS
from wfpush.postgres.revision import Compiled

Paths: TypeAlias = tuple[str, ...]

OF_LISTS = ("size", "first", "last")
"""What Liquid knows of a list besides its members."""

_ROOTS_LEFT_OUT = frozenset({"event", "brand", "info", "recipients", "result", "message", "asked_by", "title"})
"""What comes from the event or the reader, and not from what is to be decided."""

_OF_TASK_LEFT_OUT = (
    "id name description form actions due_at expires_at priority url assignee candidates teams".split()  # noqa: SIM905
)
_LEFT_OUT = frozenset({"task", "documents", *(f"task.{name}" for name in _OF_TASK_LEFT_OUT)})
"""Members of their own in the content, and what may change without a new decision: deadlines, priority, people."""


class _Paths:
    """The paths of template versions and of the answer mappings of one configuration."""

    def __init__(self, of_mappings: dict[tuple[int, str], set[str]]) -> None:
        self._of_mappings = of_mappings
        self._of_versions: dict[int, set[str]] = {}
        self._cache: dict[tuple[int, int, str], Paths] = {}

    def of(self, version: TemplateVersion | None, engine: int, kind: str) -> Paths:
        key = (version.pk if version is not None else 0, engine, kind)
        if key not in self._cache:
            mapped = self._of_mappings.get((engine, ""), set()) | self._of_mappings.get((engine, kind), set())
            self._cache[key] = tuple(sorted(mapped | self._of_version(version)))
        return self._cache[key]

    def _of_version(self, version: TemplateVersion | None) -> set[str]:
        if version is None:
            return _of_facts(None)
        if version.pk not in self._of_versions:
            self._of_versions[version.pk] = _of_texts(version) | _of_facts(version)
        return self._of_versions[version.pk]


def used_paths(version: TemplateVersion | None, engine: int, kind: str) -> Paths:
    """Dotted paths of the values that the version, or the answer mappings of the engine for tasks of that kind, use.

    Without a version: those that every task shows. Its texts, customer texts and facts count in all languages.
    """
    return _PATHS.get().of(version, engine, kind)


def _read() -> _Paths:
    of_mappings: dict[tuple[int, str], set[str]] = {}
    for mapping in AnswerMapping.objects.all():
        of_mappings.setdefault((mapping.engine_id, mapping.task_kind), set()).update(_of_mapping(mapping.variables))
    return _Paths(of_mappings)


_PATHS = Compiled(_read)


def _of_mapping(variables: Json) -> set[str]:
    """Return the paths of the task's own variables: an answer's own text is not part of the decision."""
    templates = [
        definition.get("value") if isinstance(definition, dict) else definition for definition in variables.values()
    ]
    paths = _of_templates(each for each in templates if isinstance(each, str))
    return {path for path in paths if path == "variables" or path.startswith("variables.")}


def _of_texts(version: TemplateVersion) -> set[str]:
    texts = [*version.texts.all(), *version.customer_texts.all()]
    return _of_templates(getattr(text, name) for text in texts for name in FIELDS)


def _of_facts(version: TemplateVersion | None) -> set[str]:
    facts = (list(version.facts.all()) if version is not None else []) or [AMOUNT]
    paths = {fact.path for fact in facts}
    money = [fact for fact in facts if fact.kind == AMOUNT.kind]
    paths |= {currency_path(fact) for fact in money if not CODE.fullmatch(fact.currency)}
    return {path for path in paths if _counts(path)}


def _of_templates(sources: Iterable[str]) -> set[str]:
    return {path for source in sources for path in _variables(source) if _counts(path)}


def _variables(source: str) -> Iterator[str]:
    """A template that cannot be read shows nothing, and uses nothing."""
    try:
        template = liquid.parse(source)
    except RenderError:
        return
    for variables in template.analyze(include_partials=False).globals.values():
        yield from (_path_of(variable.segments) for variable in variables)


def _path_of(segments: Sequence[object]) -> str:
    """Up to a place in a list, a name that is computed, or one that a path cannot have: then the whole of it counts."""
    plain = takewhile(lambda name: isinstance(name, str) and "." not in name and name not in OF_LISTS, segments)
    return ".".join(map(str, plain))


def _counts(path: str) -> bool:
    return path not in _LEFT_OUT and path.partition(".")[0] not in _ROOTS_LEFT_OUT
