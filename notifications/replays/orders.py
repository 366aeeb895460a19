"""Orders of operators: begin to send chosen rows again, and undo it.

The rows are chosen by one statement, in the database, however many they are: nothing of them is read here.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import QuerySet

from notifications.models import Replay, ReplayedRow, ReplayedState, ReplayState
from notifications.replays import running
from notifications.replays.kinds import Kind
from wfpush.queue import outbox

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
        running.send_again(replay, [one], now)
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
        outbox.wake_on_commit(running.SOURCE_NAME)
    return True
