"""What administrators write in templates, and what attackers would write."""

import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from notifications.errors import RenderError
from notifications.types import Json
from notifications.wording import liquid
from notifications.wording.formats import locale_of, zone_of
from notifications.wording.liquid_filters import FILTERS, Place
from tests.support.length import LONG, some

BERLIN = Place(locale_of("en"), zone_of("Europe/Berlin"))
VIENNA = Place(locale_of("de"), zone_of("Europe/Vienna"))
DOCUMENTATION = Path(__file__).parents[3] / "docs" / "writing-templates.md"
SECONDS = 3.0
"""Of this thread's time on the processor: more than any rendering takes."""

INVOICE: Json = {
    "task": {
        "name": "Approve invoice 4711", "assignee": {"ref": "bob", "name": "Bob"},
        "candidates": ["bob", {"ref": "carol"}], "due_at": "2026-11-25T16:00:00Z", "expires_at": None, "urgent": True,
    },
    "variables": {"amount": 1200.5, "currency": "EUR", "count": 3, "rate": 2.0, "text": "1200.5", "day": "2026-11-25"},
    "documents": [{"title": "Plan", "pages": 2}, {"title": "Photo"}, "loose"],
    "long": "a" * 60_000,
    "many": list(range(3_000)),
}  # fmt: skip


ABSURD: Json = {
    **INVOICE,
    "absurd": {"float": 1e300, "whole": 10**40, "long": int("9" * 4_000), "small": 1e-300},
}


AGAIN = "{}{{% for i in (1..999) %}}{}{{% endfor %}}"


def said(source: str, place: Place = BERLIN, data: Json = INVOICE) -> str:
    return liquid.render(source, data, place)[0]


def missing(source: str, data: Json = INVOICE) -> list[str]:
    return liquid.render(source, data, BERLIN)[1]


def refusal(source: str, data: Json = INVOICE) -> str:
    began = time.thread_time()
    with pytest.raises(RenderError) as caught:
        liquid.render(source, data, BERLIN)
    assert time.thread_time() - began < SECONDS
    return str(caught.value)


# --- what templates are for ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ task.name }}", "Approve invoice 4711"),
        ("{{ task.assignee }}, {{ task.assignee.ref }}", "Bob, bob"),
        ("{{ task.candidates }}", "bob, carol"),
        ("{{ task.candidates[1] }} {{ task.candidates.size }} {{ task.candidates.first }}", "carol 2 bob"),
        ("{{ variables.rate }} {{ variables.amount }} {{ task.urgent }}", "2 1200.5 true"),
        ("{% for each in documents %}{{ forloop.index }}. {{ each.title }} {% endfor %}", "1. Plan 2. Photo 3. — "),
        ("{% for pair in variables limit: 1 %}{{ pair[0] }}: {{ pair[1] }}{% endfor %}", "amount: 1200.5"),
        ("{% if task.nothing %}yes{% else %}no{% endif %}", "no"),
        ("{% if task.nothing > 3 or task.nothing == nil %}yes{% endif %}", "yes"),
        ("{% case task.name %}{% when 'Other' %}1{% when 'Approve invoice 4711' %}2{% endcase %}", "2"),
        ("{% assign x = (1..3) %}{{ x }} {{ x | join }}", "1..3 1, 2, 3"),
        ("{% capture x %}A{% endcapture %}{{ x }}{% comment %}hidden{% endcomment %}", "A"),
        ("{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
        ("<b>{{ '<script>' }}</b> & “{{ task.name }}”", "<b><script></b> & “Approve invoice 4711”"),
    ],
)
def test_variables_are_filled_in(source: str, text: str) -> None:
    assert said(source) == text


