"""Orders of operators: begin to send chosen rows again, and undo it.

The rows are chosen by one statement, in the database, however many they are: nothing of them is read here.
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

from notifications.models import Replay, ReplayedRow, ReplayedState, ReplayState
from notifications.replays.kinds import KINDS, Kind
from wfpush.postgres import bulk
from wfpush.queue import outbox, steps

MOST = 100_000
"""Rows of one order."""
GRACE = timedelta(seconds=15)
"""Time before the first batch, in which all of an order can be undone."""

_CHOOSE = """
INSERT INTO notifications_replayedrow (replay_id, "row", state)
SELECT %s, id, %s FROM ({chosen}) AS chosen (id) ORDER BY id
ON CONFLICT ("row") WHERE state = 'waiting' DO NOTHING
"""


class MoreThanShown(Exception):
    """Meanwhile more rows can be chosen than the operator has seen: they are asked again."""


class NothingLeft(Exception):
    """Meanwhile others have sent all of it again, or nobody waits for it any more."""


@dataclass(frozen=True)
class Question:
    """What an operator has seen and said yes to: at `as_of` there were `seen` rows. The same key is the same question.

    `selection` is how they were chosen, in words.
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
            if replay.chosen > min(question.seen, MOST):
                raise MoreThanShown
            if not replay.chosen:
                raise NothingLeft
            replay.save(update_fields=["chosen"])
    return replay, is_new


def order_one(kind: Kind, row: Any, *, by: AbstractBaseUser, now: datetime) -> Replay:
    """Send one row again, now. Nothing waits: whether it could be is known when this returns (`Replay.again`)."""
    with transaction.atomic():
        replay = Replay(kind=kind.name, by_id=by.pk, selection=str(row)[:1000], as_of=now, ordered_at=now, chosen=1)
        replay.state, replay.ended_at = ReplayState.DONE, now
        replay.save(force_insert=True)
        one = ReplayedRow.objects.create(replay=replay, row=row.pk, state=ReplayedState.AGAIN)
        send_again(replay, [one], now)
        replay.refresh_from_db(fields=["again"])
    return replay


def _choose(replay: Replay, rows: QuerySet[Any]) -> int:
    """At most one more than MOST: then it is refused."""
    try:
        chosen, values = rows.order_by().values("pk")[: MOST + 1].query.sql_with_params()
    except EmptyResultSet:  # the search finds nothing
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_CHOOSE.format(chosen=chosen), [replay.pk, ReplayedState.WAITING, *values])
        return int(cursor.rowcount)


UNDOABLE: Final = (ReplayState.RUNNING, ReplayState.DONE)


def undo(replay_id: UUID, now: datetime) -> bool:
    """Send nothing more of an order, and put back what nobody has taken yet. False when it is undone already."""
    with transaction.atomic():
        replay = Replay.objects.select_for_update(no_key=True).get(pk=replay_id)
        if replay.state not in UNDOABLE:
            return False
        spared = replay.rows.filter(state=ReplayedState.WAITING).update(state=ReplayedState.PUT_BACK)
        mine = Replay.objects.filter(pk=replay_id)
        outbox.make_due(mine, now, state=ReplayState.UNDOING, put_back=spared, ended_at=None)
        outbox.wake_on_commit(SOURCE_NAME)
    return True


SOURCE_NAME = "replays"
AFTER_FAULT = timedelta(seconds=30)
"""The pause after a batch that failed: the fault is in the log, and the batch is tried again."""


def has_due(now: datetime) -> bool:
    return outbox.due(Replay.objects.all(), now).exists()


def drain() -> None:
    steps.drain(Replay, SOURCE_NAME, _batch, AFTER_FAULT)


@transaction.atomic
def _batch(replay: Replay, now: datetime) -> bool:
    """False when nothing is left of the order, or somebody else has it."""
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
    """In a transaction."""
    before = KINDS[replay.kind].send_again([row.row for row in rows], replay.as_of, now)
    for row in rows:
        row.before = before.get(row.row)
        row.state = ReplayedState.AGAIN if row.row in before else ReplayedState.LEFT
    _count(replay, rows, again=ReplayedState.AGAIN, left=ReplayedState.LEFT)


def put_back(replay: Replay, rows: Sequence[ReplayedRow], now: datetime) -> None:
    """In a transaction. A row that has been sent again since, by another order, is left to that one."""
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
