"""Says at the end of a run what the tests here proved."""

import pytest

from tests.soak.proof import findings


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if findings:
        terminalreporter.section("what was proved")
    for sentence in findings:
        terminalreporter.write_line(f"- {sentence}")
