"""Small parts with rules of their own."""

import re

import pytest

from demo.documents import Box, Words, pdf
from demo.html import el, write
from demo.people import one_of
from demo.records import Action


@pytest.mark.parametrize(
    ("raw", "action"),
    [
        ("approve", Action("approve", "Approve", "final", "optional")),
        ("reject", Action("reject", "Reject", "final", "required")),
        ("acknowledge", Action("acknowledge", "Acknowledge", "acknowledge", "none")),
        ("request_info", Action("request_info", "Ask for information", "request_info", "required")),
        ("send_back", Action("send_back", "Send back", "final", "optional")),
        (
            {"action": "supply", "title": "Add it", "effect": "final", "comment": "required"},
            Action("supply", "Add it", "final", "required"),
        ),
    ],
)
def test_actions_mean_what_the_contract_says(raw: object, action: Action) -> None:
    assert Action.read(raw) == action


def test_an_action_of_unknown_effect_is_refused() -> None:
    with pytest.raises(ValueError, match="Invalid enum value"):
        Action.read({"action": "burn", "effect": "fire"})


def test_whom_a_task_waits_for_in_words() -> None:
    assert one_of(["bob", "carol"]) == "Bob or Carol"
    assert one_of(["erin"]) == "erin"
    assert one_of([], ["finance"]) == "the team finance"


def test_a_pdf_says_truly_where_its_objects_begin() -> None:
    content = pdf("Rechnung Müller", [Words(60, 700, "Straße (Hof) 3 \\ 4", bold=True), Box(1, 2, 3, 4)])
    table = int(re.search(rb"startxref\n(\d+)\n", content)[1])  # type: ignore[index]
    assert content[table:].startswith(b"xref\n")
    places = [int(place) for place in re.findall(rb"(\d{10}) 00000 n", content)]
    assert len(places) == 7
    for number, place in enumerate(places, 1):
        assert content[place:].startswith(b"%d 0 obj" % number)
    length = int(re.search(rb"/Length (\d+)", content)[1])  # type: ignore[index]
    stream = content.split(b"stream\n")[1].removesuffix(b"end")
    assert len(stream) == length
    assert b"(Stra\xdfe \\(Hof\\) 3 \\\\ 4) Tj" in stream


def test_html_is_escaped_wherever_it_is_put() -> None:
    element = el("p", "a < b", el("b", "&"), " > c", title='"quoted"', hidden=True, lang=None)
    assert write(element) == '<p title="&quot;quoted&quot;" hidden="hidden">a &lt; b<b>&amp;</b> &gt; c</p>'
