"""A cluster ends with a killed process of its own, and with no other."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from notifications import reasons
from notifications.calendar_feeds import reading
from notifications.calendar_feeds.reading import Unreadable, events_in
from tests.support.berlin import BERLIN, berlin
from wfpush.management.commands import cluster

KILLED = (sys.executable, "-c", "import os; os.kill(os.getpid(), 9)")


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Filled instead of ending this group."""
    ended: list[str] = []
    monkeypatch.setattr(cluster, "_end_the_group", lambda: ended.append("group"))
    before = signal.signal(signal.SIGCHLD, cluster._end_with_a_killed_child)
    yield ended
    signal.signal(signal.SIGCHLD, before)


def test_a_killed_reader_of_calendars_leaves_the_cluster_alone(
    ended: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "COMMAND", KILLED)

    with pytest.raises(Unreadable) as refused:
        events_in("", BERLIN, berlin("2026-11-02T10:00"))

    assert refused.value.reason == reasons.FEED_TOO_MUCH()
    assert ended == []


def test_a_killed_process_of_the_group_ends_it(ended: list[str]) -> None:
    child = subprocess.Popen(KILLED)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert child.wait() == -signal.SIGKILL
    assert ended == ["group"]
