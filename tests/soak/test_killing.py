"""Everything is killed in turn under load, and nothing is lost (issue: faults.md, row 29).

Alice's engine sends events, Bob answers each, and meanwhile the worker, the web process, Valkey and PostgreSQL get a
SIGKILL one after the other. `make soak` sends 2,000 events and kills for several rounds; `make test` does a short one.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.soak.installation import LONG, Installation, task_assigned
from tests.soak.proof import proved
from tests.support.processes import House
from tests.support.receiver import receiving
from tests.support.waiting import eventually

pytestmark = pytest.mark.processes

EVENTS = 2_000 if LONG else 240
ROUNDS = 3 if LONG else 1
SENDERS = 4
ANSWERERS = 3
PATIENCE = 600.0 if LONG else 150.0


@pytest.fixture
def installation() -> Iterator[Installation]:
    house = House()
    try:
        with receiving() as receiver:
            yield Installation(house, receiver)
    finally:
        house.clear()


class Load:
    """Events going in and answers going out, counted."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.accepted: list[str] = []
        self.answered: dict[str, str] = {}
        self._over = threading.Event()
        self._approving = ThreadPoolExecutor(ANSWERERS)

    def send(self, number: int) -> None:
        status, answer = self.installation.engine.insist(
            "POST", "/api/v1/events", task_assigned(number), kind="application/cloudevents+json"
        )
        assert status in (200, 202), answer
        self.accepted.append(f"T-{number}")

    def answer_all(self) -> None:
        """Bob reads what is new in his inbox and approves it, until every accepted event is answered."""
        after = 0
        while not self._over.is_set():
            path = f"/api/v1/notifications?after={after}&limit=200"
            status, page = self.installation.bob.insist("GET", path)
            assert status == 200, page
            waiting = [item for item in page["items"] if item["state"] == "open"]
            for approved in [self._approving.submit(self._approve, item) for item in waiting]:
                approved.result(PATIENCE)
            after = max([after, *(item["seq"] for item in page["items"])])
            if not waiting:
                self._over.wait(0.05)

    def _approve(self, item: dict[str, Any]) -> None:
        path = f"/api/v1/notifications/{item['id']}/responses"
        status, answer = self.installation.bob.insist("POST", path, {"action": "approve"})
        assert status in (200, 201), answer
        self.answered[item["task"]["id"]] = answer["id"]

    def run(self, faults: list[Callable[[], None]]) -> None:
        """Send everything while the faults happen, one after each equal share of what was accepted."""
        with self._approving, ThreadPoolExecutor(SENDERS + 1) as threads:
            answering = threads.submit(self.answer_all)
            sending = [threads.submit(self.send, number) for number in range(EVENTS)]
            try:
                for number, fault in enumerate(faults, start=1):
                    share = EVENTS * number // (len(faults) + 1)
                    eventually(lambda share=share: len(self.accepted) >= share, f"{share} accepted", within=PATIENCE)
                    fault()
                for sent in sending:
                    sent.result(PATIENCE)
                eventually(lambda: len(self.answered) == EVENTS, "Bob has answered everything", within=PATIENCE)
            finally:
                self._over.set()
            answering.result(PATIENCE)


def test_nothing_is_lost_whatever_is_killed(installation: Installation) -> None:
    load = Load(installation)
    here = installation
    faults = [here.kill_worker, here.kill_web, here.kill_valkey, here.kill_postgres] * ROUNDS
    load.run(faults)

    assert sorted(load.accepted) == sorted(f"T-{number}" for number in range(EVENTS))
    assert here.times_in_the_inbox() == dict.fromkeys(load.accepted, 1)

    def told() -> dict[str, set[str]]:
        ids: dict[str, set[str]] = {}
        for call in list(here.receiver.calls):
            ids.setdefault(call.data["task_id"], set()).add(call.id)
        return ids

    eventually(lambda: len(told()) == EVENTS, "the engine was told every answer", within=PATIENCE)
    assert told() == {task: {response} for task, response in load.answered.items()}
    repeats = len(here.receiver.calls) - EVENTS
    assert repeats <= EVENTS // 10, "only what was in flight may be told again"
    proved(
        f"{len(faults)} kills (worker, web, Valkey, PostgreSQL in turn) under load: {EVENTS} events accepted,"
        f" each once in the inbox and answered; the engine was told every answer, {repeats} of them twice; 0 lost"
    )
