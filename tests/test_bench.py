"""What `make bench` says, and that it leaves nothing behind. Small runs are in tests/soak/: test_bench_load.py and
test_bench_push.py."""

import sys

import psutil
import pytest

from bench import first_paint
from bench.__main__ import PARTS, main, measurable, table
from bench.harness import BenchError, Figure, House, Program, percentile
from tests.support import migrated
from wfpush.embedded import shared_servers


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(number) for number in range(200, 0, -1)]

    assert [percentile(values, share) for share in (0, 0.5, 0.99, 1)] == [1, 100, 198, 200]
    assert percentile([7.0], 0.99) == 7


def test_each_figure_stands_beside_its_peers_and_says_whether_it_is_met() -> None:
    shown = table(
        [
            Figure("202 to frame, p50", 20.0, "a django-q2 task starts", 2.0, "ms", "under 40 ms", True),
            Figure("202 to frame, p99", 150.0, "a django-q2 task starts", 3.0, "ms", "under 120 ms", False),
            Figure("events accepted", 1234.5, "a poll", 617.25, "events/s"),
            Figure("web push", 4000.0, "not measured", None, "messages/s"),
            Figure("202 to Firefox", None, "not measured: there is no Firefox", None, "ms"),
        ]
    ).splitlines()

    cells = [line.split("  ") for line in shown]
    assert [[cell.strip() for cell in line if cell.strip()] for line in cells] == [
        ["wfpush", "peer", "ratio", "target"],
        ["202 to frame, p50", "20.0 ms", "2.0 ms (a django-q2 task starts)", "10.00", "under 40 ms", "met"],
        ["202 to frame, p99", "150.0 ms", "3.0 ms (a django-q2 task starts)", "50.00", "under 120 ms", "NOT MET"],
        ["events accepted", "1,234.5 events/s", "617.2 events/s (a poll)", "2.00"],
        ["web push", "4,000.0 messages/s", "not measured"],
        ["202 to Firefox", "not measured: there is no Firefox"],
    ]


def test_a_program_that_fails_is_told_with_its_last_words() -> None:
    program = Program("peer", [sys.executable, "-c", "raise SystemExit('no such table')"], {})

    with pytest.raises(BenchError, match="peer has ended before up:\nno such table"):
        program.wait_until(lambda: False, "up")
    with pytest.raises(BenchError, match="peer failed:\nno such table"):
        program.finish()
    program.stop()


def test_programs_that_are_missing_are_named_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(first_paint, "CHROMIUM", "/nowhere/chromium")
    monkeypatch.setattr("sys.argv", ["bench", "paint"])

    assert main() == 1, "nothing is left to measure"
    assert capsys.readouterr().err == (
        "paint: /nowhere/chromium is missing, so that an inbox on a slow phone is not measured. "
        "Install it (Debian: apt-get install chromium).\n"
    )
    assert measurable(list(PARTS)) == [part for part in PARTS if part != "paint"], "the rest can be measured"
    assert "apt-get install chromium" in capsys.readouterr().err
    monkeypatch.setattr(first_paint, "CHROMIUM", sys.executable)
    assert measurable(list(PARTS)) == list(PARTS)


class MigratedHouse(House):
    """With a copy of the database that this test run has migrated, if it has one."""

    is_migrated = False

    def make_folder(self) -> None:
        super().make_folder()
        self.is_migrated = migrated.copy_to(self.folder)

    def remove_servers(self) -> None:
        migrated.give_back(self.folder)
        super().remove_servers()

    def manage(self, *arguments: str) -> str:
        return "" if self.is_migrated and arguments[0] == "migrate" else super().manage(*arguments)


@pytest.mark.processes
@pytest.mark.long
def test_a_benchmark_that_fails_leaves_no_process_and_no_folder() -> None:
    with pytest.raises(BenchError, match="midway"), MigratedHouse(works=False) as house:
        server_folder = shared_servers.locate(house.folder).base
        started = psutil.Process(house._programs[-1].process.pid)
        raise BenchError("midway")

    assert not started.is_running()
    assert not house.folder.exists()
    assert not server_folder.exists()
