"""What must be true of the database at the end of the day, each as a query that counts what is wrong."""

import time
from collections.abc import Mapping
from typing import Any

import psycopg

from bench.harness import BenchError

PATIENCE_SECONDS = 180.0
"""Without any progress."""
LOOK_SECONDS = 0.5

TOLD_STATES = "('delivered', 'handled')"
OPEN = "('open', 'acknowledged', 'info_requested')"
OF_THE_DAY = "source LIKE '/day/%'"

SOON = "interval '1 hour'"
"""The other clocks of the day are due in eight hours."""
UNFINISHED = {
    "events": "SELECT count(*) FROM notifications_event WHERE due_at IS NOT NULL",
    "deliveries": "SELECT count(*) FROM notifications_delivery WHERE due_at <= now()",
    "callbacks": "SELECT count(*) FROM notifications_callback WHERE due_at IS NOT NULL",
    "clocks": f"SELECT count(*) FROM escalations_escalation WHERE due_at < now() + {SOON}",
}
PROGRESS = """
SELECT (SELECT count(*) FROM notifications_event WHERE processed_at IS NOT NULL),
       (SELECT count(*) FROM notifications_delivery WHERE ended_at IS NOT NULL),
       (SELECT count(*) FROM notifications_callback WHERE ended_at IS NOT NULL),
       (SELECT count(*) FROM escalations_steprun)
"""

_COPY = "SELECT FROM notifications_notification n WHERE n.task_id = t.id AND n.state = 'open' AND n.recipient_id ="
WRONG = {
    "events are not processed": f"SELECT count(*) FROM notifications_event WHERE processed_at IS NULL AND {OF_THE_DAY}",
    "events failed": "SELECT count(*) FROM notifications_event WHERE status = 'failed'",
    "events matched no route": "SELECT count(*) FROM notifications_event WHERE status = 'unrouted'",
    "open tasks are not in their assignee's inbox": f"""
        SELECT count(*) FROM notifications_task t WHERE t.state IN {OPEN} AND t.assignee_id IS NOT NULL
        AND NOT EXISTS ({_COPY} t.assignee_id)""",
    "open tasks are not in a candidate's inbox": f"""
        SELECT count(*) FROM notifications_task t JOIN notifications_task_candidates c ON c.task_id = t.id
        WHERE t.state IN {OPEN} AND t.assignee_id IS NULL AND NOT EXISTS ({_COPY} c.recipient_id)""",
    "open tasks are not in the inbox of a member of their team": f"""
        SELECT count(*) FROM notifications_task t JOIN notifications_task_teams tt ON tt.task_id = t.id
        JOIN notifications_team_members m ON m.team_id = tt.team_id
        WHERE t.state IN {OPEN} AND t.assignee_id IS NULL AND NOT EXISTS ({_COPY} m.recipient_id)""",
    "ended tasks are open in an inbox": f"""
        SELECT count(*) FROM notifications_notification n JOIN notifications_task t ON t.id = n.task_id
        WHERE n.state = 'open' AND n.is_copy AND t.state NOT IN {OPEN}""",
    "inboxes end at another seq than their last item": """
        SELECT count(*) FROM notifications_recipient r JOIN (
            SELECT recipient_id, max(seq) AS last FROM notifications_notification GROUP BY 1
        ) AS items ON items.recipient_id = r.id WHERE r.inbox_seq <> items.last""",
    "events made other rows of the ledger than they say": """
        SELECT count(*) FROM notifications_event e LEFT JOIN (
            SELECT event_id, count(*) AS rows FROM notifications_delivery GROUP BY 1
        ) AS made ON made.event_id = e.id WHERE e.told <> coalesce(made.rows, 0)""",
    "messages were given up": "SELECT count(*) FROM notifications_delivery WHERE state = 'dead'",
    "messages of one event to one device": """
        SELECT count(*) FROM (SELECT FROM notifications_delivery WHERE device_id IS NOT NULL
        GROUP BY event_id, device_id HAVING count(*) > 1) AS twice""",
    "attempts to send have no result": "SELECT count(*) FROM notifications_deliveryattempt WHERE ended_at IS NULL",
    "news came twice": """
        SELECT count(*) FROM (SELECT FROM notifications_notification WHERE task_id IS NULL
        GROUP BY event_id, recipient_id HAVING count(*) > 1) AS twice""",
    "callbacks are not delivered": f"SELECT count(*) FROM notifications_callback WHERE state NOT IN {TOLD_STATES}",
}
TOLD = {
    "events by status": f"""
        SELECT status, count(*) FROM notifications_event WHERE {OF_THE_DAY} GROUP BY 1 ORDER BY 2 DESC""",
    "tasks by state": "SELECT state, count(*) FROM notifications_task GROUP BY 1 ORDER BY 2 DESC",
    "messages by channel and state": """
        SELECT channel || ' ' || state, count(*) FROM notifications_delivery GROUP BY 1 ORDER BY 2 DESC""",
    "steps by result": "SELECT result, count(*) FROM escalations_steprun GROUP BY 1 ORDER BY 2 DESC",
    "callbacks by state": "SELECT state, count(*) FROM notifications_callback GROUP BY 1 ORDER BY 2 DESC",
}


class Ledger:
    """A connection to the product's database."""

    def __init__(self, database_url: str) -> None:
        self._connection = psycopg.connect(database_url, autocommit=True)

    def close(self) -> None:
        self._connection.close()

    def one(self, query: str) -> Any:
        row = self._connection.execute(query.encode()).fetchone()
        assert row is not None
        return row[0]

    def unfinished(self) -> dict[str, int]:
        """Work that is left, without what is empty."""
        counts = {name: self.one(query) for name, query in UNFINISHED.items()}
        return {name: count for name, count in counts.items() if count}

    def progress(self) -> Any:
        return self._connection.execute(PROGRESS.encode()).fetchone()

    def told(self) -> dict[str, dict[str, int]]:
        return {name: dict(self._connection.execute(query.encode()).fetchall()) for name, query in TOLD.items()}

    def wrong(self) -> list[str]:
        """In sentences, of one moment."""
        with self._connection.transaction():
            self._connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            counts = {name: self.one(query) for name, query in WRONG.items()}
        return [f"{count:,} {name}" for name, count in counts.items() if count]

    def waits(self, share: float) -> float:
        """Seconds from an event's arrival to its copies, for this share of all."""
        took = "extract(epoch FROM processed_at - received_at)"
        middle = f"percentile_cont({share:f}) WITHIN GROUP (ORDER BY {took})"
        return float(self.one(f"SELECT {middle} FROM notifications_event WHERE {OF_THE_DAY}"))

    def accepted(self) -> int:
        return int(self.one(f"SELECT count(*) FROM notifications_event WHERE {OF_THE_DAY}"))

    def items_of(self, ref: str) -> dict[str, int]:
        """Id to seq of a person's items."""
        query = """SELECT n.id::text, n.seq FROM notifications_notification n JOIN notifications_recipient r
                   ON r.id = n.recipient_id WHERE r.ref = %s AND r.engine_id IS NULL"""
        return dict(self._connection.execute(query, [ref]).fetchall())


class Patience:
    """Raises BenchError when nothing has been done for PATIENCE_SECONDS."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._last: Any = None
        self._since = time.monotonic()

    def check(self, left: Mapping[str, int]) -> None:
        done = self._ledger.progress()
        if done != self._last:
            self._last, self._since = done, time.monotonic()
        elif time.monotonic() - self._since > PATIENCE_SECONDS:
            raise BenchError(f"Nothing was done for {PATIENCE_SECONDS:g} s; left: {dict(left)}.")
