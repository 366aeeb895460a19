"""Claims, retries and ends due work. Our tables are the queue.

A row is due work while `due_at` is set. A claim sets a lease (`lease_until`) and a fencing token (`lease_token`) under
`FOR UPDATE SKIP LOCKED`. Only the holder of the token can end or postpone the row. The rows of a killed child become
free when its last process is dead (`wfpush/processes/worker_registry.py`), or else when their lease ends. A lost
wake-up costs at most the ticker's second.

No other module writes `due_at`, `lease_until` or `lease_token` of these rows. They call the functions here, or compose
their statements of `set_due`, `RELEASED` and `held_by` (tests/wfpush/queue/test_owned_columns.py).
"""

import random
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from operator import attrgetter
from typing import Any, Literal, TypeVar
from uuid import UUID

import redis
import structlog
from django.conf import settings
from django.db import connection as database
from django.db import models, transaction
from django.db.models import Expression, ExpressionWrapper, F, Min, Q, QuerySet, Value
from django.db.models.functions import Least
from django_q.tasks import async_task
from redis.backoff import NoBackoff
from redis.retry import Retry

from wfpush import features
from wfpush.concurrency.keyed_limits import FreePlaces
from wfpush.postgres import bulk, keys
from wfpush.queue.lease_holder import new_token
from wfpush.redis.cooldown import redis_cooldown

log = structlog.get_logger(__name__)

WAKE_CHANNEL = "wfpush:wake"
"""Redis pub/sub channel on which dispatchers receive the names of due sources."""

QUEUE = f"django_q:{settings.Q_CLUSTER['name']}:q"
"""Redis list of django-q2's waiting tasks."""

WAKE_TTL_MS = 2_000
"""Milliseconds for which one wake-up stands for all that follow it, in case the woken task is lost."""

WAITS_MS = 10_000
"""The same while django-q2's queue is not empty. Each source has one place in the queue, so that it does not grow."""

TURN_SECONDS = 2.0
"""Seconds for which one source is drained before the next in the queue: many events do not hold up clocks."""

ROWS_CHECKED = 200
"""Rows that one claim checks for a free place. A key to which all of them belong is full then, and left out of the next
claim."""

LONGEST_LEASE = timedelta(minutes=5)
"""The limit of leases. One that ends later was taken before the clock was set back, perhaps by a dead process."""


COLUMNS = ("due_at", "lease_until", "lease_token")
"""The columns that only this module writes."""


