"""Reasons are kept as codes, and worded as they are read: in the reader's language, and never by reading a sentence."""

import ast
import re
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.utils import translation
from django.utils.translation import gettext

from escalations.reasons import LEFT, NO_LEAD, NO_MANAGER
from notifications import reasons
from notifications.models import Delivery, NotificationState
from notifications.reasons import CODES, DELEGATE, FACT, FALLBACK, NOTHING, Code, Reason, joined, read, said
from tests.support.documentation import ROOT

WORDED = [each for each in CODES.values() if each.is_worded]
NESTED = DELEGATE(name="Bob", reason=FALLBACK(why=joined([NO_LEAD(name="Audit"), NO_MANAGER(name="Ann")])))


@pytest.mark.parametrize("kind", WORDED, ids=lambda kind: kind.name)
def test_every_code_has_german_words(kind: Code) -> None:
    with translation.override("en"):
        assert gettext(kind.form) == kind.form
    with translation.override("de"):
        assert gettext(kind.form) != kind.form


def test_a_reason_is_english_as_text_and_the_readers_language_in_words() -> None:
    both = joined([LEFT(name="Carol"), NO_MANAGER(name="Carol")])

    with translation.override("de"):
        assert str(both) == "Carol is no longer active; Carol has no manager"
        assert both.words() == "Carol ist nicht mehr aktiv; Carol hat keine vorgesetzte Person"
        assert "Vertretung von Bob" in NESTED.words()
        assert "Audit hat keine Leitung; Ann hat keine" in NESTED.words()


@pytest.mark.parametrize("reason", [NOTHING, said("550 no such user; 50 % done"), LEFT(name="Ute"), NESTED])
def test_what_is_kept_is_read_again(reason: Reason) -> None:
    assert read({"reason_fact": reason.as_json()}) == reason
    assert Delivery(reason_fact=reason.as_json()).reason == str(reason)


def test_words_from_outside_stay_as_they_are() -> None:
    with translation.override("de"):
        assert said("OperationalError: gone; 50 % done").words() == "OperationalError: gone; 50 % done"


def test_labels_are_worded_too() -> None:
    with translation.override("de"):
        label = reasons.label(NotificationState.ANSWERED)
        assert (str(label), label.words()) == ("answered", "beantwortet")


def test_json_of_0_2_0_has_the_text_alone_and_shows_it() -> None:
    with translation.override("de"):
        assert reasons.words({"reason": "assignee"}) == "assignee"
        assert [str(each) for each in reasons.read_list({"notes": ["It is older."]}, "notes")] == ["It is older."]


def test_json_of_0_3_0_has_both_and_the_fact_is_read() -> None:
    row = {
        "reason": "assignee",
        "reason_fact": reasons.ASSIGNEE().as_json(),
        "channels": [{"reason": "", "reason_fact": None}],
    }

    with translation.override("de"):
        assert reasons.in_words(row)["reason"] == "zugewiesen"
    assert reasons.in_text(row) == {"reason": "assignee", "channels": [{"reason": ""}]}


def test_a_code_that_is_not_known_is_shown_by_its_name() -> None:
    """A process of a later version has written it."""
    assert reasons.words({"reason_fact": {"code": "weather", "kind": "rain"}}) == "weather"


def test_programs_get_the_text_alone() -> None:
    plan = [{"name": "Bob", "reason_fact": LEFT(name="Bob").as_json(), "channels": [{"reason_fact": None}]}]

    assert reasons.in_text(plan) == [
        {"name": "Bob", "reason": "Bob is no longer active", "channels": [{"reason": ""}]},
    ]


# --- nobody reads a sentence ------------------------------------------------------------------------------------------
TEXTS = {
    *("reason", "void_reason", "end_reason", "why", "history_change_reason", "last_fault", "alert", "fault"),
    *("callback_disabled_reason", "not_compared_reason", "detail", "error"),
}
"""Attributes and members whose text is for people alone."""
QUERIES = {"filter", "exclude", "get", "Q", "When"}
READERS = {
    "startswith",
    "endswith",
    "removeprefix",
    "partition",
    "split",
    "fullmatch",
    "match",
    "search",
    "sub",
    "index",
}
IN_SQL = re.compile(rf"(?is)\bWHERE\b.*\b({'|'.join(sorted(TEXTS))})\s*(=|<>|!=|~|LIKE\b|ILIKE\b|IN\b)(?!\s*'')")


def readings(source: str) -> Iterator[int]:
    """Lines at which a query or a comparison looks into such a text."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.expr) and is_reading(node):
            yield node.lineno


def is_reading(node: ast.expr) -> bool:
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        return any(map(is_text, sides)) and any(is_sentence(side) for side in sides if not is_text(side))
    if isinstance(node, ast.Call):
        return is_question(node)
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(IN_SQL.search(node.value))


def is_question(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    asked = [word for word in call.keywords if (word.arg or "").split("__")[0] in TEXTS and is_sentence(word.value)]
    of = [call.func.value] if isinstance(call.func, ast.Attribute) else []
    return (name in QUERIES and bool(asked)) or (name in READERS and any(map(is_text, [*of, *call.args])))


def is_text(node: ast.expr) -> bool:
    if isinstance(node, ast.Subscript):
        return isinstance(node.slice, ast.Constant) and node.slice.value in TEXTS
    return isinstance(node, ast.Attribute) and node.attr in TEXTS


def is_sentence(node: ast.expr) -> bool:
    """Whether there is any text at all may be asked."""
    return not (isinstance(node, ast.Constant) and node.value in (None, ""))


def test_every_text_that_has_a_fact_is_watched() -> None:
    columns = {field.name for model in apps.get_models() for field in model._meta.fields}
    assert {name.removesuffix(FACT) for name in columns if name.endswith(FACT)} <= TEXTS


def test_no_query_and_no_comparison_looks_into_a_sentence() -> None:
    files = [file for app in ("notifications", "escalations", "wfpush") for file in (ROOT / app).rglob("*.py")]
    found = [
        f"{file.relative_to(ROOT)}:{line}"
        for file in files
        if file.parent.name not in ("migrations", "tests")
        for line in readings(file.read_text())
    ]

    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "Delivery.objects.filter(reason=waiting_for(name))",
        "rows.exclude(reason__contains=WORDS)",
        "Q(end_reason__in=UNDONE)",
        "pattern.fullmatch(copy.reason)",
        'copy.reason.startswith("Reassigned to ")',
        'last.end_reason == "answered"',
        'told["reason"].startswith("Because ")',
        'Callback.objects.filter(detail__contains="refused")',
        "row.history_change_reason in DELIBERATE_CODES",
        "UNDONE = \"SELECT id FROM clocks WHERE state = 'closed' AND end_reason = 'answered'\"",
        'WAITING = "UPDATE d SET due_at = now() WHERE reason LIKE %s"',
    ],
)
def test_what_would_look_is_found(source: str) -> None:
    assert list(readings(source)) == [1]


@pytest.mark.parametrize(
    "source",
    [
        'Device.objects.filter(last_fault="")',
        'if row.reason == "": pass',
        'SET = "UPDATE d SET reason = %s WHERE id = %s"',
    ],
)
def test_that_there_is_a_text_may_be_asked(source: str) -> None:
    assert list(readings(source)) == []
