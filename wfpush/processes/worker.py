"""`manage.py worker`: one parent with ticker and watchdog, the django-q2 cluster and the dispatchers under it."""

import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import structlog
from django.db import connections

from wfpush.embedded import shared_servers
from wfpush.embedded.servers import EmbeddedError
from wfpush.postgres.silence import give_up_in_time
from wfpush.processes.children import Child
from wfpush.processes.lifeline import Lifeline, follow
from wfpush.processes.systemd_notify import announce
from wfpush.processes.ticker import Ticker, Trouble
from wfpush.processes.watchdog import Watchdog
from wfpush.processes.worker_registry import LOOK_SECONDS, Presence
from wfpush.queue import lease_holder

log = structlog.get_logger(__name__)

SUPERVISE_SECONDS = 0.25
REVIVE_SECONDS = 1.0


class Worker:
    """`grace` and `stall` in seconds: to finish in after SIGTERM, and without a task run before a restart."""

    def __init__(self, *, dispatchers: int, grace: float, stall: float, data_dir: Path | None) -> None:
        self._stop = threading.Event()
        self._grace = grace
        self._data_dir = data_dir
        self._lifeline = Lifeline()
        self._presence = Presence()
        self._trouble = Trouble()
        environment = self._lifeline.environment | {lease_holder.WORKER: self._presence.name}
        self._cluster = Child("cluster", ["cluster"], environment, self._presence)
        names = ["dispatcher"] if dispatchers == 1 else [f"dispatcher {n + 1}" for n in range(dispatchers)]
        self._children = [self._cluster, *(Child(name, ["dispatcher"], environment, self._presence) for name in names)]
        self._watchdog = Watchdog(self._presence.name, stall)

    def run(self) -> None:
        """Supervise until SIGTERM, SIGINT or the parent's death."""
        give_up_in_time()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        follow(self._stop.set)
        threads = [threading.Thread(target=Ticker(self._stop).run, name="ticker")]
        threads.append(threading.Thread(target=self._watch, name="watchdog"))
        threads.append(threading.Thread(target=self._be_present, name="presence"))
        if self._data_dir is not None:
            threads.append(threading.Thread(target=self._keep_servers, args=(self._data_dir,), name="servers"))
        for thread in threads:
            thread.start()
        announce("READY=1")
        try:
            while not self._stop.is_set():
                self._supervise()
                self._stop.wait(SUPERVISE_SECONDS)
        finally:
            announce("STOPPING=1")
            self._stop.set()
            self._stop_children()
            for thread in threads:
                thread.join()
            self._trouble.attempt("leaving", self._presence.leave)
            self._lifeline.close()
            log.info("worker_stopped")

    def _supervise(self) -> None:
        for child in self._children:
            if child.supervise(time.monotonic()) and child is self._cluster:
                self._watchdog.excuse()

    def _stop_children(self) -> None:
        until = time.monotonic() + self._grace
        for child in self._children:
            child.ask_to_stop()
        for child in self._children:
            child.wait_stopped(until)

    def _watch(self) -> None:
        def look() -> None:
            if self._watchdog.stalled():
                log.error("cluster_stalled", action="its processes are killed and started again")
                self._watchdog.excuse()
                self._cluster.kill()

        self._every(self._watchdog.beat_seconds, look)

    def _be_present(self) -> None:
        self._every(LOOK_SECONDS, lambda: self._trouble.attempt("presence", self._presence.look))
        connections.close_all()

    def _keep_servers(self, data_dir: Path) -> None:
        def look() -> None:
            try:
                if shared_servers.revive(data_dir):
                    log.warning("embedded_servers_revived")
            except EmbeddedError as fault:
                log.error("embedded_servers_down", fault=str(fault))

        self._every(REVIVE_SECONDS, look)

    def _every(self, seconds: float, look: Callable[[], object]) -> None:
        while not self._stop.is_set():
            look()
            self._stop.wait(seconds)
