"""How PostgreSQL finds what a page shows: the plan of the page's slowest statement."""

import re
from collections.abc import Callable

from django.db import connection
from django.test.utils import CaptureQueriesContext

EXPLAIN = "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF)"
MOST_SHOWN = 150
"""Characters of a line: a condition over all that is searched has thousands."""
MOST_LINES = 40
TABLES = re.compile(r"\b(?:FROM|JOIN) \"?(\w+)")


def plan_of(get: Callable[[], object]) -> str:
    with CaptureQueriesContext(connection) as asked:
        get()
    slowest = max(
        (query for query in asked.captured_queries if query["sql"].lstrip().startswith("SELECT")),
        key=lambda query: float(query["time"]),
    )
    with connection.cursor() as cursor:
        cursor.execute(f"{EXPLAIN} {slowest['sql']}")
        plan = [lines.split("\n")[0][:MOST_SHOWN] for (lines,) in cursor.fetchall()]  # the rest is of a condition
    tables = ", ".join(dict.fromkeys(TABLES.findall(slowest["sql"])))
    head = f"{len(asked.captured_queries)} statements; the slowest, {slowest['time']} s, reads {tables}"
    return "\n  ".join([head, *(line for line in plan[:MOST_LINES] if line.strip())])
