"""A worker is killed in the middle of its batches: nothing of them has happened, and all of it happens once."""

import signal
from collections.abc import Iterator

import pytest

from tests.soak.installation import BATCHES, LONG, Installation, installed, task_assigned
from tests.soak.proof import proved
from tests.support.waiting import eventually

pytestmark = pytest.mark.processes

EVENTS = 250 if LONG else 40
LATER = 20
"""Events that come when the worker is dead."""

IN_THE_MIDDLE = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%recipient%'"
"""Transactions that have written tasks, and wait for Bob's inbox."""


@pytest.fixture(params=BATCHES)
def installation(request: pytest.FixtureRequest) -> Iterator[Installation]:
    with installed(Installation, EVENT_BATCH=str(request.param)) as here:
        yield here


def kill_all_of_it(here: Installation) -> None:
    """The worker and its processes at the same moment, so that none of them ends in its own way."""
    family = here.worker.family()
    for process in family:
        process.suspend()
    for process in family:
        process.kill()
    here.worker.ends()


def test_a_batch_whose_worker_is_killed_happens_once(installation: Installation) -> None:
    here = installation
    here.worker.signal(signal.SIGTERM)
    here.worker.ends()
    here.send_batches([task_assigned(number) for number in range(EVENTS)])
    with here.house.connection() as bob:
        bob.execute("SELECT FROM notifications_recipient WHERE ref = 'bob' FOR NO KEY UPDATE")
        here.worker = here.house.start("worker", "--grace", "3")
        eventually(lambda: here.house.rows(IN_THE_MIDDLE) != [(0,)], "a batch is in the middle")
        kill_all_of_it(here)
    eventually(lambda: here.house.rows(IN_THE_MIDDLE) == [(0,)], "its transactions are over")
    assert here.times_in_the_inbox() == {}
    ((claimed,),) = here.house.rows("SELECT count(*) FROM notifications_event WHERE attempts > 0")
    here.send_batches([task_assigned(number) for number in range(EVENTS, EVENTS + LATER)])

    here.start_worker()

    everything = {f"T-{number}": 1 for number in range(EVENTS + LATER)}
    eventually(lambda: here.times_in_the_inbox() == everything, "all is in the inbox, once")
    ended = "SELECT count(*), count(DISTINCT xmin::text) FROM notifications_event WHERE due_at IS NULL AND attempts"
    again, alone = here.house.rows(f"{ended} > 1")[0]
    others, together = here.house.rows(f"{ended} = 1")[0]
    assert int(str(claimed)) > 0 and again == claimed, "what had been claimed was tried again, and nothing else"
    assert alone == again, "each in a transaction of its own"
    size = here.house.environment["EVENT_BATCH"]
    proved(
        f"a worker killed in the middle of its batches of {size}: {again} events tried again, in {alone} transactions;"
        f" {others} others in {together}; each of {EVENTS + LATER} once in the inbox"
    )
