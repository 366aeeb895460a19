"""Processes of two workers are killed and frozen, and servers restarted, while six events a second come in.

Nothing is lost or doubled, and none waits long: from when the engine first tries to send it until it is in Bob's inbox
less than RECOVERED_SECONDS, or so much longer than something was frozen. `make soak` holds the product to that and does
each fault several times; named without it, it does each once, and only wants all to arrive, once.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

import psutil
import pytest

from tests.soak.installation import LONG, Installation, installed
from tests.soak.load import PATIENCE, Load
from tests.soak.proof import proved
from tests.soak.servers import Servers
from tests.support.waiting import eventually

pytestmark = pytest.mark.processes

EVERY_SECONDS = 1 / 6
"""Between events."""
APART_SECONDS = 12.0 if LONG else 0.5
ROUNDS = 3 if LONG else 1
FROZEN_SECONDS = 15.0 if LONG else 2.0
STALL_SECONDS = 60.0
"""Longer than the watchdog looks on."""
RECOVERED_SECONDS = 10.0
BURST = 20 if LONG else 8


@dataclass
class Fault:
    name: str
    happen: Callable[[], None]
    frozen: float = 0.0


class Place(Installation):
    """With a second worker."""

    def start_worker(self) -> None:
        super().start_worker()
        if not hasattr(self, "other"):
            self.other = self.start_one_worker()


class Pace:
    """An engine that sends at a steady pace, each event as often as it takes."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._numbers = count()
        self._over = threading.Event()
        self._threads = ThreadPoolExecutor(64)
        self.tried: dict[str, float] = {}

    def send_one(self) -> None:
        number = next(self._numbers)
        self.tried[f"T-{number}"] = time.time()
        self._threads.submit(self._load.send, number)

    @contextmanager
    def kept(self) -> Iterator[None]:
        def go_on() -> None:
            while not self._over.wait(EVERY_SECONDS):
                self.send_one()

        pacing = threading.Thread(target=go_on)
        pacing.start()
        try:
            yield
        finally:
            self._over.set()
            pacing.join()
            self._threads.shutdown()


def frozen(processes: list[psutil.Process], seconds: float) -> None:
    for process in processes:
        process.suspend()
    threading.Event().wait(seconds)
    for process in processes:
        if process.is_running():  # the watchdog may have ended it
            process.resume()


def group(main: psutil.Process) -> list[psutil.Process]:
    return [main, *main.children(recursive=True)]


def faults(here: Place, pace: Pace, servers: Servers) -> list[Fault]:
    def kill(find: Callable[[], psutil.Process]) -> Callable[[], None]:
        return lambda: find().kill()

    def kill_while_busy() -> None:
        runners = here.runners()
        for _ in range(BURST):
            pace.send_one()
        for process in runners:
            process.send_signal(signal.SIGKILL)

    def restart(server: str, seconds: float) -> Callable[[], None]:
        def happen() -> None:
            with servers.gone(getattr(servers, server)).lasting():
                threading.Event().wait(seconds)

        return happen

    found = [
        Fault("an idle runner of django-q2", kill(lambda: here.runners()[0])),
        Fault("busy runners of django-q2", kill_while_busy),
        Fault("django-q2's sentinel", kill(here.sentinel)),
        Fault("django-q2's main process", kill(lambda: here.child("cluster"))),
        Fault("a dispatcher", kill(lambda: here.child("dispatcher"))),
        Fault("frozen dispatcher", lambda: frozen([here.child("dispatcher")], FROZEN_SECONDS), FROZEN_SECONDS),
        Fault("frozen worker", lambda: frozen(here.worker.family(), FROZEN_SECONDS), FROZEN_SECONDS),
        Fault("frozen web", lambda: frozen(here.web.family(), FROZEN_SECONDS), FROZEN_SECONDS),
    ]
    if not LONG:  # test_killing.py and test_outages.py have short forms of the others
        return found
    more = [
        Fault("a worker", here.kill_worker),
        Fault("web", here.kill_web),
        Fault("Valkey for a second", restart("valkey", 1)),
        Fault("PostgreSQL", restart("postgres", 0)),
        Fault("frozen cluster", lambda: frozen(group(here.child("cluster")), FROZEN_SECONDS), FROZEN_SECONDS),
    ]
    hung = Fault("hung cluster", lambda: frozen(group(here.child("cluster")), STALL_SECONDS), STALL_SECONDS)
    return [*(found + more) * ROUNDS, hung]


def waited(here: Place, pace: Pace) -> list[tuple[float, float]]:
    """When each event was first tried, and how long it took to be in the inbox."""
    rows = here.house.rows(
        "SELECT task.task_id, extract(epoch FROM min(note.created_at))::float FROM notifications_notification note"
        " JOIN notifications_task task ON task.id = note.task_id GROUP BY task.task_id"
    )
    arrived = {str(task): float(str(at)) for task, at in rows}
    return sorted((tried, arrived[task] - tried) for task, tried in pace.tried.items())


def test_six_events_a_second_get_through_whatever_is_killed_or_frozen(servers: Servers) -> None:
    with installed(Place, **servers.environment) as here:
        load = Load(here)
        pace = Pace(load)
        happened = faults(here, pace, servers)
        begun: list[float] = []
        with load.answering():
            with pace.kept():
                for fault in happened:
                    threading.Event().wait(APART_SECONDS)
                    begun.append(time.time())
                    fault.happen()
                threading.Event().wait(APART_SECONDS)
            eventually(lambda: len(load.accepted) == len(pace.tried), "all is accepted", within=PATIENCE)
        repeats = load.is_all_there_once()
        report(happened, begun, waited(here, pace), repeats)


def report(happened: list[Fault], begun: list[float], events: list[tuple[float, float]], repeats: int) -> None:
    assert repeats <= len(events) // 10, "only what was in flight may be told again"
    longest: dict[str, float] = {}
    for number, fault in enumerate(happened):
        until = begun[number + 1] if number + 1 < len(begun) else float("inf")
        took = max((wait for tried, wait in events if begun[number] - 2 <= tried < until), default=0.0)
        longest[fault.name] = max(longest.get(fault.name, 0.0), took)
    if LONG:
        late = {f.name: longest[f.name] for f in happened if longest[f.name] > f.frozen + RECOVERED_SECONDS}
        assert late == {}
    figures = ", ".join(f"{name} {took:.1f} s" for name, took in longest.items())
    proved(
        f"{len(happened)} kills, freezes and restarts under {len(events)} events, six a second, with two workers: each"
        f" once in the inbox and answered, {repeats} answers told twice; the longest wait of an event: {figures}"
    )
