"""Leader election: of all processes that could do something, one does. It holds a row for a few seconds and renews it.

Session locks would not do: behind a pooler that changes connections between transactions (PgBouncer's pool_mode =
transaction) such a lock outlives its holder, and every process that is given the connection has it. The row is taken in
one statement, by the database's clock, however the clocks of machines differ.

A leader that is held up for longer than its turn does not know that another process leads. So what a leader does must
be harmless when two do it, or check again in its own transaction (`alone`).
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import uuid4

from django.db import connection, transaction
from django.db.utils import Error as DatabaseError

from wfpush.models import Lead

TURN_SECONDS = 4
"""Seconds of a turn: how long nobody leads at most after a leader was killed. A leader renews about once a second."""
LONGEST_SECONDS = 60
"""A turn that ends later than this was taken before the server's clock was set back, and is ignored."""

_TAKE = f"""
INSERT INTO wfpush_lead AS lead (name, leader, until)
VALUES (%s, %s, clock_timestamp() + interval '{TURN_SECONDS} seconds')
ON CONFLICT (name) DO UPDATE SET leader = excluded.leader, until = excluded.until
WHERE lead.leader = excluded.leader OR lead.until NOT BETWEEN
      clock_timestamp() AND clock_timestamp() + interval '{LONGEST_SECONDS} seconds'
RETURNING true
"""


class Leadership:
    """One process's candidacy. Used by one thread."""

    def __init__(self, name: str) -> None:
        self.held = False
        self._name = name
        self._me = str(uuid4())

    def acquire(self) -> bool:
        """True while this process leads. Raises DatabaseError when the database is away; then it is unknown who
        leads."""
        self.held = False
        with connection.cursor() as cursor:
            cursor.execute(_TAKE, [self._name, self._me])
            self.held = cursor.fetchone() is not None
        return self.held

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """A transaction. Gives True if no other process can lead until it ends. Raises DatabaseError."""
        with transaction.atomic():
            rows = Lead.objects.select_for_update().filter(name=self._name, leader=self._me)
            yield bool(rows)

    def release(self) -> None:
        """Let another process lead at once; without the database, when the turn is over."""
        self.held = False
        with suppress(DatabaseError):
            Lead.objects.filter(name=self._name, leader=self._me).delete()
