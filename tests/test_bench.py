"""What `make bench` says, and that it leaves nothing behind."""

import sys

import psutil
import pytest

from bench.__main__ import table
from bench.harness import BenchError, Figure, House, Program, percentile
from wfpush import embedded


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
        ]
    ).splitlines()

    cells = [line.split("  ") for line in shown]
    assert [[cell.strip() for cell in line if cell.strip()] for line in cells] == [
        ["wfpush", "peer", "ratio", "target"],
        ["202 to frame, p50", "20.0 ms", "2.0 ms (a django-q2 task starts)", "10.00", "under 40 ms", "met"],
        ["202 to frame, p99", "150.0 ms", "3.0 ms (a django-q2 task starts)", "50.00", "under 120 ms", "NOT MET"],
        ["events accepted", "1,234.5 events/s", "617.2 events/s (a poll)", "2.00"],
    ]


def test_a_program_that_fails_is_told_with_its_last_words() -> None:
    program = Program("peer", [sys.executable, "-c", "raise SystemExit('no such table')"], {})

    with pytest.raises(BenchError, match="peer has ended before up:\nno such table"):
        program.wait_until(lambda: False, "up")
    with pytest.raises(BenchError, match="peer failed:\nno such table"):
        program.finish()
    program.stop()


@pytest.mark.processes
def test_a_benchmark_that_fails_leaves_no_process_and_no_folder() -> None:
    with pytest.raises(BenchError, match="midway"), House(works=False) as house:
        server_folder = embedded.locate(house.folder).base
        started = psutil.Process(house._programs[-1].process.pid)
        raise BenchError("midway")

    assert not started.is_running()
    assert not house.folder.exists()
    assert not server_folder.exists()
