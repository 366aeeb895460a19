"""Patterns of text fields: what they mean, here and in browsers (tests/browsers/test_forms.py), and that no text makes
one slow."""

import json
from pathlib import Path
from typing import Any

import pytest

from notifications.forms import checking, definition
from notifications.forms.patterns import MOST_PATTERN, MOST_TEXT, fault_of, fits
from notifications.forms.rendering import form_json
from notifications.types import Json
from tests.notifications.forms.invoice import invoice_form, read

VECTORS: Json = json.loads((Path(__file__).parents[2] / "vectors/patterns.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("pattern", "text", "does"), VECTORS["fits"])
def test_a_pattern_means_what_the_vectors_say(pattern: str, text: str, does: bool) -> None:
    assert fault_of(pattern) == ""
    assert fits(pattern, text) is does


@pytest.mark.parametrize("pattern", VECTORS["refused"])
def test_what_is_not_read_the_same_everywhere_is_refused(pattern: Any) -> None:
    assert fault_of(pattern).startswith(("Write a pattern", "This is no regular expression that is read here: "))


@pytest.mark.parametrize("part", ["(?:.|..)", "(a*)*", ".*?", "(a|aa)+", "a?", "[^b]{0,9}", "(?:a?b?){9}"])
def test_no_text_makes_a_pattern_slow(part: str) -> None:
    """Others, which try ways one after the other, would not come to an end."""
    pattern = part * ((MOST_PATTERN - 2) // len(part)) + "$b"

    for _ in range(600):  # as many cells as a form has
        assert not fits(pattern, "a" * MOST_TEXT)


def stored_form(pattern: str) -> Json:
    form = invoice_form()
    form["schema"]["properties"]["cost_center"]["pattern"] = pattern
    form["schema"]["properties"]["lines"] = {
        "type": "array",
        "maxItems": 3,
        "items": {"type": "object", "properties": {"code": {"type": "string", "pattern": pattern}}},
    }
    return form


def test_a_form_that_was_stored_with_a_pattern_that_is_refused_now_stays_answerable() -> None:
    before = stored_form(r"^[]a]\a$")
    assert not definition.is_form(before)

    form = read(before, {})

    values = {"cost_center": "anything", "lines": [{"code": "anything"}]}
    assert {fault.field.name for fault in checking.faults_of(form, values)}.isdisjoint({"cost_center", "code"})
    assert "pattern" not in json.dumps(form_json(form, "en"))
    kept = read(stored_form("^[ab]$"), {})
    assert {"cost_center", "code"} <= {fault.field.name for fault in checking.faults_of(kept, values)}
