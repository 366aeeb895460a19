"""How much larger indexes are than they would be if they were built anew."""

import psycopg

from bench.harness import Figure

_INDEXES = "SELECT sum(pg_indexes_size(oid))::float8 / 1e6 FROM pg_class WHERE relkind = 'r' AND relname LIKE '%\\_%'"
MOST = 2.0


def measure(database_url: str, when: str) -> Figure:
    """Rebuilds all indexes, at which nothing else may be going on."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("VACUUM")
        now = _megabytes(connection)
        connection.execute("REINDEX DATABASE")
        rebuilt = _megabytes(connection)
    what = f"Indexes after {when}"
    return Figure(what, now, "built anew", rebuilt, "MB", f"at most {MOST:g} times the peer", now <= MOST * rebuilt)


def _megabytes(connection: "psycopg.Connection[tuple[float]]") -> float:
    row = connection.execute(_INDEXES.encode()).fetchone()
    return row[0] if row else 0.0
