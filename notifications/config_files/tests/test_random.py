"""Random configurations: their plan is empty after an export, names just what was changed, and stores just that."""

from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notifications.config_files import applying, documents
from notifications.config_files.nodes import read_yaml
from notifications.config_files.tests.folders import OPS, structure
from tests.support.length import LONG

pytestmark = pytest.mark.django_db

WORDS = st.text(
    st.sampled_from("abzAZ09-_.:#'\"&*!|>%@`{}[],?~ =äß日→\U0001f600"), min_size=1, max_size=30
).filter(lambda text: text == text.strip() and text.isprintable())  # fmt: skip
SURPRISES = st.sampled_from(
    ["no", "on", "yes", "null", "~", "true", "1", "1.5", "1e3", "2026-01-01", "12:30", "=", "<<", "- a"]
)
NAMES = WORDS | SURPRISES
SLUGS = st.sampled_from(["a", "b", "no", "on", "1", "true", "2026-01-01", "x-1"])
TEXTS = st.lists(NAMES | st.just(""), min_size=1, max_size=4).map("\n".join).map(str.strip).filter(bool)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(-1e6, 1e6) | NAMES | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
PATHS = st.sampled_from(["task.kind", "variables.amount", "event.type", "case.type"])
LABELS = st.dictionaries(st.sampled_from(["en", "de", "fr"]), NAMES, min_size=1, max_size=3)


def mapping(optional: dict[str, Any], **required: Any) -> Any:
    return st.fixed_dictionaries(required, optional=optional)


def unique(rows: Any, *names: str) -> Any:
    return st.lists(rows, max_size=3, unique_by=lambda row: tuple(row.get(name, "") for name in names))


CONDITION = mapping({}, path=PATHS, value=WORDS) | mapping(
    {}, path=PATHS, operator=st.sampled_from(["exists", "missing"])
)
TARGET = st.sampled_from([{"kind": "assignee"}, {"kind": "candidates"}, {"kind": "role", "role": "owner"}])
STEP_WORDS = {"time": "wall", "template": "task-reminder", "category": "approvals"}
STEP = mapping(
    {"critical": st.booleans()},
    offset=st.integers(-900, 900),
    kind=st.just("notify"),
    **{name: st.just(value) for name, value in STEP_WORDS.items()},
    target=st.just("assignee"),
)
CATEGORY = mapping(
    {"position": st.integers(0, 9), "mandatory_reason": WORDS}, name=WORDS, channels=st.just(["live", "email"])
)
EVENT_TYPE = mapping({"description": WORDS, "variables": unique(mapping({"label": WORDS}, path=PATHS), "path")})
RULE = mapping(
    {
        "enabled": st.booleans(),
        "priority": st.integers(-1000, 1000),
        "stop": st.booleans(),
        "conditions": unique(CONDITION, "path"),
        "targets": unique(TARGET, "kind"),
    },
    category=st.just("approvals"),
    template=st.just("task"),
)
TEMPLATE = mapping(
    {"actions": unique(mapping({}, action=st.sampled_from(["approve", "reject"]), labels=LABELS), "action")},
    name=WORDS,
    texts=st.lists(
        mapping(
            {"body": WORDS.filter(lambda text: "{" not in text)},
            language=st.sampled_from(["en", "de"]),
            title=st.just("T"),
        ),
        min_size=1,
        max_size=2,
        unique_by=lambda row: row["language"],
    ),
)
POLICY = mapping({"position": st.integers(0, 99), "steps": unique(STEP, "offset")}, time=st.just("wall"))
CONFIGURATION = mapping(
    {},
    categories=st.dictionaries(SLUGS, CATEGORY, max_size=2),
    event_types=st.dictionaries(NAMES, EVENT_TYPE, max_size=2),
    templates=st.dictionaries(SLUGS, TEMPLATE, max_size=2),
    rules=st.dictionaries(NAMES, RULE, max_size=3),
    policies=st.dictionaries(NAMES, POLICY, max_size=2),
    teams=st.dictionaries(SLUGS, mapping({}, name=WORDS), max_size=2),
)


class _Undo(Exception):
    pass


@settings(max_examples=100 if LONG else 3, deadline=None, suppress_health_check=list(HealthCheck))
@given(CONFIGURATION, CONFIGURATION)
def test_random_configurations(before: dict[str, Any], after: dict[str, Any]) -> None:
    try:
        with transaction.atomic():
            _check(before, after)
            raise _Undo
    except _Undo:
        pass


def _check(before: dict[str, Any], after: dict[str, Any]) -> None:
    applying.apply(structure(**before), OPS, "tests")
    exported = read_back()
    assert applying.plan(exported, OPS).changes == []
    stored = applying.current()
    required = structure(**after)
    planned = applying.plan(required, OPS)
    assert _bodies(applying.current()) == _bodies(stored)

    named = {change.thing.id for change in planned.changes}
    applying.apply(required, OPS, "tests", planned.digest)
    now = _bodies(applying.current())
    assert named == {key for key in now.keys() | stored.keys() if now.get(key) != _bodies(stored).get(key)}
    assert {key: now[key] for key in required.things} == _bodies(
        {key: _with_absent(thing, stored) for key, thing in required.things.items()}
    )
    assert applying.plan(read_back(), OPS).changes == []
    if planned.changes or planned.taken_over:
        applying.undo(OPS)
    assert _bodies(applying.current()) == _bodies(stored)


def read_back() -> documents.Documents:
    """Return what the files of an export say."""
    files = documents.files_of(applying.current())
    read = documents.read_nodes([root for name, text in files.items() for root in read_yaml(name, text.encode())])
    assert read.mistakes == documents.unknown_names(read.things) == []
    return read


def _bodies(things: documents.Things) -> dict[tuple[str, str], Any]:
    return {key: thing.body for key, thing in things.items()}


def _with_absent(thing: Any, stored: documents.Things) -> Any:
    if thing.id in stored:
        kept = {name: value for name, value in stored[thing.id].body.items() if name in thing.absent}
        thing.body = {**thing.body, **kept}
    return thing


@given(st.dictionaries(NAMES, mapping({"sample": st.dictionaries(NAMES, JSON, max_size=3)}), max_size=3))
def test_every_value_reads_as_it_was_written(event_types: dict[str, Any]) -> None:
    things = structure(event_types=event_types).things
    text = documents.text_of("event_types", things.values())
    read = documents.read_nodes(read_yaml("a", text.encode()))

    assert read.mistakes == []
    assert _bodies(read.things) == _bodies(things)
