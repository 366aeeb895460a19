"""The watchdog's judgement, on a clock of the test's own; what it leads to is in test_processes.py."""

from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.db import connection
from django_q.signing import SignedPackage

from tests.support.read_only import read_only_database
from tests.support.seconds import Seconds
from wfpush import tasks
from wfpush.models import Heartbeat
from wfpush.processes import watchdog
from wfpush.processes.broker import Broker
from wfpush.processes.watchdog import Watchdog
from wfpush.queue import lease_holder, outbox

pytestmark = pytest.mark.django_db(transaction=True)

ME, ANOTHER = "host/0123456789ab", "another/ba9876543210"


@pytest.fixture(autouse=True)
def in_my_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks are run by the cluster of this worker."""
    monkeypatch.setenv(lease_holder.WORKER, ME)


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
def dog(clock: Seconds) -> Watchdog:
    return Watchdog(ME, clock=clock)


def looks_for(dog: Watchdog, clock: Seconds, seconds: float) -> bool:
    """What the watchdog says at the last of its looks over that time."""
    end = clock.now + seconds
    said = dog.stalled()
    while clock.now < end:
        clock.now = min(end, clock.now + watchdog.BEAT_SECONDS)
        said = dog.stalled()
    return said


def test_a_cluster_that_beats_is_left_alone(dog: Watchdog, clock: Seconds) -> None:
    for _ in range(40):
        tasks.beat()
        assert not looks_for(dog, clock, watchdog.BEAT_SECONDS)


def test_a_cluster_that_runs_nothing_for_45_seconds_is_stalled(dog: Watchdog, clock: Seconds) -> None:
    tasks.beat()
    assert not looks_for(dog, clock, watchdog.STALL_SECONDS)
    assert looks_for(dog, clock, 1)


def test_what_another_workers_cluster_runs_proves_nothing(
    dog: Watchdog, clock: Seconds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(lease_holder.WORKER, ANOTHER)
    said = []
    for _ in range(11):
        tasks.beat()
        said.append(looks_for(dog, clock, watchdog.BEAT_SECONDS))
    assert said[-1]


def test_the_beat_is_asked_of_its_own_cluster_once(
    dog: Watchdog, clock: Seconds, monkeypatch: pytest.MonkeyPatch
) -> None:
    Broker().purge_queue()  # earlier tests may have left wake-ups
    looks_for(dog, clock, watchdog.STALL_SECONDS)
    monkeypatch.setenv(lease_holder.WORKER, ANOTHER)
    assert func_of_next_task() is None
    monkeypatch.setenv(lease_holder.WORKER, ME)
    assert func_of_next_task() == "wfpush.tasks.beat"
    assert func_of_next_task() is None, "however long nobody has taken it"


def func_of_next_task() -> str | None:
    taken = Broker().dequeue()
    return SignedPackage.loads(taken[0][1])["func"] if taken else None


def test_a_cluster_that_never_beat_is_stalled_too(dog: Watchdog, clock: Seconds) -> None:
    assert looks_for(dog, clock, watchdog.STALL_SECONDS + 1)


def test_a_fresh_cluster_gets_the_whole_time(dog: Watchdog, clock: Seconds) -> None:
    looks_for(dog, clock, watchdog.STALL_SECONDS)
    dog.excuse()
    assert not looks_for(dog, clock, watchdog.STALL_SECONDS)


def test_without_the_database_nobody_is_blamed(dog: Watchdog, clock: Seconds, monkeypatch: pytest.MonkeyPatch) -> None:
    looks_for(dog, clock, watchdog.STALL_SECONDS)
    connection.close()
    with monkeypatch.context() as away:
        away.setitem(connection.settings_dict["OPTIONS"], "host", "/nonexistent")
        assert not looks_for(dog, clock, watchdog.STALL_SECONDS * 2)
    assert not looks_for(dog, clock, watchdog.STALL_SECONDS)


def test_while_the_database_takes_no_beats_nobody_is_blamed(dog: Watchdog, clock: Seconds) -> None:
    tasks.beat()
    looks_for(dog, clock, watchdog.STALL_SECONDS)
    with read_only_database():
        assert not looks_for(dog, clock, watchdog.STALL_SECONDS * 2)
    assert not looks_for(dog, clock, watchdog.STALL_SECONDS)
    assert looks_for(dog, clock, 1)


def test_without_redis_nobody_is_blamed(dog: Watchdog, clock: Seconds, monkeypatch: pytest.MonkeyPatch) -> None:
    looks_for(dog, clock, watchdog.STALL_SECONDS)
    with monkeypatch.context() as away:
        away.setattr(outbox, "_connection", None)
        away.setattr(settings, "REDIS_URL", "unix:///nonexistent/redis.sock")
        assert not looks_for(dog, clock, watchdog.STALL_SECONDS * 2)
    assert not looks_for(dog, clock, watchdog.STALL_SECONDS)


def test_a_cluster_that_is_busy_with_a_backlog_beats_by_its_work(
    dog: Watchdog, clock: Seconds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "_beaten_at", float("-inf"))
    drained: list[str] = []
    source = outbox.Source("events", "cluster", lambda now: True, lambda: drained.append("events"))
    monkeypatch.setattr(outbox, "by_name", lambda: {source.name: source})
    looks_for(dog, clock, watchdog.STALL_SECONDS)
    tasks.run_source("events")
    assert drained == ["events"]
    assert not looks_for(dog, clock, watchdog.STALL_SECONDS)
    first = Heartbeat.objects.get().beat_at
    tasks.run_source("events")
    assert Heartbeat.objects.get().beat_at == first, "work that comes often costs no more beats"


def test_the_beat_keeps_one_row() -> None:
    tasks.beat()
    Heartbeat.objects.update(beat_at=datetime(2026, 1, 1, tzinfo=UTC))
    tasks.beat()
    assert Heartbeat.objects.get().beat_at.year >= 2026
    assert Heartbeat.objects.get().beat_at != datetime(2026, 1, 1, tzinfo=UTC)
