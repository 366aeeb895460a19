"""The tasks of django-q2. They take names only; the work itself is in our tables.

Schedules in the database and tasks that wait in Redis hold the dotted names of these functions, so they stay here.
"""

import os
import time
from collections.abc import Callable
from functools import wraps
from io import StringIO
from typing import ParamSpec, cast
from uuid import UUID

import structlog
from django.core.management import call_command
from django.db import connections
from django.db.utils import Error as DatabaseError
from django.utils import timezone

from wfpush import VERSION
from wfpush.models import Heartbeat
from wfpush.observability import tallies
from wfpush.queue import lease_holder, outage, outbox

log = structlog.get_logger(__name__)

P = ParamSpec("P")

BEAT_APART_SECONDS = 2.0
"""Seconds between two heartbeats that tasks write: more frequent tasks cost no more writes."""

GIVE_BACK_SECONDS = 30.0
AGAIN_SECONDS = 0.5

_beaten_at = float("-inf")
"""The time of this process's last heartbeat, in seconds of a clock that never jumps."""


def skipped_in_outages(task: Callable[P, None]) -> Callable[P, None]:
    """Make a task do nothing while the database is away, and log that once. django-q2 would try to write its failure to
    the database. The task's claims are given back when the database is back: the process lives, so no other process may
    give them back."""

    @wraps(task)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with outbox.claims_tracked() as claims:
            try:
                task(*args, **kwargs)
            except DatabaseError as fault:
                if not outage.database_is_away(fault):
                    raise
                outage.database.began(fault)
                _give_back_in_time(claims)
            else:
                outage.database.ended()

    return run


def _give_back_in_time(claims: list[tuple[type[outbox.Work], UUID]]) -> None:
    """Try to give the claims back until the database is back, or until the leases end soon anyway."""
    until = time.monotonic() + GIVE_BACK_SECONDS
    while claims and time.monotonic() < until:
        connections.close_all()
        try:
            outbox.give_back(claims)
            return
        except DatabaseError:
            time.sleep(AGAIN_SECONDS)
    connections.close_all()


@skipped_in_outages
def run_source(name: str) -> None:
    """Drain one source.

    This counts as a heartbeat, too: after a long outage a heartbeat task would wait behind many of these.
    """
    global _beaten_at
    outbox.wake_up_received(name)
    if time.monotonic() - _beaten_at >= BEAT_APART_SECONDS:
        beat()
        _beaten_at = time.monotonic()
    cast(Callable[[], None], outbox.source_named(name).drain)()


@skipped_in_outages
def prune() -> None:
    """Remove old rows, once a day."""
    call_command("prune", later=True, stdout=StringIO())


@skipped_in_outages
def backstop() -> None:
    """Wake every source with due work, in case the ticker is dead, and add up tallies, once a minute."""
    now = timezone.now()
    for source in outbox.sources():
        if source.has_due(now):
            log.info("backstop_wake", source=source.name)
            source.wake()
    tallies.add_up()


@skipped_in_outages
def beat() -> None:
    """Write a heartbeat: it shows the watchdog that the cluster of this worker runs tasks."""
    if worker := os.environ.get(lease_holder.WORKER):
        Heartbeat.objects.bulk_create(
            [Heartbeat(name=worker, beat_at=timezone.now(), release=VERSION)],
            update_conflicts=True,
            unique_fields=["name"],
            update_fields=["beat_at"],
        )
