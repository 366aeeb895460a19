"""Timestamps as PostgreSQL writes them, read in a third of the time: every row has several."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import cast

from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap
from psycopg.types.datetime import TimestamptzLoader


class UtcLoader(TimestamptzLoader):
    """For connections in UTC, as Django's are. psycopg's own code reads with a regular expression, in Python."""

    timezone = UTC
    """Django asks whether it is that of the connection."""

    def load(self, data: Buffer) -> datetime:
        try:
            return datetime.fromisoformat(bytes(data).decode())
        except ValueError:  # before Christ, after 9999, infinity
            return super().load(data)


@lru_cache
def with_moments(adapters: AdaptersMap) -> AdaptersMap:
    """What Django gives to connections, with this loader where it reads UTC."""
    made = AdaptersMap(adapters)
    usual = cast(type[UtcLoader], made.get_loader(made.types["timestamptz"].oid, TimestamptzLoader.format))
    if usual.timezone == UTC:
        made.register_loader("timestamptz", UtcLoader)
    return made