class Work(models.Model):
    """The base of rows that are their own outbox entry."""

    due_at = models.DateTimeField(null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    lease_token = models.UUIDField(null=True, blank=True, editable=False)
    attempts = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        abstract = True

    def make_due(self, at: datetime | None) -> tuple[str, ...]:
        """Set the fields in memory: due at `at`, or not due; the lease is dropped. Return the names of the fields to
        save."""
        self.due_at, self.lease_until, self.lease_token = at, None, None
        return COLUMNS

    def is_free(self, now: datetime) -> bool:
        """Return whether the row is due and not leased, like `due`."""
        if self.due_at is None or self.due_at > now:
            return False
        return self.lease_until is None or not now < self.lease_until <= now + LONGEST_LEASE

    @property
    def is_retried(self) -> bool:
        """Return whether the row fits `RETRIED`."""
        return self.due_at is not None and (self.attempts > 1 or (self.attempts == 1 and self.lease_token is None))


RETRIED = Q(due_at__isnull=False) & (Q(attempts__gt=1) | Q(attempts=1, lease_token=None))
"""Rows that were tried without success and are not given up: they wait for another try, or one is running."""

WorkT = TypeVar("WorkT", bound=Work)
FREE: dict[str, Any] = {"lease_token": None, "lease_until": None}


@dataclass(frozen=True)
class Backoff:
    """The pauses between tries. They double from `first` up to `most`; after `slow_after` they are `slow`."""

    first: timedelta = timedelta(seconds=1)
    most: timedelta = timedelta(minutes=5)
    slow_after: timedelta = timedelta(days=1)
    slow: timedelta = timedelta(hours=1)
    give_up_after: timedelta = timedelta(days=8)
    tries: int = 0
    """The fewest tries before giving up, however late the first one was."""
    jitter: float = 0.2

    def next_at(
        self, attempts: int, since: datetime, now: datetime, retry_after: float | None = None
    ) -> datetime | None:
        """Return the time of the next try after `attempts` tries since `since`; None: give up. `retry_after` (s) can
        only delay it."""
        if now - since >= self.give_up_after and attempts >= self.tries:
            return None
        pause = self.slow if now - since >= self.slow_after else min(self.first * 2 ** min(attempts - 1, 30), self.most)
        pause *= random.uniform(1 - self.jitter, 1 + self.jitter)
        return now + max(pause, timedelta(seconds=retry_after or 0))


def due(queryset: QuerySet[WorkT], now: datetime) -> QuerySet[WorkT]:
    """Return the rows that are due and not leased."""
    return queryset.filter(not_leased(now), due_at__lte=now)


def not_leased(now: datetime) -> Q:
    """Return the condition of free rows. A lease ends after LONGEST_LEASE, however far the clock was set back."""
    return Q(lease_until=None) | Q(lease_until__lte=now) | Q(lease_until__gt=now + LONGEST_LEASE)


def claim(queryset: QuerySet[WorkT], *, limit: int, lease: timedelta, now: datetime) -> list[WorkT]:
    """Lease up to `limit` due rows, oldest due first. Each counts an attempt, recorded before any work is done.

    `lease` is at most LONGEST_LEASE.
    """
    with transaction.atomic(savepoint=False):
        rows = list(_unlocked(due(queryset, now).order_by("due_at"))[:limit])
        return _lease(rows, now + lease)


def claim_by_keys(queryset: QuerySet[WorkT], ids: Collection[Any], *, lease: timedelta, now: datetime) -> list[WorkT]:
    """Lease those rows of `ids` that are due and not leased, like `claim`.

    The rows are found by their keys alone, so `queryset` joins no other table. With a condition on `due_at` or a join,
    PostgreSQL may prefer another index and read all due rows: its statistics can say that nothing is due.
    """
    with transaction.atomic(savepoint=False):
        rows = _unlocked(queryset.filter(keys.among(queryset.model, ids))) if ids else []
        return _lease(sorted((row for row in rows if row.is_free(now)), key=attrgetter("due_at")), now + lease)


def _unlocked(rows: QuerySet[WorkT]) -> QuerySet[WorkT]:
    return rows.select_for_update(skip_locked=True, of=("self",))


def _lease(rows: list[WorkT], until: datetime) -> list[WorkT]:
    """Lease the locked rows, and count an attempt of each."""
    if not rows:
        return []
    model, token = type(rows[0]), new_token()
    mine = keys.among(model, [row.pk for row in rows])
    model._default_manager.filter(mine).update(lease_token=token, lease_until=until, attempts=F("attempts") + 1)
    if _claims is not None:
        _claims.append((model, token))
    for row in rows:
        row.lease_token, row.lease_until, row.attempts = token, until, row.attempts + 1
    return rows


_claims: list[tuple[type[Work], UUID]] | None = None
"""The claims of the task that runs in this process."""


@contextmanager
def claims_tracked() -> Iterator[list[tuple[type[Work], UUID]]]:
    """Yield a list of all claims in the block, by model and token. For processes with one thread and one task."""
    global _claims
    before, _claims = _claims, []
    try:
        yield _claims
    finally:
        _claims = before


def give_back(claims: Iterable[tuple[type[Work], UUID]]) -> None:
    """Release claims that the caller gives up, so that others may take the rows at once. Rows that have ended, or whose
    lease was lost, stay as they are."""
    for model, token in claims:
        release(model._default_manager.filter(lease_token=token))


def waiting_for_places(
    queryset: QuerySet[WorkT], room: FreePlaces[Any], *, by: Expression | F, now: datetime
) -> QuerySet[WorkT]:
    """Return the due rows whose key has a free place, oldest first; `place`: the key. Claims look at ROWS_CHECKED."""
    with_places: QuerySet[Any] = due(queryset, now).annotate(place=by)
    return with_places.exclude(place__in=room.full).order_by("due_at")


def claim_places(
    queryset: QuerySet[WorkT], room: FreePlaces[Any], *, by: Expression | F, lease: timedelta, now: datetime
) -> list[tuple[Any, WorkT]]:
    """Claim the oldest due rows for which there is a place. Return each with its key, the value of `by`."""
    waiting = waiting_for_places(queryset, room, by=by, now=now)
    places = dict(waiting.values_list("pk", "place")[:ROWS_CHECKED])
    chosen = room.choose(places.items())
    rows = claim_by_keys(queryset, chosen, lease=lease, now=now)
    return [(places[row.pk], row) for row in rows]


# --- one row, by its claimant -----------------------------------------------------------------------------------------
def finish(row: Work, **fields: Any) -> bool:
    """End a row: nothing more is to be done. False: the lease was lost, and its new holder decides."""
    return postpone(row, None, **fields)


def postpone(row: Work, at: datetime | None, **fields: Any) -> bool:
    """Make a row due again at `at`; None: not due. False: the lease was lost."""
    return bool(held(row).update(due_at=at, **FREE, **fields))


def put_back(row: Work, at: datetime, **fields: Any) -> bool:
    """Make a row that was not tried due again at `at`, without counting the attempt. False: the lease was lost."""
    return postpone(row, at, attempts=row.attempts - 1, **fields)


def renew(row: Work, until: datetime, **fields: Any) -> bool:
    """Hold the lease for longer. False: the lease was lost."""
    return bool(held(row).update(lease_until=until, **fields))


def delay(row: Work, at: datetime) -> bool:
    """Make the row due at `at` if its holder dies, instead of at once. The lease stays. False: it was lost."""
    return bool(held(row).update(due_at=at))


def held(row: WorkT) -> QuerySet[WorkT]:
    """Return the row, if its lease is still the one with which it was claimed."""
    return type(row)._default_manager.filter(pk=row.pk, lease_token=row.lease_token)


def hold(row: Work) -> None:
    """Take the lease of a row that no other transaction can see: that of a simulation, which is rolled back."""
    row.lease_token = new_token()
    row.save(update_fields=["lease_token"])


def finish_together(works: Sequence[Work], names: Iterable[str]) -> int:
    """End rows of one model with the values that the named fields have in memory. Return the number of leases that were
    not lost."""
    return bulk.update(
        works,
        names,
        also=[set_due("NULL"), RELEASED],
        compared=["lease_token"],
        where=["work.lease_token IS NOT DISTINCT FROM said.lease_token"],
    )


def end_untaken(rows: QuerySet[WorkT], fields: Mapping[Any, Mapping[str, Any]]) -> set[Any]:
    """End those rows that nobody has taken, each with the fields for its key. Return their keys. Rows that are claimed
    at this moment stay with their claimant. In a transaction."""
    free = rows.filter(pk__in=fields, lease_token=None).order_by("pk")
    locked = list(free.select_for_update(no_key=True, skip_locked=True, of=("self",)))
    for row in locked:
        for name, value in fields[row.pk].items():
            setattr(row, name, value)
    finish_together(locked, fields[locked[0].pk] if locked else ())
    return {row.pk for row in locked}


# --- rows that the caller may change: locked, or chosen by their state ------------------------------------------------
def scheduled(at: datetime | None) -> dict[str, Any]:
    """Return the fields of a new row that is due at `at`; None: not due."""
    return {"due_at": at}


def make_due(rows: QuerySet[WorkT], at: datetime, **fields: Any) -> int:
    """Make rows due at `at`. Workers that have claimed one lose the lease. Return the number of rows."""
    return rows.update(due_at=at, **FREE, **fields)


def bring_forward(rows: QuerySet[WorkT], at: datetime, **fields: Any) -> int:
    """Make rows due at `at`, if they are not due before; leases stay. Return the number of rows."""
    return rows.update(due_at=Least("due_at", Value(at)), **fields)  # LEAST ignores NULL


def shorten_wait(rows: QuerySet[WorkT], most: timedelta, now: datetime) -> None:
    """Let rows that have been due for longer than `most` count as due since then at the latest, in their order: their
    service works again. In a transaction. Rows that somebody works on stay as they are."""
    overdue = due(rows, now).filter(due_at__lt=now - most).order_by()
    oldest = overdue.aggregate(Min("due_at"))["due_at__min"]
    if oldest is not None:
        shorter = (Value(now) - F("due_at")) * (most / (now - oldest))
        mine = rows.model._default_manager.filter(not_leased(now), pk__in=overdue.values("pk"))
        mine.update(due_at=ExpressionWrapper(Value(now) - shorter, output_field=models.DateTimeField()))


def finish_all(rows: QuerySet[WorkT], **fields: Any) -> int:
    """End rows: nothing more is to be done. Workers that have claimed one lose the lease. Return the number of rows."""
    return rows.update(due_at=None, **FREE, **fields)


def release(rows: QuerySet[WorkT]) -> int:
    """Drop the leases of rows that have not ended. Return the number of rows."""
    return rows.filter(due_at__isnull=False).update(**FREE)


# --- parts of SQL statements ------------------------------------------------------------------------------------------
RELEASED = "lease_token = NULL, lease_until = NULL"
"""An assignment for SET that drops the lease."""


def set_due(expression: str) -> str:
    """Return an assignment for SET: due at the value of the SQL expression; NULL: not due. Leases stay."""
    return f"due_at = {expression}"


def held_by(row: str, token: str) -> str:
    """Return a condition for WHERE: the row still has the lease of the token. Both are names in the statement."""
    return f"{row}.lease_token = {token}"


def not_leased_row(row: str) -> str:
    """Return `not_leased` for WHERE. `row` is a name in the statement, which takes `lease_parameters`."""
    return f"({row}.lease_until IS NULL OR {row}.lease_until <= %(now)s OR {row}.lease_until > %(longest_lease)s)"


def lease_parameters(now: datetime) -> dict[str, Any]:
    return {"now": now, "longest_lease": now + LONGEST_LEASE}


NEW_ROW = "due_at, attempts"
"""The columns of a new row for INSERT; `new_row` returns the values."""


def new_row(due_at: str) -> str:
    return f"{due_at}, 0"


_EACH = """
UPDATE {table} AS work SET {due}, attempts = 0, {released}
FROM unnest(%s::{key}[], %s::timestamptz[]) AS said(key, due) WHERE work.{pk} = said.key
"""


def reschedule(model: type[Work], due_at: Mapping[Any, datetime | None]) -> None:
    """Make rows due by their keys, each at its own instant; None: not due. Counts of attempts start again. The caller
    has locked the rows, and has checked that it still holds them."""
    if not due_at:
        return
    pk = model._meta.pk
    key = pk.db_type(database)
    statement = _EACH.format(
        table=model._meta.db_table, pk=pk.column, key=key, due=set_due("said.due"), released=RELEASED
    )
    with database.cursor() as cursor:
        cursor.execute(statement, [list(due_at), list(due_at.values())])


@dataclass(frozen=True)
class Source:
    """A kind of due work. `drain` does the work due now, in django-q2 (`cluster`, sync) or in the dispatcher (async).

    `close` gives back rows of a dispatcher's source when the process stops. `has_late`: whether work has been due since
    before an instant for lack of workers; work that waits for a service which does not work is left out. None: as
    `has_due`.
    """

    name: str
    runner: Literal["cluster", "dispatcher"]
    has_due: Callable[[datetime], bool]
    drain: Callable[[], None] | Callable[[], Awaitable[None]]
    close: Callable[[], Awaitable[None]] | None = None
    has_late: Callable[[datetime], bool] | None = None

    def wake(self) -> None:
        wake(self)


@cache
def by_name() -> dict[str, Source]:
    """Return the sources that apps add, by name."""
    return {source.name: source for source in features.added(Source)}


def sources(runner: str | None = None) -> list[Source]:
    return [source for source in by_name().values() if runner in (None, source.runner)]


def source_named(name: str) -> Source:
    return by_name()[name]


_connection: redis.Redis | None = None


def connection() -> redis.Redis:
    """Return this process's Redis client, with short timeouts: a lost Redis must cost latency only."""
    global _connection
    if _connection is None:
        _connection = redis.Redis.from_url(
            settings.REDIS_URL,
            socket_timeout=2,
            socket_connect_timeout=1,
            # One retry on a connection that has died. The default's growing pauses would hold up a request for seconds.
            retry=Retry(NoBackoff(), 1, (redis.ConnectionError,)),
        )
    return _connection


def wake(source: Source) -> None:
    """Wake the process that drains the source. Never fails: the ticker finds work of lost wake-ups."""
    if redis_cooldown:
        return
    try:
        if not connection().set(flag_of(source.name), 1, nx=True, px=WAKE_TTL_MS):
            return  # a wake-up that nobody has taken yet stands for this one
        if source.runner == "dispatcher":
            connection().publish(WAKE_CHANNEL, source.name)
        elif not _waits(source.name):
            async_task("wfpush.tasks.run_source", source.name)
    except (redis.RedisError, OSError) as fault:
        redis_cooldown.after(fault)
        log.warning("wake_lost", source=source.name, fault=str(fault))


def _waits(name: str) -> bool:
    """Return whether the queue has a wake-up of this source. If not, note that it gets one."""
    is_first = connection().set(_place(name), 1, nx=True, px=WAITS_MS)
    return not is_first and bool(connection().llen(QUEUE))  # the queue is empty: it was taken, and may be lost


def wake_up_received(name: str) -> None:
    """Note that the woken task has started: rows enqueued from now on need another wake-up."""
    if redis_cooldown:
        return
    try:
        connection().delete(flag_of(name), _place(name))
    except (redis.RedisError, OSError) as fault:
        redis_cooldown.after(fault)
        log.warning("wake_flag_kept", source=name, fault=str(fault))


def wake_on_commit(name: str) -> None:
    transaction.on_commit(lambda: source_named(name).wake(), robust=True)


def flag_of(name: str) -> str:
    """Return the Redis key of a wake-up that nobody has taken. The process that deletes it looks for due rows."""
    return f"wfpush:woken:{name}"


def _place(name: str) -> str:
    return f"wfpush:waits:{name}"
