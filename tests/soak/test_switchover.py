"""The primary database is killed under load, its standby is promoted, and processes go on there by themselves."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

from tests.soak.installation import Installation
from tests.soak.load import PATIENCE, Load
from tests.soak.proof import proved
from tests.soak.servers import Servers
from tests.soak.standby import Standby, standby_of
from tests.support.processes import House
from tests.support.receiver import receiving
from tests.support.waiting import eventually

pytestmark = [pytest.mark.processes, pytest.mark.long]

EVENTS = 600
SENDERS = 4
LONGEST_SECONDS = 30.0
"""From the promotion until an event that was sent after it is accepted."""


def address(servers: Servers, standby: Standby) -> str:
    """Both hosts; a process connects to the one that takes writes."""
    hosts = quote(f"{servers.postgres.where.sockets},{standby.postgres.where.sockets}")
    return f"postgresql://postgres@/wfpush?host={hosts}&target_session_attrs=read-write"


def switch_over(servers: Servers, standby: Standby) -> None:
    pid = servers.postgres.recorded_pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not servers.postgres.lives(), "nothing of the primary is left")
    standby.promote()


def test_a_standby_takes_over_under_load_and_nothing_accepted_is_lost() -> None:
    with Servers() as servers, House() as house, receiving() as receiver:
        house.is_migrated = servers.are_migrated
        house.environment |= servers.environment
        house.migrate()
        house.is_migrated = True
        with standby_of(servers) as standby:
            house.environment["DATABASE_URL"] = address(servers, standby)
            here = Installation(house, receiver)
            load, before = Load(here), here.main_processes()
            took = run(load, servers, standby)
            repeats = load.is_all_there_once()
            assert here.main_processes() == before, here.worker.said
            house.clear()
    assert sorted(load.accepted) == sorted(f"T-{number}" for number in range(EVENTS))
    assert took < LONGEST_SECONDS
    assert repeats <= EVENTS // 10, "only what was in flight may be told again"
    proved(
        f"the primary killed and its standby promoted under load: {EVENTS} events accepted, the first {took:.1f} s"
        f" after the promotion, each once in the inbox and answered; the engine was told every answer under one id,"
        f" {repeats} of them twice; no process was started again"
    )


def run(load: Load, servers: Servers, standby: Standby) -> float:
    """Send everything, and switch in the middle. Return the seconds until the new primary had accepted an event."""
    with load.answering(), ThreadPoolExecutor(SENDERS) as threads:
        sending = [threads.submit(load.send, number) for number in range(EVENTS)]
        eventually(lambda: len(load.accepted) >= EVENTS // 2, "half is accepted", within=PATIENCE)
        switch_over(servers, standby)
        promoted, count = time.monotonic(), len(load.accepted)
        eventually(lambda: len(load.accepted) > count + SENDERS, "events are accepted again", within=PATIENCE)
        took = time.monotonic() - promoted
        for sent in sending:
            sent.result(PATIENCE)
    return took
