"""Two workers with database roles of their own, as on two machines, process a burst together.

Several events of each task arrive out of order. `make soak` sends 2,000 of them and processes 1, 7 and 100 in a
transaction; `make test` a few hundred.
"""

import random
import re
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

import psycopg
import pytest

from tests.soak.installation import BATCHES, LONG, Installation, event, installed
from tests.soak.proof import proved
from tests.soak.servers import Servers
from tests.support.processes import Command, House
from tests.support.waiting import eventually

pytestmark = pytest.mark.processes

TASKS = 400 if LONG else 60
EACH = 5
"""Events of a task."""
PEOPLE = 50 if LONG else 10
PATIENCE = 600.0 if LONG else 150.0
ROLES = ("machine_a", "machine_b")
NINE = datetime.fromisoformat("2026-11-02T09:00:00+00:00")

WHO_DID_IT = """
CREATE TABLE done_by (number bigserial, role name, event uuid);
GRANT ALL ON done_by, done_by_number_seq TO PUBLIC;
CREATE FUNCTION who_did_it() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO done_by (role, event) VALUES (current_user, NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER who_did_it AFTER UPDATE ON notifications_event FOR EACH ROW
WHEN (OLD.due_at IS NOT NULL AND NEW.due_at IS NULL) EXECUTE FUNCTION who_did_it();
"""
"""Writes down which role has ended which event."""


class TwoClusters(Installation):
    """Each worker signs in to PostgreSQL as somebody else, with the same rights."""

    def start_worker(self) -> None:
        url = self.house.environment["DATABASE_URL"]
        with psycopg.connect(url) as connection:
            for role in ROLES:
                connection.execute(f"CREATE ROLE {role} LOGIN IN ROLE {connection.info.user}".encode())
            connection.execute(WHO_DID_IT.encode())
            owner = connection.info.user
        self.workers: list[Command] = []
        for role in ROLES:
            theirs = url.replace(f"//{owner}@", f"//{role}@")
            self.workers.append(self.start_one_worker(DATABASE_URL=theirs))
        eventually(lambda: self.house.rows("SELECT count(*) FROM wfpush_heartbeat") == [(2,)], "both run tasks")


def life(number: int, chance: random.Random) -> list[dict[str, Any]]:
    """The events of a task, as they arrive: begun, given to somebody else, named anew twice, and sometimes ended."""
    case = {"id": f"C-{number % (TASKS // 4)}", "title": "A case of four tasks"}
    people = [f"person-{chance.randrange(PEOPLE)}" for _ in range(2)]
    said: list[tuple[str, dict[str, Any]]] = [
        ("task.assigned", {"name": "At 0", "assignee": people[0]}),
        ("task.updated", {"name": "At 1"}),
        ("task.assigned", {"name": "At 2", "assignee": people[1]}),
        ("task.updated", {"name": "At 3"}),
        ("task.completed", {}) if number % 4 == 0 else ("task.updated", {"name": "At 4"}),
    ]
    events = [
        event(f"e-{number}-{minute}", type=type, task={"id": f"T-{number}", **of_task}, case=case)
        | {"time": (NINE + timedelta(minutes=minute)).isoformat()}
        for minute, (type, of_task) in enumerate(said)
    ]
    assert len(events) == EACH
    return chance.sample(events, EACH)


@pytest.mark.parametrize("batch", BATCHES)
def test_a_burst_is_shared_and_nothing_happens_twice_or_out_of_order(servers: Servers, batch: int) -> None:
    with installed(TwoClusters, **servers.environment, EVENT_BATCH=str(batch)) as here:
        house = here.house
        for number in range(PEOPLE):
            here.put_person(f"person-{number}")
        chance = random.Random(batch)
        lives = [life(number, chance) for number in range(TASKS)]
        in_turn = chain.from_iterable(zip(*lives, strict=True))  # of each task the first one, then the next
        here.send_batches(list(in_turn), size=25)
        ended = "SELECT count(*) FROM notifications_event WHERE due_at IS NULL"
        eventually(lambda: house.rows(ended) == [(TASKS * EACH,)], "all is processed", within=PATIENCE)
        assert_once_and_in_order(house)
        assert_what_the_times_say(house)
        proved(f"{TASKS * EACH} events of {TASKS} tasks, out of order, {batch} a transaction at most: {shares(house)}")


def assert_once_and_in_order(house: House) -> None:
    assert house.rows("SELECT count(*), count(DISTINCT event) FROM done_by") == [(TASKS * EACH, TASKS * EACH)]
    overtaken = house.rows(
        'SELECT count(*) FROM (SELECT id, lag(id) OVER (PARTITION BY engine_id, "group" ORDER BY number) AS before'
        " FROM done_by JOIN notifications_event ON id = event) AS done WHERE id < before"
    )
    assert overtaken == [(0,)], "events of a task are processed in the order in which they came"
    states = {str(status) for (status,) in house.rows("SELECT DISTINCT status FROM notifications_event")}
    assert states <= {"processed", "stale", "ignored"}, states
    copies = "SELECT count(*), count(DISTINCT (task_id, recipient_id)) FROM notifications_notification"
    ((all_open, different),) = house.rows(f"{copies} WHERE state = 'open'")
    assert all_open == different, "nobody has a task twice"
    inboxes = (
        "SELECT count(*) FROM notifications_recipient person JOIN (SELECT recipient_id, max(seq) AS last,"
        " count(DISTINCT seq) = count(*) AS once FROM notifications_notification GROUP BY recipient_id) AS inbox"
        " ON inbox.recipient_id = person.id WHERE NOT once OR last <> inbox_seq"
    )
    assert house.rows(inboxes) == [(0,)], "each inbox has each number once"
    ledger = house.run("doctor", "--ledger").said
    sums = re.search(r"made by events: (\d+); accounted for: (\d+)", ledger)
    assert sums and sums[1] == sums[2] != "0", ledger


def assert_what_the_times_say(house: House) -> None:
    tasks = house.rows("SELECT state, name, count(*) FROM notifications_task GROUP BY 1, 2 ORDER BY 1, 2")
    completed = [count for state, _, count in tasks if state == "completed"]
    assert sum(int(str(count)) for count in completed) == TASKS // 4
    assert [row for row in tasks if row[0] == "open"] == [("open", "At 4", TASKS - TASKS // 4)]
    copies = (
        "SELECT count(*) FILTER (WHERE note.recipient_id = task.assignee_id AND note.title = task.name), count(*)"
        " FROM notifications_notification note JOIN notifications_task task ON task.id = note.task_id"
        " WHERE note.state = 'open'"
    )
    assert house.rows(copies) == [(TASKS - TASKS // 4, TASKS - TASKS // 4)], "whoever has a task has its copy"


def shares(house: House) -> str:
    found = {str(role): count for role, count in house.rows("SELECT role, count(*) FROM done_by GROUP BY role")}
    assert set(found) == set(ROLES), "both have their share"
    took = house.rows(
        "SELECT extract(epoch FROM max(processed_at) - min(received_at))::float FROM notifications_event"
    )[0][0]
    said = ", ".join(f"{role} {found[role]}" for role in ROLES)
    return f"{said}; each once, those of a task in order; {float(str(took)):.1f} s"
