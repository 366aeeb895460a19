"""`manage.py up` as a person uses it: one command, everything there, nothing left behind, nothing lost."""

import json
import signal
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.soak.installation import LONG
from tests.support.processes import Command, House, free_ports
from tests.support.waiting import eventually

pytestmark = [pytest.mark.processes, pytest.mark.soak]

READY = "Ctrl-C stops everything."
ACCOUNTS = ["admin", "alice", "bob", "carol"]
VICTIMS = ["web", "worker", "demo"] if LONG else ["web"]
"""To the supervisor all are children alike (tests/wfpush/processes/test_supervisor.py)."""


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with House() as found:
        found.migrate()  # tests/wfpush/postgres/test_schema.py has it done by the start itself
        yield found


@pytest.fixture(scope="module")
def port() -> int:
    return free_ports(2)


@pytest.fixture(scope="module")
def other_port() -> int:
    return free_ports(2)


@pytest.fixture(scope="module")
def started() -> list[Command]:
    """The last one may still run: tests that need a running one take it, whoever has started it."""
    return []


def up(house: House, port: int) -> Command:
    command = house.start("up", "--demo", "--port", str(port))
    command.says(READY, within=120)
    return command


@pytest.fixture
def running(house: House, port: int, started: list[Command]) -> Command:
    return still_running(house, port, started)


@pytest.fixture
def running_elsewhere(house: House, other_port: int, started: list[Command]) -> Command:
    return still_running(house, other_port, started)


def still_running(house: House, port: int, started: list[Command]) -> Command:
    """The last one, if it listens there and has not ended; else another."""
    if started and started[-1].process.poll() is None:
        if f"http://127.0.0.1:{port}" in started[-1].said:
            return started[-1]
        started[-1].signal(signal.SIGTERM)
        assert started[-1].ends() == 0
        house.leaves_nothing()
    started.append(up(house, port))
    return started[-1]


def demo(house: House) -> Any:
    """What is kept of it."""
    return json.loads((house.folder / "demo.json").read_text())


def passwords(house: House) -> dict[str, str]:
    found: dict[str, str] = demo(house)["passwords"]
    return found


def items(house: House) -> int:
    return int(str(house.rows("SELECT count(*) FROM notifications_notification")[0][0]))


def test_it_says_where_it_is_once_it_answers(house: House, port: int, started: list[Command]) -> None:
    command = up(house, port)
    started.append(command)
    assert f"wfpush is ready: http://127.0.0.1:{port}" in command.said
    for path in (f"http://127.0.0.1:{port}/healthz", f"http://127.0.0.1:{port + 1}/"):
        with urllib.request.urlopen(path, timeout=60) as answer:
            assert answer.status == 200
    assert sorted(passwords(house)) == ACCOUNTS
    for ref, password in passwords(house).items():
        assert f"sign in as {ref:6} {password}" in command.said
    assert (house.folder / "demo.json").stat().st_mode & 0o077 == 0
    eventually(lambda: items(house) > 0, "the demo's processes wait in the inboxes")
    assert "Migrating" not in command.said, "nothing is said of a step that there is not"


def test_a_second_one_says_where_the_first_is(house: House, port: int, other_port: int, running: Command) -> None:
    for second_port in (port, other_port):
        second = house.run("up", "--demo", "--port", str(second_port))
        assert second.process.returncode == 1
        (sentence,) = second.said.splitlines()
        assert f"http://127.0.0.1:{port} (process {running.process.pid})" in sentence
        assert "Ctrl-C" in sentence
        assert "PORT=9000" in sentence
    assert running.process.poll() is None


@pytest.mark.long
def test_ctrl_c_leaves_nothing_behind(house: House, running: Command) -> None:
    """Without the demo, tests/wfpush/postgres/test_schema.py has it."""
    running.signal(signal.SIGINT)
    assert running.ends() == 0
    house.leaves_nothing()


@pytest.mark.long
def test_if_the_parent_is_killed_its_children_notice_and_a_new_start_reuses_accounts_key_and_rows(
    house: House, port: int, running: Command, started: list[Command]
) -> None:
    before, there, accounts = demo(house), items(house), passwords(house)
    running.signal(signal.SIGKILL)
    running.ends()
    house.leaves_nothing()
    command = up(house, port)
    started.append(command)
    assert demo(house) == before
    assert items(house) >= there
    assert house.rows("SELECT count(*) FROM notifications_apikey") == [(1,)]
    assert all(password in command.said for password in accounts.values())


@pytest.mark.long
def test_on_another_port_the_demo_gets_its_answers_there(
    house: House, other_port: int, running_elsewhere: Command
) -> None:
    assert house.rows("SELECT callback_url FROM notifications_engine WHERE slug = 'demo'") == [
        (f"http://127.0.0.1:{other_port + 1}/callback",)
    ]


@pytest.mark.long
@pytest.mark.parametrize("victim", VICTIMS)
def test_if_one_process_is_killed_the_others_stop_and_it_says_so(house: House, running: Command, victim: str) -> None:
    house.named(victim)[0].kill()
    assert running.ends() == 1
    assert "A process has ended by itself" in running.said
    house.leaves_nothing()
