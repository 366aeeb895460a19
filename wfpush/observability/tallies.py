"""Counts of rows that are updated with every change, so that nobody counts millions of rows.

Triggers of the tables insert rows into `Tally` in the transaction of each changing statement: how many rows more or
fewer in each state. Transactions do not wait for each other, as they would with one counter row a state. Once a minute
a schedule adds the rows up. The sum is right at every moment.
"""

from django.db import connection
from django.db.models import Sum

from wfpush.models import Tally

ADD_UP = """
WITH taken AS (
    DELETE FROM wfpush_tally WHERE id IN (SELECT id FROM wfpush_tally FOR UPDATE SKIP LOCKED)
    RETURNING name, kind, state, count, amount
)
INSERT INTO wfpush_tally (name, kind, state, count, amount)
SELECT name, kind, state, sum(count), sum(amount) FROM taken GROUP BY name, kind, state HAVING sum(count) <> 0
"""


def add_up() -> None:
    """Replace all rows about the same kind and state by one. Two calls at once take different rows."""
    with connection.cursor() as cursor:
        cursor.execute(ADD_UP)


def counts(name: str) -> dict[tuple[str, str], int]:
    """Return (kind, state) → number of rows, without zeros."""
    rows = Tally.objects.filter(name=name).order_by().values_list("kind", "state").annotate(Sum("count"))
    return {(kind, state): count for kind, state, count in rows if count}
