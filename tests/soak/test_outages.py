"""The database or Redis is away for minutes, gone or hanging, and nothing is lost.

Alice's engine goes on sending and Bob's inbox stays open. `make soak` keeps each server away for five minutes, `make
test` lets it hang for a few seconds: that it is gone, tests/soak/test_killing.py and
tests/wfpush/postgres/test_database_away.py show, too. Nothing starts the servers again but the test.
"""

import json
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count, islice

import pytest

from notifications.inbox.consumers import RESTART
from tests.soak.installation import LONG, Installation, task_assigned
from tests.soak.open_inbox import OpenInbox, open_inbox
from tests.soak.proof import proved
from tests.soak.servers import Outage, Servers
from tests.support.calls import Answer
from tests.support.processes import House
from tests.support.receiver import receiving
from tests.support.surfing import Browser
from tests.support.waiting import eventually
from wfpush.embedded.servers import Server

pytestmark = [pytest.mark.processes, pytest.mark.ci]

MANNERS = ["gone", "hanging"] if LONG else ["hanging"]
GONE_SECONDS = 300
HANGING_SECONDS = 45 if LONG else 5
TIMEOUT = "20" if LONG else "3"
"""DATABASE_TIMEOUT."""
LONGEST_ANSWER = 45.0 if LONG else 20.0
"""Seconds: a statement that is given up, a try to connect, and a machine that is busy with other things."""
READ_ONLY_SECONDS = 15 if LONG else 2
WEB_THREADS = 16
"""DATABASE_POOL."""
PACE_SECONDS = 1.0 if LONG else 0.25
SENDERS = 4
UNDER_WAY = 20
"""Events accepted just before the server goes."""
PATH, KIND = "/api/v1/events", "application/cloudevents+json"
PATIENCE = 300.0 if LONG else 120.0

_numbers = count(1)


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with Servers() as made:
        yield made


@pytest.fixture(scope="module")
def installation(servers: Servers) -> Iterator[Installation]:
    with House() as house, receiving() as receiver:
        house.is_migrated = servers.are_migrated
        house.environment |= servers.environment | {"DATABASE_TIMEOUT": TIMEOUT}
        yield Installation(house, receiver)


