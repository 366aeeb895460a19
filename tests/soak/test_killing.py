"""Everything is killed in turn under load, and nothing is lost (issue: faults.md, row 29).

Alice's engine sends events, Bob answers each, and meanwhile the worker, the web process, Valkey and PostgreSQL get a
SIGKILL one after the other. `make soak` sends 2,000 events and kills for several rounds; `make test` does a short one.
"""

import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.calls import Caller
from tests.support.processes import Command, House, free_ports
from tests.support.receiver import Receiver, receiving
from tests.support.waiting import eventually

pytestmark = pytest.mark.processes

LONG = os.environ.get("WFPUSH_SOAK") == "long"
EVENTS = 2_000 if LONG else 240
ROUNDS = 3 if LONG else 1
SENDERS = 4
ANSWERERS = 3
PATIENCE = 600.0 if LONG else 150.0


class Installation:
    """Web and worker on a folder of their own, an engine and Bob's inbox."""

    def __init__(self, house: House, receiver: Receiver) -> None:
        self.house = house
        self.port = free_ports(1)
        self.receiver = receiver
        assert house.run("migrate", "--verbosity=0").process.returncode == 0
        made = house.run("create_engine", "invoices", "--callback-url", receiver.url).said.strip().splitlines()[-1]
        house.run("create_person", "bob", "--name", "Bob")
        self.engine = Caller(self.port, json.loads(made)["api_key"])
        self.start_web()
        self.start_worker()
        status, answer = self.engine.insist("POST", "/api/v1/recipients/bob/tokens")
        assert status == 201, answer
        self.bob = Caller(self.port, answer["token"])

    def start_web(self) -> None:
        self.web = self.house.start("web", "--port", str(self.port))

    def start_worker(self) -> None:
        self.worker = self.house.start("worker", "--grace", "3", OUTBOUND_ALLOWED_CIDRS="127.0.0.0/8")
        self.worker.says("dispatcher_runs")

    def kill_worker(self) -> None:
        self._kill(self.worker)
        self.start_worker()

    def kill_web(self) -> None:
        self._kill(self.web)
        eventually(lambda: not self.house.named("web"), "the port is free again")
        self.start_web()

    def kill_valkey(self) -> None:
        self._kill_server("valkey-server")

    def kill_postgres(self) -> None:
        self._kill_server("postgres")

    def _kill(self, command: Command) -> None:
        command.signal(signal.SIGKILL)
        command.ends()

    def _kill_server(self, name: str) -> None:
        """The worker's parent starts it again."""
        running = [process for process in self.house.processes() if process.name().startswith(name)]
        (main,) = [process for process in running if process.parent() not in running]
        main.kill()


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
        task = f"T-{number}"
        event = {
            "specversion": "1.0",
            "id": f"e-{number}",
            "source": "invoices",
            "type": "task.assigned",
            "data": {"task": {"id": task, "name": f"Approve invoice {number}", "kind": "approval", "assignee": "bob"}},
        }
        status, answer = self.installation.engine.insist(
            "POST", "/api/v1/events", event, kind="application/cloudevents+json"
        )
        assert status in (200, 202), answer
        self.accepted.append(task)

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
    load.run([here.kill_worker, here.kill_web, here.kill_valkey, here.kill_postgres] * ROUNDS)

    assert sorted(load.accepted) == sorted(f"T-{number}" for number in range(EVENTS))
    in_the_inbox = here.house.rows(
        "SELECT task.task_id, count(*) FROM notifications_notification note"
        " JOIN notifications_task task ON task.id = note.task_id GROUP BY task.task_id"
    )
    assert {str(task): number for task, number in in_the_inbox} == dict.fromkeys(load.accepted, 1)

    def told() -> dict[str, set[str]]:
        ids: dict[str, set[str]] = {}
        for call in list(here.receiver.calls):
            ids.setdefault(call.data["task_id"], set()).add(call.id)
        return ids

    eventually(lambda: len(told()) == EVENTS, "the engine was told every answer", within=PATIENCE)
    assert told() == {task: {response} for task, response in load.answered.items()}
    repeats = Counter(call.id for call in here.receiver.calls)
    assert sum(repeats.values()) - EVENTS <= EVENTS // 10, "only what was in flight may be told again"
