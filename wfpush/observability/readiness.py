"""The checks of `/readyz`, `/metrics` and `manage.py doctor`: whether each part of the installation works.

Every check has a short deadline, because these answers matter most while the database or Redis is away.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial

from django.db import connection, transaction
from django.db.utils import Error as DatabaseError

from wfpush import features
from wfpush.models import Heartbeat
from wfpush.observability import service_metrics
from wfpush.observability.additions import Notes
from wfpush.observability.write_checks import OK, STATEMENT_MS, database_state, redis_state
from wfpush.postgres import schema
from wfpush.processes.watchdog import BEAT_SECONDS, STALL_SECONDS
from wfpush.processes.worker_registry import has_died_here, latest_worker
from wfpush.queue import outbox

BEAT_LATE = timedelta(seconds=STALL_SECONDS + 3 * BEAT_SECONDS)
"""The age of a heartbeat that shows that the watchdog has not repaired the cluster either."""
WORK_LATE = timedelta(minutes=2)
"""The wait of due work that shows that workers are too slow, or do nothing at all."""
RESTART = timedelta(minutes=2)
"""The time within which a stopped worker is expected to be started again."""
DIED = "was killed or has crashed"


def checks(now: datetime) -> Iterator[tuple[str, str]]:
    """Yield each part with `OK`, or with its fault."""
    database = database_state()
    yield "database", database
    yield "redis", redis_state()
    if database != OK:
        return
    fits = _ask(lambda: schema.current_schema().fault or OK)
    yield "schema", fits
    if fits != OK:
        return
    yield "worker", _ask(partial(_worker, now))
    for source in outbox.sources():
        yield source.name, _ask(partial(_lateness, source, now))


def notes(now: datetime) -> list[str]:
    """Return notes for an administrator about faults that do not stop the work: an upgrade under way, a worker that was
    stopped or is silent, more events than are processed, or a service that is away."""
    note = schema.last_found().note
    try:
        with short_statements():
            return [
                *([note] if note else []),
                *_stopped_worker(now),
                *_silent_workers(now),
                *_added_notes(now),
                *service_metrics.notes(now),
            ]
    except DatabaseError:
        return [note] if note else []


def _worker(now: datetime) -> str:
    """Return the state of the installation's workers: "ok" while at least one runs tasks."""
    latest = latest_worker()
    if latest is None:
        return "has never run a task; start `manage.py worker`"
    silences = [_silence(beat, now) for beat in _running()]
    if None in silences:
        return OK
    if latest.stopped_at is not None:
        return OK if now - latest.stopped_at <= RESTART else f"{_stop(latest)}; start `manage.py worker`"
    what_to_do = "start `manage.py worker`" if silences[-1] == DIED else "is `manage.py worker` up?"
    return f"{silences[-1]}; {what_to_do}"


def _stopped_worker(now: datetime) -> list[str]:
    latest = latest_worker()
    if latest is None or latest.stopped_at is None or any(_silence(beat, now) is None for beat in _running()):
        return []
    return [f"worker {latest.name} {_stop(latest)}: start one"]


def _stop(worker: Heartbeat) -> str:
    return f"was stopped at {worker.stopped_at:%Y-%m-%d %H:%M:%S} UTC, and nothing is processed since"


def _silent_workers(now: datetime) -> list[str]:
    silences = [(beat.name, _silence(beat, now)) for beat in _running()]
    if all(silence for _, silence in silences):
        silences = silences[:-1]  # `_worker` reports the last
    return [f"worker {name} {silence}" for name, silence in silences if silence is not None]


def _running() -> list[Heartbeat]:
    """Return the workers that were not stopped, in the order of their last tasks."""
    return list(Heartbeat.objects.filter(stopped_at=None).order_by("beat_at"))


def _added_notes(now: datetime) -> list[str]:
    return [note for notes in features.added(Notes) for note in notes.read(now)]


def _silence(beat: Heartbeat, now: datetime) -> str | None:
    if has_died_here(beat):
        return DIED
    age = now - beat.beat_at
    return f"ran its last task {age.total_seconds():.0f} s ago" if age > BEAT_LATE else None


def _lateness(source: outbox.Source, now: datetime) -> str:
    late = (source.has_late or source.has_due)(now - WORK_LATE)
    return f"work has been due for over {WORK_LATE.total_seconds():.0f} s" if late else OK


def _ask(question: Callable[[], str]) -> str:
    """Return the answer, or the fault that kept the database from answering in time."""
    try:
        with short_statements():
            return question()
    except DatabaseError as fault:
        return f"cannot be asked ({type(fault).__name__})"


@contextmanager
def short_statements() -> Iterator[None]:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {STATEMENT_MS:d}")
        yield
