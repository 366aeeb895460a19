"""A database that takes no more connections is said once by whoever needs it, and once when it is back."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest

from tests.support.processes import House
from tests.support.waiting import eventually
from wfpush.embedded import shared_servers
from wfpush.queue import outbox

pytestmark = pytest.mark.processes

FULL_SECONDS = 35
"""For one of the rounds of django-q2's scheduler."""
PROCESSES = 2
"""That say so: the cluster with all that it forked, and the dispatcher. The worker's parent says it of its ticker."""


@pytest.fixture
def house() -> Iterator[House]:
    with House() as made:
        yield made


class Crowd:
    """Takes every connection of a database, those of others too."""

    def __init__(self, database: str, taken: ExitStack) -> None:
        self._database, self._taken = database, taken
        self._first = taken.enter_context(psycopg.connect(database, autocommit=True))
        self._pids = [self._first.info.backend_pid]

    def push_in(self) -> None:
        self._first.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> ALL(%s)",
            [self._pids],
        )
        with pytest.raises(psycopg.OperationalError, match=r"too many clients|remaining connection slots"):
            while True:
                own = self._taken.enter_context(psycopg.connect(self._database, connect_timeout=5))
                self._pids.append(own.info.backend_pid)


@pytest.mark.long
def test_a_database_full_of_connections_fills_no_log(house: House) -> None:
    house.migrate()
    worker = house.start("worker", "--grace", "3")
    worker.says("dispatcher_runs")
    eventually(house.beat, "the cluster runs tasks")
    redis = house.redis()
    with ExitStack() as taken:
        crowd = Crowd(shared_servers.Postgres(shared_servers.locate(house.folder)).url, taken)
        for _ in range(FULL_SECONDS):
            crowd.push_in()
            redis.publish(outbox.WAKE_CHANNEL, "callbacks")
            threading.Event().wait(1)  # it stays full
    house.beats_again()
    assert "database_away" in worker.said, "with the first fault of each: its connection ended, or it got none"
    assert "Traceback" not in worker.said, worker.said
    assert worker.said.count("database_away") <= PROCESSES, worker.said
