"""Timestamps come out of the database as they went in."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.db import DataError, connection

from wfpush.postgres.moments import UtcLoader

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
MOMENTS = [
    NOON,
    NOON + timedelta(microseconds=1),
    NOON + timedelta(milliseconds=300),
    datetime(2026, 11, 25, 12, 0, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
]


def read(text: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {text}")
        return cursor.fetchone()[0]


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_a_moment_is_the_same_in_utc(moment: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz, NULL::timestamptz", [moment])
        found, nothing = cursor.fetchone()

    assert found == moment
    assert found.tzinfo is UTC
    assert nothing is None


@pytest.mark.parametrize(
    "text", ["'infinity'::timestamptz", "'0044-03-15 BC'::timestamptz", "'10000-01-01'::timestamptz"]
)
def test_what_python_has_no_moment_for_is_refused_in_words(text: str) -> None:
    with pytest.raises(DataError, match=r"timestamp too (large|small)"):
        read(text)


def test_connections_read_with_it() -> None:
    read("1")
    adapters = connection.connection.adapters

    assert adapters.get_loader(adapters.types["timestamptz"].oid, UtcLoader.format) is UtcLoader
