"""Which rows of the table of faults fail (test_fault_table.py), and how one is written."""

from tests.soak.fault_table.faults import Fault, nothing
from tests.soak.fault_table.table import Row, markdown


def row(name: str, *, mends_itself: bool = False, **how: object) -> Row:
    fault = Fault(name, nothing, "redis", is_mended=(lambda: True) if mends_itself else None)
    defaults: dict[str, object] = {
        "lasted": 5.4,
        "recovery": 1.0,
        "is_quiet": True,
        "said": {"readyz": "redis is full"},
    }
    return Row(fault, 0.0, **(defaults | how))  # type: ignore[arg-type]


def test_rows_fail_that_are_silent_slow_or_not_quiet_afterwards_and_those_that_lose_or_double() -> None:
    assert row("Redis full").failures() == []
    assert row("Redis full", said={}).failures() == ["silent"]
    assert row("dispatcher killed", said={}, mends_itself=True).failures() == []
    assert row("dispatcher killed", mends_itself=True, lasted=60.0).failures() == ["not mended within 15 s"]
    assert row("Redis full", recovery=15.2).failures() == ["recovery 15.2 s, bound 15 s"]
    assert row("Redis full", recovery=None).failures() == ["recovery never, bound 15 s"]
    assert row("Redis full", is_quiet=False).failures() == ["/readyz is not quiet after 120 s"]
    assert row("Redis full", lost=["T-1"], doubled=["T-2"]).failures() == ["lost T-1", "doubled T-2"]


def test_a_row_has_the_first_sentence_of_each_place() -> None:
    said = {"readyz": "1 s: 503: redis is full; raise its maxmemory", "doctor": "a|b"}
    assert markdown([row("Redis full", said=said)]).splitlines()[2] == (
        "| Redis full | 5 s | 1.0 s | 0 | 0 | 1 s: 503: redis is full | – | – | a/b |"
    )
    assert "| 5 s, mended | 1.0 s |" in markdown([row("dispatcher killed", mends_itself=True)])
