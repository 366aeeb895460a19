"""Three events a second for Bob, who answers each, and one in 1.3 seconds for people who get it by e-mail."""

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from typing import Any

from tests.soak.fault_table.doubles import DOMAIN, Engine, MailServer
from tests.soak.installation import Installation, task_assigned
from tests.support.waiting import eventually

EVERY_SECONDS = 0.25
MAILED = 4
"""Of so many events, one is for somebody who gets e-mail."""
PEOPLE = 60
SENDERS = 48
ANSWERERS = 4
RETRY_SECONDS = 1.0
EVENT = "application/cloudevents+json"


def mailed(number: int) -> dict[str, Any]:
    """An event that gives somebody with an e-mail address the task `M-<number>`."""
    name, person = f"M-{number}", f"mail-{number // MAILED % PEOPLE}"
    return task_assigned(number, id=name, name=f"Approve invoice {name}", assignee=person) | {"id": f"m-{number}"}


class SteadyLoad:
    """When each task was first sent, accepted, seen in Bob's inbox, and answered: the moment at which the accepted
    answer was given. Times are those of time.monotonic()."""

    def __init__(self, installation: Installation, engine: Engine, mail: MailServer) -> None:
        self._installation = installation
        self._engine = engine
        self._mail = mail
        self.sent: dict[str, float] = {}
        self.accepted: dict[str, float] = {}
        self.seen: dict[str, float] = {}
        self.answered: dict[str, float] = {}
        self.responses: dict[str, str] = {}
        self.errors: list[str] = []
        self._pace_over = threading.Event()
        self._over = threading.Event()

    def add_people(self) -> None:
        for number in range(PEOPLE):
            self._installation.put_person(f"mail-{number}", email=f"mail-{number}@{DOMAIN}")

    @contextmanager
    def running(self) -> Iterator[None]:
        """Until the block is over; then all that was sent is accepted and answered before this returns."""
        senders, answerers = ThreadPoolExecutor(SENDERS), ThreadPoolExecutor(ANSWERERS)
        threads = [
            threading.Thread(target=self._keep_pace, args=[senders]),
            threading.Thread(target=self._read_inbox, args=[answerers]),
        ]
        for thread in threads:
            thread.start()
        try:
            yield
            self._pace_over.set()
            eventually(lambda: len(self.accepted) == len(self.sent), "all is accepted", within=120)
            eventually(lambda: self._unanswered() == [], "Bob has answered everything", within=120)
        except AssertionError as error:
            self.errors.append(str(error))
        finally:
            self._pace_over.set()
            self._over.set()
            for thread in threads:
                thread.join()
            senders.shutdown()
            answerers.shutdown()

    def _unanswered(self) -> list[str]:
        return [task for task in list(self.accepted) if task.startswith("T-") and task not in self.responses]

    def _keep_pace(self, senders: ThreadPoolExecutor) -> None:
        for number in count():
            if self._pace_over.wait(EVERY_SECONDS):
                return
            event = mailed(number) if number % MAILED == 0 else task_assigned(number)
            task = event["data"]["task"]["id"]
            self.sent[task] = time.monotonic()
            senders.submit(self._send, task, event)

    def _send(self, task: str, event: dict[str, Any]) -> None:
        if self._insist(lambda: self._installation.engine.call("POST", "/api/v1/events", event, EVENT)):
            self.accepted[task] = time.monotonic()

    def _read_inbox(self, answerers: ThreadPoolExecutor) -> None:
        after = 0
        while not self._over.is_set():
            path = f"/api/v1/notifications?after={after}&limit=200"
            page = self._insist(lambda path=path: self._installation.bob.call("GET", path))  # type: ignore[misc]
            for item in page["items"] if page else []:
                after = max(after, item["seq"])
                if item["state"] == "open" and item["task"]["id"] not in self.seen:
                    self.seen[item["task"]["id"]] = time.monotonic()
                    answerers.submit(self._approve, item["task"]["id"], item["id"])
            self._over.wait(0.1)

    def _approve(self, task: str, item: str) -> None:
        begun = 0.0

        def approve() -> tuple[int, Any]:
            nonlocal begun
            begun = time.monotonic()
            path = f"/api/v1/notifications/{item}/responses"
            return self._installation.bob.call("POST", path, {"action": "approve"})

        if answer := self._insist(approve):
            self.answered[task] = begun
            self.responses[task] = str(answer["id"])

    def _insist(self, call: Callable[[], tuple[int, Any]]) -> Any:
        """The body of a good answer; None if it is over, or the answer will not become a good one."""
        while not self._over.is_set():
            try:
                status, answer = call()
            except (OSError, http.client.HTTPException):
                status, answer = 503, None
            if status < 300:
                return answer
            if status < 500 and status != 429:
                self.errors.append(f"{status} {answer}")
                return None
            self._over.wait(RETRY_SECONDS)
        return None

    def arrival(self, since: float, *, mail: bool) -> float | None:
        """The first moment at which something sent since then was in the inbox, an answer given since then was told,
        and with `mail` a mail of what was sent since then had arrived. None: not yet."""
        told = {task: min(times.values()) for task, times in list(self._engine.told.items())}
        arrived = {task: min(times.values()) for task, times in list(self._mail.arrived.items())}
        found = [_first(self.sent, self.seen, since), _first(self.answered, told, since)]
        if mail:
            found.append(_first(self.sent, arrived, since))
        moments = [moment for moment in found if moment is not None]
        return max(moments) if len(moments) == len(found) else None

    def longest_wait(self, since: float, until: float) -> float | None:
        """Seconds, of an event that was sent meanwhile and had to come into Bob's inbox, or of an answer given
        meanwhile that had to be told. None: one is still on its way."""
        told = {task: min(times.values()) for task, times in list(self._engine.told.items())}
        sent = {task: at for task, at in list(self.sent.items()) if task.startswith("T-")}
        waits = [*_waits(sent, self.seen, since, until), *_waits(dict(self.answered), told, since, until)]
        longest = max(waits, default=float("inf"))
        return longest if longest < float("inf") else None


def _waits(begun: dict[str, float], ended: dict[str, float], since: float, until: float) -> list[float]:
    """How long each waited that began in that time; infinite if it still waits."""
    return [ended.get(task, float("inf")) - at for task, at in begun.items() if since <= at <= until]


def _first(begun: dict[str, float], ended: dict[str, float], since: float) -> float | None:
    """When the first of those that began since then had ended."""
    return min((ended[task] for task, at in list(begun.items()) if at >= since and task in ended), default=None)
