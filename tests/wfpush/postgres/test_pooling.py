"""Behind a PgBouncer that hands connections on after each transaction, everything works as without it."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.soak.installation import Installation, task_assigned
from tests.soak.servers import Servers
from tests.support.pgbouncer import PROGRAM, pgbouncer
from tests.support.processes import House
from tests.support.receiver import receiving
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(
        PROGRAM is None and not os.environ.get("CI"), reason="pgbouncer is not installed: nothing is known of poolers"
    ),
]

EVENTS = 20
POOL = 6
"""Connections to PostgreSQL, far fewer than our processes have to PgBouncer."""


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with Servers() as made:
        yield made


@pytest.fixture
def house(servers: Servers) -> Iterator[House]:
    with House() as made:
        made.environment["REDIS_URL"] = servers.urls.redis_url
        yield made


@pytest.mark.long
def test_events_arrive_once_by_two_workers_where_transactions_are_pooled(house: House, servers: Servers) -> None:
    with pgbouncer(servers.postgres, "transaction", POOL) as url, receiving() as receiver:
        house.environment["DATABASE_URL"] = url
        here = Installation(house, receiver)
        other = here.start_one_worker()

        kind = "application/cloudevents+json"
        with ThreadPoolExecutor(4) as threads:
            sent = [
                threads.submit(here.engine.insist, "POST", "/api/v1/events", task_assigned(number), kind=kind)
                for number in range(EVENTS)
            ]
            assert {each.result()[0] for each in sent} == {202}
        eventually(lambda: len(here.times_in_the_inbox()) == EVENTS, "all are in Bob's inbox")
        assert set(here.times_in_the_inbox().values()) == {1}
        _, page = here.bob.insist("GET", "/api/v1/notifications")
        path = f"/api/v1/notifications/{page['items'][0]['id']}/responses"
        assert here.bob.insist("POST", path, {"action": "approve"})[0] == 201
        eventually(lambda: receiver.calls, "the engine is told")
        for command in (here.web, other):
            assert "Traceback" not in command.said, command.said


def test_rows_are_read_to_the_end_where_transactions_are_pooled(house: House, servers: Servers) -> None:
    """Django reads long lists, and choices of forms, by a cursor that a pooler might look for at another connection."""
    reading = (
        "from django.contrib.auth.models import Permission as P; from concurrent.futures import ThreadPoolExecutor;"
        "read = lambda _: sum(1 for _ in P.objects.iterator(chunk_size=2));"
        "print(set(ThreadPoolExecutor(4).map(read, range(8))) == {P.objects.count()})"
    )
    with pgbouncer(servers.postgres, "transaction", 2) as url:
        house.environment["DATABASE_URL"] = url
        house.is_migrated = servers.are_migrated
        house.migrate()
        said = house.run("shell", "--verbosity=0", "-c", reading).said
        assert said.strip().endswith("True"), said


@pytest.mark.parametrize("command", [pytest.param("web", marks=pytest.mark.long), "worker"])
def test_nothing_starts_where_single_statements_are_pooled(house: House, servers: Servers, command: str) -> None:
    with pgbouncer(servers.postgres, "statement", 2) as url:
        house.environment["DATABASE_URL"] = url
        started = house.start(command)
        assert started.ends() == 1
        assert "Set its pool_mode to transaction or session" in started.said
        assert "Traceback" not in started.said
