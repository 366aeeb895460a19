"""An engine is paged through while its tasks change and whoever asks is killed: none is missed, none is told twice.

`make soak` has 100,000 tasks, else there are a few.
"""

import signal
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.soak.installation import ENGINE_IS_HERE, LONG
from tests.soak.proof import proved
from tests.support.processes import Command, House
from tests.support.shelf import Shelf, shelved
from tests.support.waiting import eventually

pytestmark = pytest.mark.processes

TASKS = 100_000 if LONG else 200
KILLS = 5 if LONG else 1
PATIENCE = 7_200.0 if LONG else 150.0
EVERY = 2.0 if LONG else 0.1
"""Seconds between two looks at tables of so many rows."""
PEOPLE = 50
APART = timedelta(milliseconds=700)

SET_UP = """
from notifications.models import Category, Engine, Poll, Recipient
engine = Engine.objects.create(slug="flowable", name="Flowable", kind="flowable", callback_url="{address}")
for number in range({people}):
    Recipient.objects.create(ref=f"person-{{number}}", name=f"Person {{number}}")
Poll.objects.create(engine=engine, every=5)
print(engine)
"""


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    with shelved() as (shelf, address):
        shelf.address = address
        yield shelf


@pytest.fixture
def house(shelf: Shelf) -> Iterator[House]:
    with House() as house:
        house.migrate()
        assert house.run("shell", "-c", SET_UP.format(address=shelf.address, people=PEOPLE)).process.returncode == 0
        yield house


def start(house: House) -> Command:
    worker = house.start("worker", "--grace", "3", **ENGINE_IS_HERE)
    worker.says("dispatcher_runs")
    return worker


def count(house: House, query: str) -> int:
    return int(str(house.rows(query)[0][0]))


def sweeps(house: House) -> int:
    """How many have begun; another is due at once."""
    house.rows("UPDATE notifications_poll SET swept_at = NULL RETURNING 1")
    return count(house, "SELECT (cursor->>'number')::int FROM notifications_poll")


def test_none_is_missed_and_none_told_twice_whoever_is_killed(shelf: Shelf, house: House) -> None:
    for number in range(TASKS):
        shelf.put(f"T-{number}", number * APART, assignee=f"person-{number % PEOPLE}")
    ended: set[str] = set()
    changed: set[str] = set()

    def changes_while_one_pages(number: int) -> None:
        """With every page some end, before and behind it, some are given to somebody else, and new ones come."""
        for place in (number * 37 % TASKS, number * 911 % TASKS):
            if f"T-{place}" not in changed and shelf.tasks.pop(f"T-{place}", None):
                ended.add(f"T-{place}")
        name = f"T-{number * 571 % TASKS}"
        if name in shelf.tasks and not name.endswith("7"):
            shelf.tasks[name]["priority"] = 80
            changed.add(name)
        shelf.put(f"new-{number}", TASKS * APART + number * APART, assignee="person-0")

    shelf.asked = changes_while_one_pages
    polled = "SELECT count(*) FROM notifications_polledtask"
    worker = start(house)
    for kill in range(1, KILLS + 1):
        share = TASKS * kill // (KILLS + 1)
        eventually(
            lambda share=share: count(house, polled) >= share, f"{share} tasks are known", within=PATIENCE, every=EVERY
        )  # type: ignore[misc]
        worker.signal(signal.SIGKILL)
        worker = start(house)
    swept = "SELECT count(*) FROM notifications_poll WHERE swept_at IS NOT NULL"
    eventually(lambda: count(house, swept) == 1, "all were asked for", within=PATIENCE, every=EVERY)
    shelf.asked = lambda number: None
    under_way = "SELECT count(*) FROM notifications_event WHERE due_at IS NOT NULL"
    eventually(lambda: count(house, under_way) == 0, "all that was heard of is processed", within=PATIENCE, every=EVERY)
    house.rows("UPDATE notifications_task SET created_at = created_at - interval '1 hour' RETURNING 1")
    number = sweeps(house)
    eventually(lambda: sweeps(house) > number + 1, "and once more, at rest", within=PATIENCE, every=EVERY)

    open_there = set(shelf.tasks)
    known = "SELECT task_id FROM notifications_task"
    eventually(
        lambda: open_there <= {str(row[0]) for row in house.rows(known)},
        "every open task is here",
        within=PATIENCE,
        every=EVERY,
    )
    twice = house.rows(
        "SELECT subject, count(*) FROM notifications_event WHERE type = 'task.assigned'"
        " GROUP BY subject HAVING count(*) > 1"
    )
    assert {str(subject) for subject, _ in twice} <= changed, "told again is only what has changed"
    still_open = "SELECT task_id FROM notifications_task WHERE state = 'open'"
    eventually(
        lambda: not ({str(row[0]) for row in house.rows(still_open)} & ended),
        "what has ended there has ended here",
        within=PATIENCE,
        every=EVERY,
    )
    came = sum(name.startswith("new") for name in open_there)
    proved(
        f"{TASKS} tasks of an engine paged while {len(ended)} ended, {len(changed)} changed and {came} came, and the"
        f" worker was killed {KILLS} times: none missed, none told twice, each end heard of;"
        f" {len(shelf.lists)} lists were asked for"
    )
