"""`manage.py worker`: one parent with ticker and watchdog, the django-q2 cluster and the dispatchers under it."""

from functools import partial
from pathlib import Path

import structlog
from django.db import connections

from wfpush.config.places import MANAGE
from wfpush.embedded import shared_servers
from wfpush.embedded.servers import EmbeddedError
from wfpush.postgres.silence import limit_waits
from wfpush.processes.children import Child
from wfpush.processes.supervisor import Supervisor
from wfpush.processes.ticker import Ticker, Trouble
from wfpush.processes.watchdog import Watchdog
from wfpush.processes.worker_registry import LOOK_SECONDS, Registration
from wfpush.queue import lease_holder

log = structlog.get_logger(__name__)

REVIVE_SECONDS = 1.0


class Worker:
    """Ticker, watchdog, cluster and dispatchers of one `manage.py worker`.

    `grace`: seconds to finish in after SIGTERM. `stall`: seconds without a task run before the cluster is restarted.
    """

    def __init__(self, *, dispatchers: int, grace: float, stall: float, data_dir: Path | None) -> None:
        self._supervisor = Supervisor(grace=grace, restarts=True)
        self._registration = Registration()
        self._trouble = Trouble()
        self._watchdog = Watchdog(self._registration.name, stall)
        environment = {lease_holder.WORKER: self._registration.name}
        self._cluster = Child(
            "cluster",
            [*MANAGE, "cluster"],
            environment,
            registration=self._registration,
            on_start=self._watchdog.excuse,
        )
        self._supervisor.add(self._cluster)
        for name in ["dispatcher"] if dispatchers == 1 else [f"dispatcher {n + 1}" for n in range(dispatchers)]:
            self._supervisor.add(Child(name, [*MANAGE, "dispatcher"], environment, registration=self._registration))
        self._supervisor.add_thread("ticker", Ticker(self._supervisor.stop).run)
        self._supervisor.add_thread("watchdog", self._watch)
        self._supervisor.add_thread("registration", self._refresh_registration)
        if data_dir is not None:
            self._supervisor.add_thread("servers", partial(self._keep_servers, data_dir))

    def run(self) -> None:
        """Supervise until SIGTERM, SIGINT or the parent's death."""
        limit_waits()
        try:
            self._supervisor.run()
        finally:
            self._trouble.attempt("leaving", self._registration.end)
            log.info("worker_stopped")

    def _watch(self) -> None:
        def look() -> None:
            if self._watchdog.stalled():
                log.error("cluster_stalled", action="its processes are killed and started again")
                self._watchdog.excuse()
                self._cluster.kill()

        self._supervisor.every(self._watchdog.beat_seconds, look)

    def _refresh_registration(self) -> None:
        self._supervisor.every(LOOK_SECONDS, lambda: self._trouble.attempt("registration", self._registration.refresh))
        connections.close_all()

    def _keep_servers(self, data_dir: Path) -> None:
        def look() -> None:
            try:
                if shared_servers.revive(data_dir):
                    log.warning("embedded_servers_revived")
            except EmbeddedError as fault:
                log.error("embedded_servers_down", fault=str(fault))

        self._supervisor.every(REVIVE_SECONDS, look)