@pytest.mark.parametrize(
    ("source", "english", "german"),
    [
        ("{{ variables.amount | money: variables.currency }}", "€1,200.50", "1.200,50 €"),
        ("{{ variables.text | money: 'USD' }}", "$1,200.50", "1.200,50 $"),
        ("{{ variables.amount | money }}", "1,200.50", "1.200,50"),
        ("{{ 'by agreement' | money: 'EUR' }}", "by agreement", "by agreement"),
        ("{{ 12345.5 | number }}", "12,345.5", "12.345,5"),
        ("{{ task.due_at | datetime }}", "Wed, 25 Nov 2026, 17:00 CET", "Mi., 25. Nov. 2026, 17:00 CET"),
        ("{{ task.due_at | date }}", "25 November 2026", "25. November 2026"),
        ("{{ task.due_at | time }}", "17:00 CET", "17:00 CET"),
        ("{{ variables.day | date }}", "25 November 2026", "25. November 2026"),
        ("{{ variables.day | datetime }}", "25 November 2026", "25. November 2026"),
        ("{{ 'soon' | datetime }}{{ 3 | date }}{{ 'x' | time }}{{ 'x' | number }}", "soon3xx", "soon3xx"),
    ],
)
def test_money_numbers_and_times_speak_the_readers_language(source: str, english: str, german: str) -> None:
    assert (said(source), said(source, VIENNA)) == (english, german)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (
            "{{ 401.34999999999997 }} {{ 401.34999999999997 | money: 'EUR' }} {{ 0.0000001 }}",
            "401.35 €401.35 0.0000001",
        ),
        ("{{ 0.1 | plus: 0.2 }} {{ '5' | times: 2 }} {{ 5 | minus: 7 }}", "0.3 10 -2"),
        ("{{ 7 | divided_by: 2 }} {{ 7.0 | divided_by: 2.5 }} {{ -7 | modulo: 3 }}", "3 2.8 2"),
        ("{{ 2.5 | round }} {{ 2.567 | round: 2 }} {{ 2.1 | ceil }} {{ 2.9 | floor }} {{ -3 | abs }}", "2 2.57 3 2 3"),
        ("{{ 3 | at_least: 5 }} {{ 3 | at_most: 2 }}", "5 2"),
        ("{{ documents | map: 'title' | join: ' + ' }} {{ documents | size }}", "Plan + Photo 3"),
        (
            "{{ documents | where: 'pages' | map: 'title' }}{{ documents | where: 'title', 'Photo' | first }}",
            "PlanPhoto",
        ),
        ("{{ 'b,a,B,a' | split: ',' | uniq | sort | reverse }}", "B, b, a"),
        ("{{ many | first }} {{ many | last }} {{ many | size }}", "0 2999 3000"),
        ("{{ documents | sort: 'title' | map: 'title' }} {{ 'a' | concat: documents | last }}", "Photo, Plan loose"),
        ("{{ '  Bob   and Carol ' | squish | upcase | append: '!' | prepend: '¡' }}", "¡BOB AND CAROL!"),
        ("{{ 'under_review' | replace: '_', ' ' | capitalize }} {{ 'aXbX' | remove: 'X' }}", "Under review ab"),
        ("{{ 'abcdef' | slice: 1, 3 }} {{ 'Approve invoice' | truncate: 8 }}", "bcd Approve…"),
        ("{{ 'a b c' | truncatewords: 2, '' }} {{ 'ä b&c' | url_encode }}", "a b %C3%A4%20b%26c"),
    ],
)
def test_filters_do_what_they_say(source: str, text: str) -> None:
    assert said(source) == text


def test_every_filter_and_tag_is_documented() -> None:
    documented = set(re.findall(r"`([a-z_#]+)`", DOCUMENTATION.read_text(encoding="utf-8")))
    tags = {tag.name for tag in liquid.TAGS} - {"content", "output", "illegal"}  # text, {{ … }} and whatever is unknown

    assert set(FILTERS) | tags <= documented


# --- what is missing -----------------------------------------------------------------------------------------
def test_a_missing_variable_leaves_a_dash_and_is_named() -> None:
    assert said("{{ task.nothing }}, {{ customer.name | upcase }}, {{ variables.tax | plus: 1 }}") == "—, —, —"
    source = "{{ task.nothing }} {{ customer.name | upcase }} {{ task.nothing }}"
    assert missing(source) == ["task.nothing", "customer.name"]


