"""Which tests here belong to every run, and what is said at its end of what they proved."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.soak.installation import LONG
from tests.soak.proof import findings
from tests.soak.servers import Servers

IN_EVERY_RUN = {"test_killing.py", "test_outages.py", "test_fault_rows.py"}
"""The others are for `make soak`: what they hold under load, shorter tests elsewhere hold without it. Named on the
command line (`pytest tests/soak/test_chaos.py`) each still has a short form."""


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave the others out, unless they are named or this is `make soak`."""
    if LONG or not collection_path.name.startswith("test_") or collection_path.name in IN_EVERY_RUN:
        return None
    return True


@pytest.fixture
def servers() -> Iterator[Servers]:
    with Servers() as made:
        yield made


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if findings:
        terminalreporter.section("what was proved")
    for sentence in findings:
        terminalreporter.write_line(f"- {sentence}")
