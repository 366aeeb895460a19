"""A disk on which PostgreSQL has no room for more rows of a table."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

_NO_ROOM = """
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$
"""


@contextmanager
def full_disk(table: str) -> Iterator[None]:
    """Statements that insert or update rows of the table fail as they do there."""
    with connection.cursor() as cursor:
        cursor.execute(_NO_ROOM)
        cursor.execute(
            f"CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION no_room()"
        )
        try:
            yield
        finally:
            cursor.execute(f"DROP TRIGGER no_room ON {table}")
            cursor.execute("DROP FUNCTION no_room()")
