"""The documentation is written in short sentences and short lines, in pages and sections of a limited size."""

from pathlib import Path

import pytest

from tests.support.documentation import name_of
from tools import prose
from tools.messages import messages

OF_LIBRARIES = {"notifications/admin/desk/unfold_translations.py"}
"""Texts that are here only to be translated."""


@pytest.mark.parametrize("page", prose.PAGES, ids=name_of)
def test_a_page_is_written_as_prose_is_to_be(page: Path) -> None:
    found = list(prose.faults(page.read_text(encoding="utf-8")))

    assert found == [], "\n".join(found)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("You press *Approve*. The engine gets the answer.", None),
        (" ".join(["word"] * 16) + ".", "sentences have 16.0 words"),
        (" ".join(["word"] * 41) + ".", "41 words"),
        ("You are told.\n", "“told”"),
        ("Whoever answers first wins.\n", "“Whoever”"),
        ("What counts is the answer.\n", "begins with its end"),
        ("What counts?\n", None),
        ("The amount stands there.\n", "“stands”"),
        ("Carol stands in for Bob.\n", None),
        ("| `code` | " + " ".join(["word"] * 41) + " |\n", "41 words"),
        ("| " + "x " * 61 + "|\n", "61 words"),
        ("```sh\n" + "x " * 99 + "\n```\n", None),
        ("Short words, " + "a " * 55 + "\n", "line 1 has"),
        ("# Title\n" + "Yes it is.\n" * 600, "section “Title” has"),
        ("# Rules\n\n## Rules\n", "heading “rules” is there 2 times"),
    ],
)
def test_a_fault_is_found(text: str, fault: str | None) -> None:
    found = list(prose.faults(text))

    assert found == [] if fault is None else any(each.startswith(fault) for each in found), found


def test_texts_on_screen_are_written_like_the_documentation() -> None:
    texts = [form for (text, _), files in messages().items() if not files <= OF_LIBRARIES for form in forms(text)]

    assert len(texts) > 3_000
    assert {text: found for text in texts if (found := list(prose.faults_of_label(text)))} == {}


def forms(text: str | tuple[str, str]) -> tuple[str, ...]:
    """Return a text, or its singular and plural."""
    return (text,) if isinstance(text, str) else text


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Reassign the task to %(whom)s", None),
        (" ".join(["word"] * 26), "26 words"),
        ("Whoever has it can answer.", "“Whoever”"),
        ("What is new comes first.", "begins with its end"),
    ],
)
def test_a_fault_of_a_text_on_screen_is_found(text: str, fault: str | None) -> None:
    found = list(prose.faults_of_label(text))

    assert found == [] if fault is None else any(each.startswith(fault) for each in found), found
