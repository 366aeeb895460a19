"""What django-q2 runs: names and nothing else go in, our tables say what there is to do.

Schedules in the database and tasks that wait in Redis hold these functions' dotted names, so they stay here.
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

from wfpush.models import Heartbeat
from wfpush.observability import tallies
from wfpush.queue import lease_holder, outage, outbox

log = structlog.get_logger(__name__)

P = ParamSpec("P")

BEAT_APART_SECONDS = 2.0
"""Work that comes more often costs no more beats."""

GIVE_BACK_SECONDS = 30.0
AGAIN_SECONDS = 0.5

_beaten_at = float("-inf")
"""When this process last did so, in seconds of a clock that never jumps."""


def quiet_in_outages(task: Callable[P, None]) -> Callable[P, None]:
    """Without the database a task does nothing, and says so once; django-q2 would try to write down its failure. What
    it had claimed is given back when the database is: the process lives, so that nobody else may do that."""

    @wraps(task)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with outbox.claims_kept() as claims:
            try:
                task(*args, **kwargs)
            except DatabaseError as fault:
                if not outage.database_is_away(fault):
                    raise
                outage.database.goes_on(fault)
                _give_back_in_time(claims)
            else:
                outage.database.is_over()

    return run


def _give_back_in_time(claims: list[tuple[type[outbox.Work], UUID]]) -> None:
    """Try until the database is back, or until the leases end soon anyway."""
    until = time.monotonic() + GIVE_BACK_SECONDS
    while claims and time.monotonic() < until:
        connections.close_all()
        try:
            outbox.give_back(claims)
            return
        except DatabaseError:
            time.sleep(AGAIN_SECONDS)
    connections.close_all()


@quiet_in_outages
def run_source(name: str) -> None:
    """Do what is due in one source.

    That shows the watchdog as much as a beat of its own, which after a long outage would stand behind many of these.
    """
    global _beaten_at
    outbox.awake(name)
    if time.monotonic() - _beaten_at >= BEAT_APART_SECONDS:
        beat()
        _beaten_at = time.monotonic()
    cast(Callable[[], None], outbox.source_named(name).drain)()


@quiet_in_outages
def prune() -> None:
    """Once a day: remove what is kept only for a while."""
    call_command("prune", stdout=StringIO())


@quiet_in_outages
def backstop() -> None:
    """The ticker's backstop, once a minute: wake every source that has something due; and add up what was counted."""
    now = timezone.now()
    for source in outbox.sources():
        if source.has_due(now):
            log.info("backstop_wake", source=source.name)
            source.wake()
    tallies.add_up()


@quiet_in_outages
def beat() -> None:
    """Shows the watchdog that the cluster of this worker runs tasks."""
    if worker := os.environ.get(lease_holder.WORKER):
        Heartbeat.objects.bulk_create(
            [Heartbeat(name=worker, beat_at=timezone.now())],
            update_conflicts=True,
            unique_fields=["name"],
            update_fields=["beat_at"],
        )
