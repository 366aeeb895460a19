"""Does what operators have ordered, batch by batch: each batch is one transaction with the rows that it sends again.

So whatever ends a worker, no row is sent again twice for one order, and none is left out.
"""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from notifications.models import Replay, ReplayedRow, ReplayedState, ReplayState
from notifications.replays.kinds import KINDS
from wfpush.postgres import bulk
from wfpush.queue import outbox

SOURCE_NAME = "replays"
LEASE = timedelta(seconds=50)
AFTER_FAULT = timedelta(seconds=30)
"""The pause after a batch that failed: the fault is in the log, and the batch is tried again."""


def has_due(now: datetime) -> bool:
    return outbox.due(Replay.objects.all(), now).exists()


def drain() -> None:
    """Work on what is due, for one turn; if something is left, the source is woken again."""
    end = time.monotonic() + outbox.TURN_SECONDS
    while time.monotonic() < end:
        now = timezone.now()
        claimed = outbox.claim(Replay.objects.all(), limit=1, lease=LEASE, now=now)
        if not claimed:
            return
        outbox.delay(claimed[0], now + AFTER_FAULT)
        _turn(claimed[0], end)
    outbox.source_named(SOURCE_NAME).wake()


def _turn(replay: Replay, end: float) -> None:
    """Batches of one order until it has ended, or the turn is over."""
    while time.monotonic() < end:
        if not _batch(replay, timezone.now()):
            return
    outbox.postpone(replay, timezone.now())


@transaction.atomic
def _batch(replay: Replay, now: datetime) -> bool:
    """False when nothing is left of the order, or somebody else has it."""
    held = outbox.held(replay).select_for_update(no_key=True).first()
    if held is None:
        return False
    undoing = held.state == ReplayState.UNDOING
    rows = _next(held, ReplayedState.AGAIN if undoing else ReplayedState.WAITING)
    if not rows:
        outbox.finish(held, state=ReplayState.UNDONE if undoing else ReplayState.DONE, ended_at=now)
        return False
    (put_back if undoing else send_again)(held, rows, now)
    return True


def _next(replay: Replay, state: ReplayedState) -> list[ReplayedRow]:
    rows = replay.rows.filter(state=state).order_by("row")
    return list(rows[: KINDS[replay.kind].together])


def send_again(replay: Replay, rows: Sequence[ReplayedRow], now: datetime) -> None:
    """In a transaction."""
    before = KINDS[replay.kind].send_again([row.row for row in rows], replay.as_of, now)
    for row in rows:
        row.before = before.get(row.row)
        row.state = ReplayedState.AGAIN if row.row in before else ReplayedState.LEFT
    _count(replay, rows, again=ReplayedState.AGAIN, left=ReplayedState.LEFT)


def put_back(replay: Replay, rows: Sequence[ReplayedRow], now: datetime) -> None:
    """In a transaction. A row that has been sent again since, by another order, is left to that one."""
    newest = _sent_last(rows)
    mine = {row.row: row.before for row in rows if newest[row.row] == row.pk}
    back = KINDS[replay.kind].back(mine, now)
    for row in rows:
        row.state = ReplayedState.PUT_BACK if row.row in back else ReplayedState.TOO_LATE
    _count(replay, rows, put_back=ReplayedState.PUT_BACK, too_late=ReplayedState.TOO_LATE)


def _sent_last(rows: Sequence[ReplayedRow]) -> dict[UUID, int]:
    """The keys of what sent each of them again last."""
    again = ReplayedRow.objects.filter(row__in=[row.row for row in rows], state=ReplayedState.AGAIN)
    return dict(again.order_by().values_list("row").annotate(Max("pk")))


def _count(replay: Replay, rows: Sequence[ReplayedRow], **states: ReplayedState) -> None:
    bulk.update(rows, ["state", "before"])
    counts = {name: sum(row.state == state for row in rows) for name, state in states.items()}
    Replay.objects.filter(pk=replay.pk).update(**{name: F(name) + count for name, count in counts.items()})


SOURCES = (outbox.Source(SOURCE_NAME, "cluster", has_due, drain),)
