"""JMESPath that would need too much memory or time is refused, on save and at intake."""

from typing import Any

import pytest

from notifications.errors import InvalidEvent
from notifications.intake import expressions, mapping
from notifications.intake.expressions import Evaluation, InvalidExpression, LimitExceeded
from notifications.models import EventMapping
from tests.factories import EngineFactory
from tests.support.api import engine_caller, pointers
from tests.support.cost import MOST_MEMORY, cost
from tests.support.length import some

WIDE = {"items": [{"name": f"item {number}", "value": number} for number in range(5_000)], "long": "x" * 500_000}

BOMBS = {
    "doubling": " | ".join(["[@,@]"] * 60),
    "doubling and writing": "to_string(" + " | ".join(["[@,@]"] * 60) + ")",
    "doubling flat": " | ".join(["[@,@][]"] * 50),
    "tenfold": " | ".join(["[@,@,@,@,@,@,@,@,@,@]"] * 20),
    "names": " | ".join(["{a:@,b:@,c:@,d:@}"] * 25),
    "separators": "join(long, items[].name)",
    "long texts again and again": " | ".join(["[to_string(@),to_string(@)]"] * 14),
    "each of each": "items[].[@,@,@,@][].[@,@,@,@][].[@,@,@,@][].[@,@,@,@][].[@,@,@,@][].name",
    "sorted of each": "items[].[@,@,@,@][].[@,@,@,@][] | sort_by(@, &[name,name][0]) | map(&sort_by([@,@],&name),@)",
}


@pytest.mark.parametrize("text", some(BOMBS.values(), 4), ids=BOMBS)
def test_what_builds_too_much_is_stopped_before_it_has(text: str) -> None:
    assert len(text) <= expressions.MAX_LENGTH
    with cost() as spent, pytest.raises(LimitExceeded, match=r"more than|longer than"):
        Evaluation().search(text, WIDE)

    assert spent.memory < MOST_MEMORY


@pytest.mark.parametrize(
    "text",
    [
        "[" * 240 + "a" + "]" * 240,
        "!" * 499 + "a",
        "{a:" * 120 + "a" + "}" * 120,
        "a" * 501,
        "(" * 100_000,
        "a[" + "9" * 480,
        "a[::0].[",
        "`" + "[" * 240 + "]" * 240 + "`.a.[",
    ],
)
def test_what_is_too_long_or_deep_is_refused_on_save_with_a_sentence(text: str) -> None:
    with pytest.raises(InvalidExpression, match=r"\w"):
        expressions.check(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("items[?value > `4990`].name | length(@)", 9),
        ("by_name(items) | length(@)", 5_000),
        ("join(',', items[:3].name)", "item 0,item 1,item 2"),
        ("sort_by(items, &value)[-1].value", 4_999),
        ("length(long)", 500_000),
        ("items[].[name, value][] | length(@)", 10_000),
    ],
)
def test_what_an_administrator_needs_is_within_the_bounds(
    text: str, found: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In steps and values. How long they take depends on the machine."""
    monkeypatch.setattr(expressions, "MAX_SECONDS", 60)
    expressions.check(text)
    assert Evaluation().search(text, WIDE) == found


def test_the_expressions_of_a_mapping_share_their_bounds() -> None:
    rows = [(f"data.m{number}", "items[].name | sort(@) | reverse(@)") for number in range(100)]

    with pytest.raises(InvalidEvent) as refused:
        mapping.translate(rows, WIDE, source="/e")
    assert refused.value.extra["errors"][0]["pointer"]


def refused_member(member: str, text: str, document: Any) -> dict[str, str]:
    with pytest.raises(InvalidEvent) as refused:
        mapping.translate([(member, text)], document, source="/e")
    fault: dict[str, str] = refused.value.extra["errors"][0]
    assert len(fault["detail"]) < 1_000
    return fault


def test_what_an_expression_makes_is_as_strict_as_a_body() -> None:
    assert refused_member("data.x", r'`"\u0000"`', {})["pointer"] == "/data/x"
    assert refused_member("data.x", r'{"a\ud800": @}', {})["pointer"].startswith("/data/x/a")
    deep: Any = 1
    for _ in range(62):
        deep = [deep]
    assert "levels" in refused_member("data.x", "[[[[@]]]]", deep)["detail"]


@pytest.mark.django_db
def test_an_engine_whose_mapping_explodes_is_told_422(client: Any) -> None:
    engine = EngineFactory(slug="legacy")
    EventMapping.objects.bulk_create(
        EventMapping(engine=engine, member=member, expression=text)
        for member, text in (("id", "id"), ("type", "'acme.changed'"), ("data.all", BOMBS["doubling and writing"]))
    )
    EventMapping.objects.create(engine=engine, member="data.deep", expression="(" * 240 + "id" + ")" * 240)
    with cost() as spent:
        answer = engine_caller(engine).post("/api/v1/engines/legacy/events", {"id": "1", **WIDE})

    assert "/data/all" in pointers(answer, "invalid_event")
    assert spent.memory < MOST_MEMORY
