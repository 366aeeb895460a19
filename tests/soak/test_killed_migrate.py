"""`manage.py migrate` is killed at thirty moments while it upgrades a large database of the last release; the next one
goes on where it was."""

import random
import signal
import time
from collections.abc import Iterator

import pytest

from tests.support.interruptions import SCHEMA
from tests.support.processes import House
from tests.support.releases import FOLDER, SETTINGS, restore
from tests.support.waiting import eventually

pytestmark = [pytest.mark.processes, pytest.mark.long, pytest.mark.timeout(3600)]

RELEASE = "0.3.0"
EVENTS, TASKS, ITEMS = 200_000, 50_000, 100_000
KILLS = 30
MOST_BEGUN, LONGEST_SECONDS = 2, 1.0
"""A kill comes that long at most after so many migrations at most have begun: thirty are spread over all of them."""

GROW = f"""
INSERT INTO notifications_task SELECT (jsonb_populate_record(task, jsonb_build_object(
    'id', gen_random_uuid(), 'task_id', 'copy-' || number, 'assigned_event_id', NULL))).*
FROM notifications_task task, generate_series(1, {TASKS}) number WHERE task_id = 'T-open';
INSERT INTO notifications_event SELECT (jsonb_populate_record(event, jsonb_build_object(
    'id', gen_random_uuid(), 'event_id', 'copy-' || number, 'task_id', NULL))).*
FROM notifications_event event, generate_series(1, {EVENTS}) number WHERE event_id = 'task.assigned/T-open';
INSERT INTO notifications_notification SELECT (jsonb_populate_record(item, jsonb_build_object(
    'id', gen_random_uuid(), 'seq', 1000000 + number, 'task_id', copy.id, 'event_id', NULL))).*
FROM notifications_notification item,
     (SELECT id, row_number() OVER () AS number FROM notifications_task WHERE task_id LIKE 'copy-%') copy
WHERE item.task_id = (SELECT id FROM notifications_task WHERE task_id = 'T-open');
INSERT INTO notifications_notification SELECT (jsonb_populate_record(item, jsonb_build_object(
    'id', gen_random_uuid(), 'seq', 2000000 + number, 'task_id', NULL, 'event_id', NULL, 'state', 'info'))).*
FROM notifications_notification item, generate_series(1, {ITEMS - TASKS}) number
WHERE item.task_id = (SELECT id FROM notifications_task WHERE task_id = 'T-open');
ANALYZE
"""

PRIMARY_KEYS = """
SELECT relname, attname FROM pg_index
JOIN pg_class ON pg_class.oid = indrelid JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
WHERE indisprimary AND relnamespace = 'public'::regnamespace
"""
"""Each table with the column of its key; of historical relations, too."""

WITHOUT_REVISION = """
SELECT count(*) FROM notifications_notification
WHERE state = 'open' AND is_copy AND task_id IS NOT NULL AND revision = ''
"""
"""Items that the last of the non-atomic migrations has left out."""


@pytest.fixture
def house() -> Iterator[House]:
    with House() as house:
        house.environment |= SETTINGS
        restore(house, FOLDER / f"{RELEASE}.sql.gz")
        house.change(GROW)
        with house.servers():
            yield house


@pytest.fixture
def fresh_schema() -> Iterator[set[tuple[object, ...]]]:
    with House() as house:
        house.migrate()
        with house.servers():
            yield set(house.rows(SCHEMA))


def keys(house: House) -> set[tuple[str, str]]:
    """Each row as its table and its key."""
    return {
        (str(table), str(key))
        for table, column in house.rows(PRIMARY_KEYS)
        for (key,) in house.rows(f"SELECT {column} FROM {table}")
    }


def kill_midway(house: House, moments: random.Random) -> bool:
    """Run `migrate` and kill it. Return whether it was at work."""
    begun = moments.randint(1, MOST_BEGUN)
    migrate = house.start("migrate")
    eventually(lambda: migrate.said.count("  Applying ") >= begun or migrate.process.poll() is not None, "it works")
    time.sleep(moments.uniform(0, LONGEST_SECONDS))  # the moment of a kill is no wait for something
    was_at_work = migrate.process.poll() is None
    migrate.signal(signal.SIGKILL)
    migrate.ends()
    return was_at_work


def test_no_row_and_no_index_is_lost(house: House, fresh_schema: set[tuple[object, ...]]) -> None:
    moments = random.Random(4)
    before = keys(house)
    assert len([table for table, _ in before if table == "notifications_event"]) > EVENTS

    killed = [kill_midway(house, moments) for _ in range(KILLS)]
    last = house.run("migrate")

    assert any(killed)
    assert last.process.returncode == 0, last.said
    assert set(house.rows(SCHEMA)) ^ fresh_schema == set()
    assert before - keys(house) == set()
    assert house.rows(WITHOUT_REVISION) == [(0,)]
