"""Everything is killed in turn under load, and nothing is lost.

Alice's engine sends events, Bob answers each, and meanwhile the worker, the web process, Valkey and PostgreSQL get a
SIGKILL one after the other. `make soak` sends 2,000 events and kills for several rounds, with workers that process 1, 7
and 100 events in a transaction; `make test` does a short one with 7.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.soak.installation import BATCHES, LONG, Installation, installed
from tests.soak.load import PATIENCE, Load
from tests.soak.proof import proved
from tests.support.waiting import eventually

pytestmark = [pytest.mark.processes, pytest.mark.ci]

EVENTS = 2_000 if LONG else 100
ROUNDS = 3 if LONG else 1
SENDERS = 4


@pytest.fixture(params=BATCHES)
def installation(request: pytest.FixtureRequest) -> Iterator[Installation]:
    with installed(Installation, EVENT_BATCH=str(request.param)) as here:
        yield here


def run(load: Load, faults: list[Callable[[], None]]) -> None:
    """Send everything while the faults happen, one after each equal share of what was accepted."""
    with load.answering(), ThreadPoolExecutor(SENDERS) as threads:
        sending = [threads.submit(load.send, number) for number in range(EVENTS)]
        for number, fault in enumerate(faults, start=1):
            share = EVENTS * number // (len(faults) + 1)
            eventually(lambda share=share: len(load.accepted) >= share, f"{share} accepted", within=PATIENCE)
            fault()
        for sent in sending:
            sent.result(PATIENCE)


def test_nothing_is_lost_whatever_is_killed(installation: Installation) -> None:
    load = Load(installation)
    here = installation
    faults = [here.kill_worker, here.kill_web, here.kill_valkey, here.kill_postgres] * ROUNDS
    run(load, faults)

    assert sorted(load.accepted) == sorted(f"T-{number}" for number in range(EVENTS))
    repeats = load.is_all_there_once()
    assert repeats <= EVENTS // 10, "only what was in flight may be told again"
    batch = here.house.environment["EVENT_BATCH"]
    proved(
        f"{len(faults)} kills (worker, web, Valkey, PostgreSQL in turn) under load, {batch} events a transaction at"
        f" most: {EVENTS} events accepted,"
        f" each once in the inbox and answered; the engine was told every answer, {repeats} of them twice; 0 lost"
    )
