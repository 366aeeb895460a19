"""The row of each worker in the database, and leases that dead processes have held.

A worker that stops writes the time into its row, which stays until another worker runs. The row of a killed worker
stays visible until a worker starts in its place or FORGET_AFTER has passed. The leases of its processes are given back
by any worker of the same machine, as soon as the last of the processes is dead.
"""

import socket
import threading
import time
from datetime import datetime, timedelta

import structlog
from django.apps import apps
from django.db import close_old_connections, transaction
from django.db.models.functions import Coalesce
from django.utils import timezone

from wfpush import VERSION
from wfpush.models import Heartbeat
from wfpush.queue import lease_holder, outbox

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.5
FORGET_AFTER = timedelta(hours=1)
LAST_LOOK_SECONDS = 2.0
"""Seconds that the kernel gets to end killed processes when the worker stops."""


class Registration:
    """The row of this worker. Used by the thread that supervises the children, and by one that checks other workers."""

    def __init__(self) -> None:
        own = lease_holder.new_id()
        self.name = f"{socket.gethostname()[:80]}/{own}"
        self._bound = lease_holder.claim(own)  # as long as this process lives
        self._lock = threading.Lock()
        self._holders: set[str] = set()
        self._is_known = False

    def add(self, holder: str) -> None:
        """Note that a child has started. Its leases are given back once the last process of its group is dead."""
        with self._lock:
            self._holders.add(holder)

    def refresh(self) -> None:
        """Update the row of this worker, and take over from dead ones. Raises DatabaseError."""
        close_old_connections()
        self._give_back_own()
        now = timezone.now()
        if not self._is_known:
            _replace_dead_worker()
            self._is_known = True
        rows = {row.name: row for row in Heartbeat.objects.all()}
        self._show(rows.pop(self.name, None), now)
        for row in rows.values():
            if row.stopped_at is not None:
                row.delete()
            elif row.holders and has_died_here(row):
                _inherit(row)
            elif now - row.beat_at > FORGET_AFTER:
                row.delete()
                log.warning("worker_forgotten", worker=row.name, last_beat=row.beat_at.isoformat())

    def end(self) -> None:
        """Record that the worker and its children have stopped. Raises DatabaseError."""
        until = time.monotonic() + LAST_LOOK_SECONDS
        while self._give_back_own() and time.monotonic() < until:
            time.sleep(0.05)
        Heartbeat.objects.filter(name=self.name).update(stopped_at=timezone.now(), holders="")
        if self._bound is not None:
            self._bound.close()

    def _give_back_own(self) -> bool:
        """Give back the leases of children that are dead. Return whether some children live."""
        with self._lock:
            holders = set(self._holders)
        dead = {holder for holder in holders if lease_holder.is_dead(holder)}
        for holder in dead:
            release_leases(holder)
        with self._lock:
            self._holders -= dead
        return holders != dead

    def _show(self, row: Heartbeat | None, now: datetime) -> None:
        with self._lock:
            holders = " ".join(sorted(self._holders))
        if row is not None and row.holders == holders:
            return
        own = Heartbeat(name=self.name, beat_at=now, machine=lease_holder.machine(), holders=holders, release=VERSION)
        Heartbeat.objects.bulk_create(
            [own],
            update_conflicts=True,
            unique_fields=["name"],
            update_fields=["machine", "holders"],
        )


def latest_worker() -> Heartbeat | None:
    """Return the worker that has run or was stopped last; None if none has ever run."""
    return Heartbeat.objects.order_by(Coalesce("stopped_at", "beat_at")).last()


def has_died_here(row: Heartbeat) -> bool:
    """Return whether the worker ran on this machine, and is dead with every process that it started."""
    if not row.machine or row.machine != lease_holder.machine():
        return False
    return all(map(lease_holder.is_dead, [row.name.rpartition("/")[2], *row.holders.split()]))


def _inherit(row: Heartbeat) -> None:
    for each in row.holders.split():
        release_leases(each)
    Heartbeat.objects.filter(pk=row.pk).update(holders="")
    log.warning("worker_died", worker=row.name)


def _replace_dead_worker() -> None:
    """Delete the row of one dead worker of this machine, which this worker replaces."""
    with transaction.atomic():
        rows = Heartbeat.objects.filter(stopped_at=None).select_for_update(skip_locked=True).order_by("beat_at")
        for row in rows:
            if has_died_here(row):
                _inherit(row)
                row.delete()
                return


def release_leases(dead: str) -> None:
    """Give back the leases of a dead holder at once. Waits for rows that its last transaction has locked, and reads
    them after that."""
    for model in apps.get_models():
        if issubclass(model, outbox.Work):
            held = model._default_manager.filter(lease_token__range=lease_holder.tokens_of(dead))
            if count := outbox.release(held):
                log.info("leases_given_back", rows=model._meta.label, count=count)
