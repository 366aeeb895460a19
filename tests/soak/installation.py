"""Web and worker as processes of their own, with an engine and Bob's inbox, for tests that take things away."""

import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import psutil

from tests.support import length
from tests.support.calls import Caller
from tests.support.processes import Command, House, command_line, free_ports
from tests.support.receiver import Receiver, receiving
from tests.support.waiting import eventually

LONG = length.LONG
"""`make soak`; else a short form: in `make test`, or of a test that is named."""

BATCHES = (1, 7, 100) if LONG else (7,)
"""EVENT_BATCH of the installations that a test tries."""

ENGINE_IS_HERE = {"OUTBOUND_ALLOWED_CIDRS": "127.0.0.0/8"}


class Installation:
    """Web and worker on a folder of their own, an engine and Bob's inbox."""

    worker_options: tuple[str, ...] = ()

    def __init__(self, house: House, receiver: Receiver) -> None:
        self.house = house
        self.port = free_ports(1)
        self.receiver = receiver
        house.environment |= ENGINE_IS_HERE
        house.migrate()
        clerk = house.clerk()
        made = clerk.run("create_engine", "invoices", "--callback-url", receiver.url)
        clerk.run("create_person", "bob", "--name", "Bob")
        house.dismiss_clerk()
        self.engine = Caller(self.port, json.loads(made.strip().splitlines()[-1])["api_key"])
        self.start_web()
        self.start_worker()
        status, answer = self.engine.insist("POST", "/api/v1/recipients/bob/tokens")
        assert status == 201, answer
        self.token = str(answer["token"])
        self.bob = Caller(self.port, self.token)

    def start_web(self) -> None:
        self.web = self.house.start("web", "--port", str(self.port))

    def start_worker(self) -> None:
        self.worker = self.start_one_worker()

    def start_one_worker(self, **environment: str) -> Command:
        worker = self.house.start("worker", "--grace", "3", *self.worker_options, **environment)
        worker.says("dispatcher_runs")
        return worker

    def put_person(self, ref: str, **values: str) -> None:
        status, answer = self.engine.insist("PUT", f"/api/v1/recipients/{ref}", {"name": ref} | values)
        assert status in (200, 201), answer

    def send_batches(self, events: list[dict[str, Any]], size: int = 100) -> None:
        """Several at once."""
        kind = "application/cloudevents-batch+json"
        batches = [events[start : start + size] for start in range(0, len(events), size)]
        with ThreadPoolExecutor(4) as threads:
            for status, answer in threads.map(
                lambda batch: self.engine.insist("POST", "/api/v1/events", batch, kind=kind), batches
            ):
                assert status in (200, 202), answer

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

    def child(self, name: str, of: Command | None = None) -> psutil.Process:
        """Of a worker, once it runs."""

        def look() -> psutil.Process | None:
            children = psutil.Process((of or self.worker).process.pid).children()
            return next((each for each in children if name in command_line(each)), None)

        return eventually(look, f"{name} runs")

    def main_processes(self) -> set[int]:
        """Those that nobody may have to start again: web, the worker, its dispatcher and its cluster's main process."""
        cluster = min(self.house.named("cluster"), key=lambda process: process.create_time())
        (dispatcher,) = self.house.named("dispatcher")
        return {self.web.process.pid, self.worker.process.pid, cluster.pid, dispatcher.pid}

    def sentinel(self) -> psutil.Process:
        return eventually(lambda: next(iter(self.child("cluster").children()), None), "the sentinel runs")

    def runners(self) -> list[psutil.Process]:
        """The processes of django-q2 that run tasks; it starts them first."""

        def look() -> list[psutil.Process] | None:
            found = sorted(self.sentinel().children(), key=lambda process: process.pid)
            return found[:2] if len(found) >= 4 else None

        return eventually(look, "django-q2 runs")

    def times_in_the_inbox(self) -> dict[str, int]:
        """How often each task is in Bob's inbox."""
        rows = self.house.rows(
            "SELECT task.task_id, count(*) FROM notifications_notification note"
            " JOIN notifications_task task ON task.id = note.task_id GROUP BY task.task_id"
        )
        return {str(task): int(str(number)) for task, number in rows}

    def last_seq(self) -> int:
        """Of Bob's inbox."""
        return int(str(self.house.rows("SELECT max(inbox_seq) FROM notifications_recipient")[0][0]))


def event(id: str, source: str = "invoices", type: str = "task.assigned", **data: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": id, "source": source, "type": type, "data": data}


def task_assigned(number: int, **task: Any) -> dict[str, Any]:
    """An event that gives Bob the task `T-<number>`."""
    usual = {"id": f"T-{number}", "name": f"Approve invoice {number}", "kind": "approval", "assignee": "bob"}
    return event(f"e-{number}", task=usual | task)


InstallationT = TypeVar("InstallationT", bound=Installation)


@contextmanager
def installed(kind: type[InstallationT], **settings: str) -> Iterator[InstallationT]:
    """One with these settings; removed at the end."""
    with House() as house, receiving() as receiver:
        house.environment |= settings
        yield kind(house, receiver)
