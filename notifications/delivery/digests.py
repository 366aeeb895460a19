"""Digests: due messages of one person that go as one, because they were held back, or more are due than can be sent.

Digests are not stored. Rows that are tried together get the same `due_at` (`align`), and so are together again on the
next try, with the same Message-ID; other rows do not join them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

from django.db.models import F, QuerySet, Window
from django.db.models.functions import Coalesce, RowNumber

from notifications.models import Delivery, Priority
from wfpush.concurrency.keyed_limits import FreePlaces
from wfpush.postgres import keys
from wfpush.queue import outbox

MAX_ROWS = 100
"""Messages in one digest."""
DIGEST_THRESHOLD = 3
"""Messages that wait at once and still go one by one, unless one of them was held back."""


class DueRow(NamedTuple):
    """The columns of a due row that a claim needs."""

    pk: UUID
    place: str
    recipient: int
    address: str
    held: str | None
    critical: bool | None
    attempts: int
    due_at: datetime

    @property
    def group_key(self) -> tuple[object, ...]:
        """The key of rows that may go together."""
        if self.critical:
            return (self.pk,)
        return (self.recipient, self.address, self.due_at if self.attempts else None)


NAMES = ("pk", "place", "recipient_id", "address", "held", "critical", "attempts", "due_at")


@dataclass(frozen=True, slots=True)
class Unit:
    """Rows of one message, which takes one place."""

    place: str
    rows: Sequence[UUID]


def units(waiting: QuerySet[Delivery], room: FreePlaces[str]) -> list[Unit]:
    """Return the messages for which there is a place. `waiting`: a channel's due rows with places, oldest first."""
    groups: dict[object, list[DueRow]] = {}
    for row in map(DueRow._make, waiting.values_list(*NAMES)[: outbox.ROWS_CHECKED]):
        groups.setdefault(row.group_key, []).append(row)
    pieces: list[list[DueRow]] = []
    for group in groups.values():
        pieces += [group] if _goes_together(group) else [[row] for row in group]
    chosen = [pieces[at] for at in room.choose((at, piece[0].place) for at, piece in enumerate(pieces))]
    if not any(map(_goes_together, chosen)):
        return [_unit(piece) for piece in chosen]
    made = _split_by_brand(_with_held(chosen, waiting))
    return [made[at] for at in room.choose((at, unit.place) for at, unit in enumerate(made))]


def _goes_together(group: Sequence[DueRow]) -> bool:
    """Return whether rows go as one. Tried rows are in one group if tried together, or after a wait for one service."""
    return len(group) > DIGEST_THRESHOLD or any(row.held for row in group) or (len(group) > 1 and group[0].attempts > 0)


def _unit(rows: Sequence[DueRow]) -> Unit:
    return Unit(rows[0].place, [row.pk for row in rows])


def _with_held(pieces: Sequence[list[DueRow]], waiting: QuerySet[Delivery]) -> list[list[DueRow]]:
    """Return the pieces with further due rows that were held back for these people."""
    groups = {piece[0].group_key: piece for piece in pieces if any(row.held for row in piece) and not piece[0].attempts}
    if not groups:
        return list(pieces)
    people = {group[0].recipient for group in groups.values()}
    number = Window(RowNumber(), partition_by=[F("recipient_id"), F("address")], order_by=F("due_at").asc())
    theirs = waiting.filter(recipient__in=people, held__isnull=False, attempts=0, critical=None)
    listed_ids = {row.pk for piece in pieces for row in piece}
    for row in map(DueRow._make, theirs.annotate(number=number).filter(number__lte=MAX_ROWS).values_list(*NAMES)):
        if row.group_key in groups and row.pk not in listed_ids:
            groups[row.group_key].append(row)
    return list(pieces)


def _split_by_brand(pieces: Sequence[Sequence[DueRow]]) -> list[Unit]:
    """Return the units to send: urgent rows alone and first, the others by brand."""
    ids = [row.pk for piece in pieces for row in piece]
    deliveries = Delivery.objects.filter(keys.among(Delivery, ids)).order_by()
    brand = Coalesce("notification__brand_id", "recipient__brand_id")
    traits = {pk: (priority, of) for pk, priority, of in deliveries.values_list("pk", "notification__priority", brand)}
    alone, digests = [], []
    for piece in pieces:
        brands: dict[object, list[DueRow]] = {}
        for row in piece:
            priority, of = traits.get(row.pk, (None, None))
            if priority == Priority.URGENT:
                alone.append(_unit([row]))
            else:
                brands.setdefault(of, []).append(row)
        digests += [_unit(rows[at : at + MAX_ROWS]) for rows in brands.values() for at in range(0, len(rows), MAX_ROWS)]
    return [*alone, *digests]


def align(rows: Sequence[Delivery]) -> None:
    """Make these rows, which are locked, due at the same instant, so that they stay together."""
    first = min(row.due_at for row in rows if row.due_at is not None)
    if any(row.due_at != first for row in rows):
        outbox.bring_forward(Delivery.objects.filter(keys.among(Delivery, [row.pk for row in rows])), first)


def id_of(rows: Iterable[UUID]) -> UUID:
    """Return a UUID that is the same for the same rows."""
    return uuid5(NAMESPACE_URL, " ".join(sorted(map(str, rows))))