def test_null_is_missing_too() -> None:
    assert said("until {{ task.expires_at | datetime }}") == "until —"
    assert missing("{{ task.expires_at | datetime }}") == ["task.expires_at"]


def test_asking_whether_something_is_there_is_no_fault() -> None:
    source = (
        "{% if customer.phone %}{{ customer.phone }}{% endif %}{{ customer.name | default: 'nobody' }} {{ x | size }}"
    )
    assert said(source) == "nobody 0"
    assert missing(source) == []


def test_a_missing_word_inside_a_sentence_is_named() -> None:
    assert said("{{ 'Dear ' | append: customer.name }}") == "Dear —"
    assert missing("{{ 'Dear ' | append: customer.name }}") == ["customer.name"]


# --- numbers that are none -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{{ task.name | times: 2 }}", "“Approve invoice 4711” is not a number of at most 15 digits"),
        ("{{ 1 | divided_by: 0 }}", "divided by 0"),
        ("{{ 1 | modulo: 0 }}", "divided by 0"),
        ("{{ absurd.float | plus: 1 }}", "“1e+300” is not a number of at most 15 digits"),
        ("{{ absurd.whole | round }}", f"“1{'0' * 39}” is not a number of at most 15 digits"),
        ("{{ absurd.long | minus: 1 }}", f"“{'9' * 40}” is not a number of at most 15 digits"),
        ("{{ 99999999 | times: 99999999 }}", "a number with more than 15 digits"),
        ("{% assign x = 1 | divided_by: 0 %}{{ x | plus: 1 }}", "divided by 0"),
    ],
)
def test_what_cannot_be_calculated_is_a_dash_with_its_reason_and_the_rest_stays(source: str, reason: str) -> None:
    filled = liquid.render(f"Dear Bob,\n{source}\n{{{{ task.assignee }}}}", ABSURD, BERLIN)

    assert filled == ("Dear Bob,\n—\nBob", [], [f"Line 2: {reason}"])


def test_a_default_stands_in_for_what_cannot_be_calculated() -> None:
    assert said("{{ absurd.float | plus: 1 | default: 'much' }}", data=ABSURD) == "much"


@pytest.mark.parametrize("name", ["float", "whole", "long"])
@pytest.mark.parametrize("how", ["money: 'EUR'", "number", "datetime", "append: ''"])
def test_absurd_numbers_are_shown_as_they_came(name: str, how: str) -> None:
    filled = liquid.render(f"{{{{ absurd.{name} | {how} }}}}", ABSURD, BERLIN)

    assert filled == (str(ABSURD["absurd"][name]), [], [])


@pytest.mark.parametrize("name", ["float", "whole", "long", "small"])
def test_no_absurd_number_stops_a_template(name: str) -> None:
    for each in FILTERS:
        for source in (f"{{{{ absurd.{name} | {each} }}}}", f"{{{{ 'a' | {each}: absurd.{name} }}}}"):
            try:
                liquid.render(source, ABSURD, BERLIN)
            except RenderError as fault:
                assert "argument" in str(fault), source


def test_a_number_that_squares_ends_where_numbers_end() -> None:
    source = AGAIN.format("{% assign x = 99 %}", "{% assign x = x | times: x %}") + "{{ x }}"

    assert liquid.render(source, INVOICE, BERLIN) == ("—", [], ["Line 1: a number with more than 15 digits"])


# --- what is not there ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "path",
    [
        "task.__class__", "task.name.upper", "task.keys", "task.items", "documents.append", "now", "today",
        "task.name.__class__.__mro__", "task['__init__']", "variables.amount.real", "task.assignee.name[0]",
    ],
)  # fmt: skip
def test_python_is_out_of_reach(path: str) -> None:
    assert said(f"{{{{ {path} }}}}") == "—"


@pytest.mark.parametrize(
    "source",
    [
        "{% include 'x' %}", "{% render 'x' %}", "{% tablerow x in many %}{% endtablerow %}", "{% increment x %}",
        "{% liquid echo 1 %}", "{% echo 1 %}", "{% cycle 1, 2 %}", "{% layout 'x' %}", "{% macro x %}{% endmacro %}",
    ],
)  # fmt: skip
def test_other_tags_do_not_exist(source: str) -> None:
    assert "unexpected tag" in refusal(source)


