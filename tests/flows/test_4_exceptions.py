"""Flow 4. Something broke: the responsible team hears at once, with case, summary and what to do next."""

import pytest

from tests.support.world import World

BROKEN = {
    "exception": {
        "code": "missing_po",
        "summary": "The purchase order is missing",
        "severity": "critical",
        "recommended_action": "Ask the supplier for the order number.",
    },
    "case": {"id": "4711", "title": "Invoice 4711"},
    "teams": ["finance"],
}


def test_the_team_hears_with_case_summary_and_next_step(world: World) -> None:
    world.send("exception.raised", BROKEN)
    for person in ("bob", "carol"):
        (item,) = world.inbox(person)
        words = item["title"] + item["body"]
        assert "purchase order is missing" in words and "Ask the supplier" in words and "4711" in words
        assert item["priority"] == "urgent"
    assert world.inbox("alice") == []


def test_and_hears_when_it_is_solved(world: World) -> None:
    world.send("exception.raised", BROKEN)
    world.send("exception.resolved", {**BROKEN, "exception": {"code": "missing_po", "summary": "The order is here"}})
    assert len(world.inbox("bob")) == 2


@pytest.mark.parametrize("code", ["missing_data", "validation_failed", "policy_breach", "integration_error"])
def test_every_kind_of_exception_reads_well_without_a_summary(world: World, code: str) -> None:
    world.send("exception.raised", {"exception": {"code": code}, "case": {"id": "9"}, "teams": ["finance"]})
    (item,) = world.inbox("bob")
    assert code.split("_")[0] in item["title"].lower() and "_" not in item["title"]
