"""Children of `manage.py worker` and `up`: started again or stopped together, and ended with all that they forked."""

import io
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.processes import command_line
from tests.support.waiting import eventually
from wfpush.processes.children import LONGEST_PAUSE, STEADY_SECONDS, Child, JoinedOutput
from wfpush.processes.supervisor import Supervisor

pytestmark = pytest.mark.processes

ENDS = "import sys; sys.exit(3)"
NOTES_ITS_START = "import os; os.write(os.open(os.environ['NOTES'], os.O_WRONLY | os.O_APPEND | os.O_CREAT), b'x')"
RUNS = "import time; time.sleep(3600)"
IS_STUBBORN = f"""
import os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(os.environ['NOTES'], 'a').write(f'{{os.getpid()}} ')
os.fork() and open(os.environ['NOTES'], 'a').write('both ')
{RUNS}
"""


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    found = tmp_path / "notes"
    found.touch()
    return found


def ended(child: Child) -> None:
    eventually(child.has_ended, "the child has ended")


# --- one child ----------------------------------------------------------------------------------------------------
def test_a_child_that_keeps_dying_waits_longer_each_time() -> None:
    child = Child("short", ["-c", ENDS], {})
    now, pauses = 100.0, []
    for _ in range(8):
        assert child.is_due(now)
        child.start(now, {})
        assert not child.is_due(now)
        ended(child)
        assert child.collect(now + 1) == 3
        now += 1 + child.pause
        assert not child.is_due(now - 0.01)
        pauses.append(child.pause)

    assert pauses == [0.5, 1, 2, 4, 8, 16, LONGEST_PAUSE, LONGEST_PAUSE]


def test_a_child_that_ran_for_a_while_starts_again_at_once() -> None:
    child = Child("long", ["-c", ENDS], {})
    child.start(0.0, {})
    ended(child)
    child.collect(1.0)
    child.start(2.0, {})
    ended(child)
    child.collect(2.0 + STEADY_SECONDS)

    assert child.is_due(2.0 + STEADY_SECONDS)


def test_a_child_that_has_just_ended_can_be_stopped_all_the_same() -> None:
    child = Child("short", ["-c", ENDS], {})
    child.start(0.0, {})
    ended(child)
    child.ask_to_stop()
    child.wait_stopped(time.monotonic())

    assert not child.has_ended()


# --- several children ---------------------------------------------------------------------------------------------
def test_a_child_that_ends_is_started_again(notes: Path) -> None:
    supervisor = Supervisor(grace=5, restarts=True)
    starts: list[None] = []
    supervisor.add(Child("short", ["-c", NOTES_ITS_START], {"NOTES": str(notes)}, on_start=lambda: starts.append(None)))
    supervisor.add_thread("test", lambda: (wait_for(notes, "xxx"), supervisor.stop.set()))
    supervisor.run()

    assert len(starts) >= 3
    assert not supervisor.lost_a_child


def test_or_the_others_are_stopped_with_it(notes: Path) -> None:
    supervisor = Supervisor(grace=5, restarts=False)
    supervisor.add(Child("long", ["-c", RUNS], {}))
    supervisor.add(Child("short", ["-c", NOTES_ITS_START], {"NOTES": str(notes)}))
    began = time.monotonic()
    supervisor.run()

    assert supervisor.lost_a_child
    assert notes.read_text() == "x"
    assert time.monotonic() - began < 5, "the long one was asked to stop, and did"
    assert [child for child in psutil.Process().children() if RUNS in command_line(child)] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_all_and_what_does_not_heed_it_is_killed_with_all_it_forked(
    notes: Path, number: signal.Signals
) -> None:
    supervisor = Supervisor(grace=0.5, restarts=True)
    supervisor.add(Child("stubborn", ["-c", IS_STUBBORN], {"NOTES": str(notes)}))
    supervisor.add_thread("test", lambda: (wait_for(notes, "both"), os.kill(os.getpid(), number)))
    supervisor.run()

    group = int(notes.read_text().split()[0])
    eventually(lambda: not members(group), "no process of its group is left")
    assert not supervisor.lost_a_child


def members(group: int) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return found


def wait_for(notes: Path, text: str) -> None:
    eventually(lambda: text in notes.read_text(), f"the notes say {text!r}")


# --- their output -------------------------------------------------------------------------------------------------
def test_each_line_is_printed_after_the_time_and_the_name_of_its_process() -> None:
    printed = io.StringIO()
    output = JoinedOutput(["web", "worker"], printed)
    supervisor = Supervisor(grace=5, restarts=False)
    says = (
        "import sys; print('one', flush=True); print('two', file=sys.stderr); sys.stdout.buffer.write(b'\\xff three')"
    )
    supervisor.add(Child("web", ["-c", says], {}, output=output))
    supervisor.run()
    output.finish(5)

    lines = printed.getvalue().splitlines()
    assert [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in lines] == [
        "web    | one",
        "web    | two",
        "web    | \N{REPLACEMENT CHARACTER} three",
    ]


def test_a_process_runs_on_when_nobody_reads_the_joined_output() -> None:
    read, write = os.pipe()
    os.close(read)
    nobody = os.fdopen(write, "w", buffering=1)
    output = JoinedOutput(["web"], nobody)
    child = Child("web", ["-c", "for _ in range(100_000): print('much more than a pipe holds')"], {}, output=output)
    child.start(0.0, {})
    ended(child)
    output.finish(5)

    assert child.collect(0.0) == 0
    with pytest.raises(BrokenPipeError):
        nobody.close()
