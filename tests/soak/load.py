"""Events going in and answers going out, however often callers must try again."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from tests.soak.installation import LONG, Installation, task_assigned
from tests.support.waiting import eventually

ANSWERERS = 3
PATIENCE = 600.0 if LONG else 150.0


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

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Meanwhile Bob answers, and afterwards goes on until he has answered everything that was accepted."""
        with self._approving, ThreadPoolExecutor(1) as thread:
            answering = thread.submit(self.answer_all)
            try:
                yield
                everything = len(self.accepted)
                eventually(
                    lambda: answering.done() or len(self.answered) == everything,
                    "Bob has answered everything",
                    within=PATIENCE,
                )
            finally:
                self._over.set()
            answering.result(PATIENCE)

    def told(self) -> dict[str, set[str]]:
        """The ids of the answers that the engine was told, by task."""
        ids: dict[str, set[str]] = {}
        for call in list(self.installation.receiver.calls):
            ids.setdefault(call.data["task_id"], set()).add(call.id)
        return ids

    def is_all_there_once(self) -> int:
        """What was accepted is in the inbox once, and each answer was told under one id. How often one was repeated."""
        count = len(self.accepted)
        assert self.installation.times_in_the_inbox() == dict.fromkeys(self.accepted, 1)
        eventually(lambda: len(self.told()) == count, "the engine was told every answer", within=PATIENCE)
        told = self.told()
        wrong = {task: (response, told[task]) for task, response in self.answered.items() if told[task] != {response}}
        assert wrong == {}, f"other answers were told: {wrong}"
        return len(self.installation.receiver.calls) - count
