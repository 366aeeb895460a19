"""Orders of operators to send chosen rows again, and to undo that.

One statement chooses the rows in the database, however many there are; no row is read into memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import F, Max, QuerySet

from notifications.replays.kinds import KINDS, Kind
from notifications.replays.models import Replay, ReplayedRow, ReplayedState, ReplayState
from wfpush.postgres import bulk
from wfpush.queue import outbox, steps

MAX_ROWS = 100_000
"""Maximum number of rows of one order."""
GRACE = timedelta(seconds=15)
"""Time before the first batch, in which all of an order can be undone."""

_CHOOSE = """
INSERT INTO replays_replayedrow (replay_id, "row", state)
SELECT %s, id, %s FROM ({chosen}) AS chosen (id) ORDER BY id
ON CONFLICT ("row") WHERE state = 'waiting' DO NOTHING
"""


class MoreThanShown(Exception):
    """Raised if more rows can be chosen now than the operator has seen; the operator is asked again."""


class NothingLeft(Exception):
    """Raised if others have sent all rows again meanwhile, or no row can be sent again any more."""


@dataclass(frozen=True)
class Question:
    """The question that an operator has confirmed: there were `seen` rows at `as_of`. Its key identifies it.

    `selection` describes in words how the rows were chosen.
    """

    key: UUID
    seen: int
    as_of: datetime
    by: AbstractBaseUser
    selection: str


def order(kind: Kind, rows: QuerySet[Any], question: Question, now: datetime) -> tuple[Replay, bool]:
    """Order a replay of those rows that may be sent again. The boolean is False for an order that existed already.

    There may be fewer than were seen: others have sent them again. Raises MoreThanShown, NothingLeft.
    """
    fields = {
        "kind": kind.name,
        "by_id": question.by.pk,
        "selection": question.selection[:1000],
        "as_of": question.as_of,
    }
    fields |= {"ordered_at": now, **outbox.scheduled(now + GRACE)}
    with transaction.atomic():
        replay, is_new = Replay.objects.get_or_create(pk=question.key, defaults=fields)
        if is_new:
            replay.chosen = _choose(replay, kind.chosen(rows, question.as_of))
            if replay.chosen > min(question.seen, MAX_ROWS):
                raise MoreThanShown
            if not replay.chosen:
                raise NothingLeft
            replay.save(update_fields=["chosen"])
    return replay, is_new


def order_one(kind: Kind, row: Any, *, by: AbstractBaseUser, now: datetime) -> Replay:
    """Send one row again, now, without waiting. `Replay.again` of the result says whether that was possible."""
    with transaction.atomic():
        replay = Replay(kind=kind.name, by_id=by.pk, selection=str(row)[:1000], as_of=now, ordered_at=now, chosen=1)
        replay.state, replay.ended_at = ReplayState.DONE, now
        replay.save(force_insert=True)
        one = ReplayedRow.objects.create(replay=replay, row=row.pk, state=ReplayedState.AGAIN)
        send_again(replay, [one], now)
        replay.refresh_from_db(fields=["again"])
    return replay


def _choose(replay: Replay, rows: QuerySet[Any]) -> int:
    """Choose the rows and return their number, at most MAX_ROWS + 1. More than MAX_ROWS are refused."""
    try:
        chosen, values = rows.order_by().values("pk")[: MAX_ROWS + 1].query.sql_with_params()
    except EmptyResultSet:  # the search matches no row
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_CHOOSE.format(chosen=chosen), [replay.pk, ReplayedState.WAITING, *values])
        return int(cursor.rowcount)


UNDOABLE: Final = (ReplayState.RUNNING, ReplayState.DONE)


def undo(replay_id: UUID, now: datetime) -> bool:
    """Stop an order, and put back rows that no worker has taken yet. Return False if it is undone already."""
    with transaction.atomic():
        replay = Replay.objects.select_for_update(no_key=True).get(pk=replay_id)
        if replay.state not in UNDOABLE:
            return False
        spared = replay.rows.filter(state=ReplayedState.WAITING).update(state=ReplayedState.PUT_BACK)
        queryset = Replay.objects.filter(pk=replay_id)
        outbox.make_due(queryset, now, state=ReplayState.UNDOING, put_back=spared, ended_at=None)
        outbox.wake_on_commit(SOURCE_NAME)
    return True


SOURCE_NAME = "replays"
AFTER_FAULT = timedelta(seconds=30)
"""Pause after a batch that failed: the error is in the log, and the batch is tried again."""


def has_due(now: datetime) -> bool:
    return outbox.due(Replay.objects.all(), now).exists()


def drain() -> None:
    steps.drain(Replay, SOURCE_NAME, _batch, AFTER_FAULT)


@transaction.atomic
def _batch(replay: Replay, now: datetime) -> bool:
    """Run one batch. Return False if the order has no rows left, or another worker has it."""
    held = outbox.held(replay).select_for_update(no_key=True).first()
    if held is None:
        return False
    undoing = held.state == ReplayState.UNDOING
    following = held.rows.filter(state=ReplayedState.AGAIN if undoing else ReplayedState.WAITING).order_by("row")
    rows = list(following[: KINDS[held.kind].together])
    if not rows:
        outbox.finish(held, state=ReplayState.UNDONE if undoing else ReplayState.DONE, ended_at=now)
        return False
    (put_back if undoing else send_again)(held, rows, now)
    return True


def send_again(replay: Replay, rows: Sequence[ReplayedRow], now: datetime) -> None:
    """Send rows again, in a transaction."""
    before = KINDS[replay.kind].send_again([row.row for row in rows], replay.as_of, now)
    for row in rows:
        row.before = before.get(row.row)
        row.state = ReplayedState.AGAIN if row.row in before else ReplayedState.LEFT
    _count(replay, rows, again=ReplayedState.AGAIN, left=ReplayedState.LEFT)


def put_back(replay: Replay, rows: Sequence[ReplayedRow], now: datetime) -> None:
    """Put rows back, in a transaction. A row that another order has sent again since is left to that order."""
    again = ReplayedRow.objects.filter(row__in=[row.row for row in rows], state=ReplayedState.AGAIN)
    newest = dict(again.order_by().values_list("row").annotate(Max("pk")))
    mine = {row.row: row.before for row in rows if newest[row.row] == row.pk}
    back = KINDS[replay.kind].back(mine, now)
    for row in rows:
        row.state = ReplayedState.PUT_BACK if row.row in back else ReplayedState.TOO_LATE
    _count(replay, rows, put_back=ReplayedState.PUT_BACK, too_late=ReplayedState.TOO_LATE)


def _count(replay: Replay, rows: Sequence[ReplayedRow], **states: ReplayedState) -> None:
    bulk.update(rows, ["state", "before"])
    counts = {name: sum(row.state == state for row in rows) for name, state in states.items()}
    Replay.objects.filter(pk=replay.pk).update(**{name: F(name) + count for name, count in counts.items()})


SOURCES = (outbox.Source(SOURCE_NAME, "cluster", has_due, drain),)