class Engine:
    """Alice's: it sends at a steady pace, and again what was not accepted."""

    def __init__(self, installation: Installation) -> None:
        self._caller = installation.engine
        self._over = threading.Event()
        self.accepted: list[int] = []
        self.refused: list[int] = []
        self.answers: list[Answer] = []
        self.slowest = 0.0

    def insist(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            status, said = self._caller.insist("POST", PATH, task_assigned(number), kind=KIND, within=PATIENCE)
            assert status in (200, 202), said
            self.accepted.append(number)

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Several at once, until the block is over and the last answer there."""
        with ThreadPoolExecutor(SENDERS) as threads:
            sending = [threads.submit(self._send) for _ in range(SENDERS)]
            try:
                yield
            finally:
                self._over.set()
            for each in sending:
                each.result(LONGEST_ANSWER)

    def _send(self) -> None:
        while not self._over.is_set():
            number, began = next(_numbers), time.monotonic()
            answer = self._caller.ask("POST", PATH, task_assigned(number), kind=KIND)
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.answers.append(answer)
            (self.accepted if answer.status == 202 else self.refused).append(number)
            self._over.wait(PACE_SECONDS)

    def all_is_in(self, inbox: dict[str, int]) -> bool:
        return {f"T-{number}" for number in self.accepted} <= set(inbox)


def waits(seconds: float) -> None:
    """The server stays away."""
    threading.Event().wait(seconds)


def recovered(here: Installation, engine: Engine, inbox: OpenInbox) -> float:
    """What was refused is sent again, everything accepted arrives once, live too. Seconds until then."""
    began = time.monotonic()
    engine.insist(engine.refused)
    eventually(lambda: engine.all_is_in(here.times_in_the_inbox()), "all is in Bob's inbox", within=PATIENCE)
    eventually(lambda: inbox.last == here.last_seq(), "the open inbox has it all", within=PATIENCE)
    took = time.monotonic() - began
    assert set(here.times_in_the_inbox().values()) == {1}
    assert len(set(inbox.seqs)) == len(inbox.seqs)
    return took


def outages(servers: Servers, server: Server) -> dict[str, tuple[Outage, float]]:
    return {
        "gone": (servers.gone(server), GONE_SECONDS),
        "hanging": (servers.hanging(server), HANGING_SECONDS),
    }


@pytest.mark.long
@pytest.mark.parametrize("how", MANNERS)
def test_without_the_database_events_are_refused_and_later_all_goes_on(
    installation: Installation, servers: Servers, how: str
) -> None:
    here, engine = installation, Engine(installation)
    outage, seconds = outages(servers, servers.postgres)[how]
    before = here.main_processes()
    with open_inbox(here.port, here.token) as inbox:
        eventually(lambda: inbox.synced, "Bob's inbox is open")
        engine.insist(islice(_numbers, UNDER_WAY))
        with outage.lasting(), engine.sending():
            waits(seconds)
        assert engine.answers
        for answer in engine.answers:
            assert answer.status == 503, answer
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["retry-after"].isdecimal()
            assert answer.body["code"] == "unavailable"
        assert engine.slowest < LONGEST_ANSWER
        took = recovered(here, engine, inbox)
    assert set(inbox.closed) <= {RESTART, OpenInbox.NO_ANSWER}
    assert here.main_processes() == before, here.worker.said
    proved(
        f"database {how} for {seconds} s: {len(engine.answers)} events refused with 503, the slowest after"
        f" {engine.slowest:.1f} s; afterwards {len(engine.accepted)} accepted, each once in the inbox, the"
        f" last after {took:.1f} s; the open inbox came back {len(inbox.closed)} times; no process was started again"
    )


@pytest.mark.parametrize("how", ["read_only", pytest.param("standby", marks=pytest.mark.long)])
def test_a_database_that_takes_no_writes_is_used_again_at_once_when_it_does(
    installation: Installation, servers: Servers, how: str
) -> None:
    """Web and worker have sessions then that began while it was read-only, some of which have only read."""
    here, engine = installation, Engine(installation)
    before = here.main_processes()
    engine.insist(islice(_numbers, UNDER_WAY))
    eventually(lambda: engine.all_is_in(here.times_in_the_inbox()), "Bob has tasks", within=PATIENCE)
    item, browser = open_item(here), Browser(f"http://127.0.0.1:{here.port}")
    retried = retried_events(here)
    outage: Outage = getattr(servers, how)()
    with outage.lasting():
        with engine.sending():
            answers = [approve(here, item) for _ in range(3)]
            status, headers, _page = browser.try_to_sign_in("bob", "a wrong password")
            reason = eventually(lambda: faults(here).get("database"), "/readyz has written")
            waits(READ_ONLY_SECONDS)
        with ThreadPoolExecutor(WEB_THREADS) as threads:
            pages = set(threads.map(lambda _: browser.open("/link/wfs_any")[0], range(3 * WEB_THREADS)))
    assert engine.answers
    for answer in [*engine.answers, *answers]:
        assert answer.status == 503, answer
        assert answer.headers["retry-after"].isdecimal()
        assert answer.body["code"] == "unavailable"
    assert (status, headers["Retry-After"]) == (503, "2")
    assert reason.startswith({"read_only": "is read-only", "standby": "is a standby"}[how])
    assert pages == {410}, "they are read"

    with ThreadPoolExecutor(WEB_THREADS) as threads:
        posts = list(threads.map(lambda number: send(here, number).status, engine.refused * 3))
    assert set(posts) <= {200, 202}
    assert approve(here, item).status == 201
    eventually(lambda: "database" not in faults(here), "/readyz has written")
    engine.accepted += engine.refused
    eventually(lambda: engine.all_is_in(here.times_in_the_inbox()), "all is in Bob's inbox", within=PATIENCE)
    assert set(here.times_in_the_inbox().values()) == {1}
    assert retried_events(here) == retried
    assert here.main_processes() == before, here.worker.said


@pytest.mark.long
@pytest.mark.parametrize("how", MANNERS)
def test_without_redis_everything_is_taken_and_only_slower(
    installation: Installation, servers: Servers, how: str
) -> None:
    here, engine = installation, Engine(installation)
    outage, seconds = outages(servers, servers.valkey)[how]
    before = here.main_processes()
    with open_inbox(here.port, here.token) as inbox:
        eventually(lambda: inbox.synced, "Bob's inbox is open")
        engine.insist(islice(_numbers, UNDER_WAY))
        eventually(lambda: engine.all_is_in(here.times_in_the_inbox()), "Bob has tasks", within=PATIENCE)
        with outage.lasting():
            with engine.sending():
                answer = approve_one(here)
                eventually(lambda: answer in [call.id for call in here.receiver.calls], "the engine is told", within=60)
                there = here.last_seq()
                with open_inbox(here.port, here.token) as another:
                    eventually(lambda: another.last >= there, "another inbox opens and has what there is")
                if LONG:
                    eventually(lambda: inbox.last >= there, "the open inbox has looked by itself", within=90)
                waits(seconds)
            eventually(lambda: engine.all_is_in(here.times_in_the_inbox()), "workers look themselves", within=PATIENCE)
        assert {answer.status for answer in engine.answers} == {202}
        assert engine.slowest < LONGEST_ANSWER
        took = recovered(here, engine, inbox)
        assert inbox.closed == []
    assert here.main_processes() == before, here.worker.said
    proved(
        f"Redis {how} for {seconds} s: {len(engine.answers)} events taken meanwhile, the slowest in"
        f" {engine.slowest:.1f} s, and an answer told to its engine; afterwards each once in the inbox, the last after"
        f" {took:.1f} s; the open inbox stayed open; no process was started again"
    )


def faults(here: Installation) -> dict[str, str]:
    """What `/readyz` says of parts that are not well."""
    checks = json.loads(Browser(f"http://127.0.0.1:{here.port}").open("/readyz")[2])["checks"]
    return {name: state for name, state in checks.items() if state != "ok"}


def retried_events(here: Installation) -> list[tuple[object, ...]]:
    """The number of events that were tried more than once, or have failed."""
    return here.house.rows("SELECT count(*) FROM notifications_event WHERE status = 'failed' OR attempts > 1")


def send(here: Installation, number: int) -> Answer:
    return here.engine.ask("POST", PATH, task_assigned(number), kind=KIND)


def approve_one(here: Installation) -> str:
    """Bob approves a task over the API. The answer's id."""
    answer = approve(here, open_item(here))
    assert answer.status in (200, 201), answer
    return str(answer.body["id"])


def open_item(here: Installation) -> str:
    """The id of one of Bob's items that wait for him."""
    _, page = here.bob.insist("GET", "/api/v1/notifications?state=open&limit=1")
    return str(page["items"][0]["id"])


def approve(here: Installation, item: str) -> Answer:
    return here.bob.ask("POST", f"/api/v1/notifications/{item}/responses", {"action": "approve"})