@pytest.mark.parametrize("name", ["safe", "escape", "escape_once", "strip_html", "base64_decode", "nothing"])
def test_other_filters_do_not_exist(name: str) -> None:
    assert refusal(f"one\n{{{{ task.name | {name} }}}}") == f"Line 2: there is no filter “{name}”."


def test_an_object_put_into_the_data_by_mistake_shows_nothing_of_itself() -> None:
    class Secret:
        password = "hunter2"

    assert said("{{ thing }}{{ thing.password }}", data={"thing": Secret()}) == "—"
    assert said("{{ box.thing.password }}{{ box.thing }}", data={"box": {"thing": Secret()}}) == "——"


# --- bombs -----------------------------------------------------------------------------------------------------
BOMBS = {
    "a huge range, joined": ("{{ (1..50000000) | join }}", "1000 numbers"),
    "a huge range, looped over": ("{% for i in (1..50000000) %}{% endfor %}", "1000 numbers"),
    "a huge range, searched": ("{% if (1..50000000) contains 'x' %}{% endif %}", "1000 numbers"),
    "a huge range, assigned": ("{% assign r = (1..50000000) %}{{ r | size }}", "1000 numbers"),
    "a huge range, compared": ("{% case 1 %}{% when (1..99999999) %}{% endcase %}", "1000 numbers"),
    "a huge range in a filter": ("{{ 'a' | append: (1..99999999) }}", "1000 numbers"),
    "a huge range by variables": ("{% assign n = 99999999 %}{% for i in (1..n) %}{% endfor %}", "1000 numbers"),
    "nested loops": ("{% for i in (1..99) %}{% for j in (1..99) %}a{% endfor %}{% endfor %}", "loop rounds"),
    "loops in a row": ("{% for i in (1..600) %}a{% endfor %}" * 2, "loop rounds"),
    "a long list": ("{% for i in many %}{% endfor %}", "loop rounds"),
    "a text that doubles": (AGAIN.format("{% assign x = 'aaaa' %}", "{% assign x = x | append: x %}"), "65536"),
    "a text that squares": ("{{ long | replace: 'a', long }}", "65536"),
    "a text out of nothing": ("{{ long | replace: '', long }}", "65536"),
    "a list as a long text": ("{% assign l = long | split: '' %}{{ l | join: long }}", "too long"),
    "a long output": ("{% for i in (1..99) %}{{ long }}{% endfor %}", "256 KiB"),
    "captures of captures": ("{% capture x %}{{ x }}{{ long }}{% endcapture %}" * 9, "namespace"),
    "many variables": ("".join(f"{{% assign x{i} = long | append: '{i}' %}}" for i in range(150)), "namespace"),
    "much comparing": (AGAIN.format("", "{% if task == variables %}{% endif %}" * 260), "too long"),
    "much sorting": (AGAIN.format("", "{% assign x = many | sort %}" * 300), "too long"),
    "deep blocks": ("{% if 1 %}" * 50 + "{% endif %}" * 50, "nesting"),
    "deep brackets": ("{{ " + "a[" * 3000 + "1" + "]" * 3000 + " }}", "nested"),
    "deep conditions": ("{% if " + "a or " * 1900 + "a %}{% endif %}", "nested"),
    "a long template": ("x" * 10_001, "longer than"),
    "tags that never close": ("{{" * 4_900, "never closed"),
    "tags closed by others": ("{{" * 4_900 + "%}", "never closed"),
    "spaces without end": ("{{" + " " * 9_000 + "}}", "100 spaces"),
    "a stray break": ("{% break %}", "break"),
    "a tag that does not end": ("{% if a %}", "endif"),
    "an expression that is none": ("one\ntwo {{ 1 + 2 }}", "Line 2"),
    "too many arguments": ("{{ 1 | plus: 1, 2, 3 }}", "Line 1"),
    "odd arguments": ("{{ 'a' | append: bogus: 1 }}", "Line 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", some(BOMBS, 12))
def test_a_bomb_is_refused_at_once_and_the_reason_said(name: str) -> None:
    source, reason = BOMBS[name]
    assert reason in refusal(source)


def test_a_stray_end_is_refused_in_words() -> None:
    assert refusal("one\n{{ task.name") == "The last {{ is never closed by }}."
    assert refusal("{% endif %}").startswith("Line 1: unexpected tag")


# --- anything at all -----------------------------------------------------------------------------------------
PATHS = [
    "task",
    "task.name",
    "task.due_at",
    "variables.amount",
    "variables",
    "documents",
    "many",
    "long",
    "none",
    "x",
    "i",
]
LITERALS = [
    "'a'",
    "''",
    "1",
    "-1",
    "0",
    "2.5",
    "99999999",
    "true",
    "nil",
    "empty",
    "blank",
    "(1..9)",
    "(x..i)",
    "(1..n)",
]
RUBBLE = ["{{", "}}", "{%", "%}", " if ", "for i in ", "|", "'", "(", "..", ")", " a ", "[", "]", "\n", "-"]
VALUES = st.sampled_from(PATHS + LITERALS)


def _piped(value: str, filters: list[tuple[str, list[str]]]) -> str:
    return value + "".join(f" | {name}" + (": " + ", ".join(args) if args else "") for name, args in filters)


EXPRESSIONS: SearchStrategy[str] = st.builds(
    _piped,
    VALUES,
    st.lists(st.tuples(st.sampled_from(sorted(FILTERS)), st.lists(VALUES, max_size=3)), max_size=4),
)
CONDITIONS = st.builds(
    "{} {} {}".format, VALUES, st.sampled_from(["==", "!=", "<", ">=", "contains", "and", "or"]), VALUES
)
PIECES = st.one_of(st.text(max_size=8), st.builds("{{{{ {} }}}}".format, EXPRESSIONS))
TEMPLATES: SearchStrategy[str] = st.recursive(
    PIECES,
    lambda inner: st.one_of(
        st.builds("{}{}".format, inner, inner),
        st.builds("{{% if {} %}}{}{{% else %}}{}{{% endif %}}".format, CONDITIONS, inner, inner),
        st.builds("{{% for i in {} %}}{}{{% endfor %}}".format, VALUES, inner),
        st.builds("{{% assign x = {} %}}{}".format, EXPRESSIONS, inner),
        st.builds("{{% capture x %}}{}{{% endcapture %}}{}".format, inner, inner),
        st.builds("{{% case {} %}}{{% when {} %}}{}{{% endcase %}}".format, VALUES, VALUES, inner),
    ),
    max_leaves=12,
)
JSON: SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(["name", "amount", "i", "size"]), inner)
    ),
    max_leaves=15,
)
CONTEXTS = st.dictionaries(st.sampled_from(["task", "variables", "documents", "x", "i", "n"]), JSON)


def _bounded(source: str, data: Json) -> None:
    began = time.thread_time()
    try:
        text, missed, odd = liquid.render(source, data, VIENNA)
    except RenderError as fault:
        assert str(fault)
    else:
        assert len(text.encode("utf-8", "surrogatepass")) <= liquid.MAX_OUTPUT
        assert all(isinstance(name, str) for name in (*missed, *odd))
    assert time.thread_time() - began < SECONDS


@settings(max_examples=300 if LONG else 80, deadline=None)
@given(TEMPLATES, st.just(INVOICE) | CONTEXTS)
def test_any_template_on_any_data_gives_text_within_bounds_or_is_refused(source: str, data: Json) -> None:
    _bounded(source, data)


@settings(max_examples=150 if LONG else 50, deadline=None)
@given(st.lists(st.sampled_from(RUBBLE), max_size=60))
def test_any_rubble_of_braces_is_text_or_is_refused(pieces: list[str]) -> None:
    _bounded("".join(pieces), INVOICE)
