"""Children that notice a dead parent, whoever lies between."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from wfpush.processes import lifeline
from wfpush.processes.lifeline import Lifeline

pytestmark = pytest.mark.processes

ROOT = Path(__file__).resolve().parents[3]

PARENT = """
import os, subprocess, sys
from wfpush.processes.lifeline import Lifeline
held = Lifeline()
child = subprocess.Popen([sys.executable, *sys.argv[1:]], env=os.environ | held.environment)
print(held.path, flush=True)
if os.fork() == 0:  # a process between, which lives on
    sys.stdin.read()
    os._exit(0)
sys.stdin.read()
"""

FOLLOWER = """
import signal, time
from wfpush.processes import lifeline
signal.signal(signal.SIGTERM, lambda *_: print("asked to stop", flush=True) or exit(7))
lifeline.follow()
print("following", flush=True)
while True:
    time.sleep(3600)
"""


def python(*arguments: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"} | environment,
    )


def lines(process: "subprocess.Popen[str]", count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().strip() for _ in range(count)]


def test_a_child_stops_when_its_parent_is_killed_though_a_fork_of_it_lives() -> None:
    parent = python("-c", PARENT, "-c", FOLLOWER)
    path, following = sorted(lines(parent, 2), reverse=False)
    assert (Path(path).exists(), following) == (True, "following")
    parent.kill()
    assert lines(parent, 1) == ["asked to stop"]
    assert not Path(path).exists()
    parent.communicate(timeout=10)


def test_a_module_that_knows_nothing_of_parents_is_stopped_too() -> None:
    parent = python("-c", PARENT, "-m", "wfpush.processes.lifeline", "http.server", "--bind", "127.0.0.1", "0")
    lines(parent, 2)
    parent.kill()
    parent.communicate(timeout=10)  # ends only when nobody holds the pipe any more


def test_a_child_whose_parent_is_gone_already_stops_at_once() -> None:
    child = python("-c", FOLLOWER, WFPUSH_PARENT="/nonexistent")
    said, _ = child.communicate(timeout=10)
    assert "asked to stop" in said
    assert child.returncode == 7


def test_a_process_without_such_a_parent_follows_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(lifeline.VARIABLE, raising=False)
    before = threading.active_count()
    lifeline.follow()
    assert threading.active_count() == before


def test_closing_a_lifeline_lets_the_children_go() -> None:
    held = Lifeline()
    child = python("-c", FOLLOWER, **held.environment)
    assert lines(child, 1) == ["following"]
    held.close()
    child.communicate(timeout=10)
    assert child.returncode == 7
