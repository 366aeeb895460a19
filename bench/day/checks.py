"""What must be true of the database at the end of the day, each as a query that counts what is wrong."""

import time
from collections.abc import Mapping
from typing import Any

from bench.harness import BenchError, House

PATIENCE_SECONDS = 180.0
"""Without any progress."""

TOLD_STATES = "('delivered', 'handled', 'returned')"
"""An answer is returned to its giver where its task has changed before the engine was told."""
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


def unfinished(house: House) -> dict[str, int]:
    """Work that is left, without what is empty."""
    return {name: count for name, count in _counts(house, UNFINISHED).items() if count}


def faults(house: House) -> list[str]:
    """In sentences, of one moment."""
    return [f"{count:,} {name}" for name, count in _counts(house, WRONG).items() if count]


def _counts(house: House, queries: Mapping[str, str]) -> dict[str, int]:
    """In one statement, so that all of them see the same moment."""
    counts = house.rows("SELECT " + ", ".join(f"({query})" for query in queries.values()))[0]
    return dict(zip(queries, counts, strict=True))


def items_of(house: House, ref: str) -> dict[str, int]:
    """Id to seq of a person's items."""
    query = """SELECT n.id::text, n.seq FROM notifications_notification n JOIN notifications_recipient r
               ON r.id = n.recipient_id WHERE r.ref = %s AND r.engine_id IS NULL"""
    return dict(house.rows(query, ref))


class Patience:
    """Raises BenchError when nothing has been done for PATIENCE_SECONDS."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._last: Any = None
        self._since = time.monotonic()

    def check(self, left: Mapping[str, int]) -> None:
        done = self._house.rows(PROGRESS)
        if done != self._last:
            self._last, self._since = done, time.monotonic()
        elif time.monotonic() - self._since > PATIENCE_SECONDS:
            raise BenchError(f"Nothing was done for {PATIENCE_SECONDS:g} s; left: {dict(left)}.")
