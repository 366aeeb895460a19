"""The limit of the tables: the rows that events have left, written again by psycopg alone, with nothing computed.

In as many transactions as ours, each table by one statement, which is given its rows as JSON.
"""

import time
from collections.abc import Sequence

import psycopg

BATCH = 100
TABLES = {
    "notifications_case": "id IN (SELECT case_id FROM notifications_event WHERE id = ANY(%s))",
    "notifications_task": "id IN (SELECT task_id FROM notifications_event WHERE id = ANY(%s))",
    "notifications_taskcontent": "task_id IN (SELECT task_id FROM notifications_event WHERE id = ANY(%s))",
    "notifications_notification": "event_id = ANY(%s)",
    "notifications_delivery": "event_id = ANY(%s)",
}
"""In the order of their foreign keys, with the rows of a batch."""

_SEQS = """
UPDATE notifications_recipient r SET inbox_seq = said.seq FROM (SELECT recipient_id, max(seq) AS seq FROM
json_populate_recordset(NULL::notifications_notification, %s::json) GROUP BY 1) AS said WHERE r.id = said.recipient_id
"""
_EVENTS = """
UPDATE notifications_event e SET status = said.status, plan = said.plan, told = said.told, due_at = NULL,
    processed_at = said.processed_at, task_id = said.task_id, case_id = said.case_id
FROM json_populate_recordset(NULL::notifications_event, %s::json) AS said WHERE e.id = said.id
"""


def written_again(database_url: str, source: str) -> float:
    """Events a second whose rows are written, for those of a source."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        found = connection.execute("SELECT id FROM notifications_event WHERE source = %s ORDER BY id", [source])
        ids = [pk for (pk,) in found]
        batches = [ids[start : start + BATCH] for start in range(0, len(ids), BATCH)]
        rows = [_rows(connection, batch) for batch in batches]
        _take_away(connection, ids)
        began = time.perf_counter()
        for batch in rows:
            with connection.transaction():
                _write(connection, batch)
        return len(ids) / (time.perf_counter() - began)


def _rows(connection: psycopg.Connection, batch: Sequence[object]) -> dict[str, str]:
    """The rows of a batch as JSON, by table."""
    rows = {}
    for table, where in {**TABLES, "notifications_event": "id = ANY(%s)"}.items():
        query = f"SELECT coalesce(json_agg(t)::text, '[]') FROM {table} t WHERE {where}"
        rows[table] = str(connection.execute(query.encode(), [list(batch)]).fetchall()[0][0])
    return rows


def _take_away(connection: psycopg.Connection, ids: Sequence[object]) -> None:
    keys = {table: connection.execute(f"SELECT id FROM {table} WHERE {where}".encode(), [list(ids)]).fetchall()
            for table, where in TABLES.items()}  # fmt: skip
    unprocessed = "task_id = NULL, case_id = NULL, due_at = now(), processed_at = NULL"
    connection.execute(f"UPDATE notifications_event SET {unprocessed} WHERE id = ANY(%s)".encode(), [list(ids)])
    for table in reversed(TABLES):
        if table == "notifications_task":
            for many in ("candidates", "teams"):
                connection.execute(f"TRUNCATE notifications_task_{many}".encode())
        connection.execute(f"DELETE FROM {table} WHERE id = ANY(%s)".encode(), [[pk for (pk,) in keys[table]]])


def _write(connection: psycopg.Connection, rows: dict[str, str]) -> None:
    for table in TABLES:
        connection.execute(
            f"INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, %s::json)".encode(),
            [rows[table]],
        )
    connection.execute(_SEQS, [rows["notifications_notification"]])
    connection.execute(_EVENTS, [rows["notifications_event"]])
