"""Processes are killed: each is started again, or ends with its parent."""

import json
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import redis

from tests.soak.installation import LONG
from tests.support.processes import Command, House, command_line, free_ports
from tests.support.waiting import eventually
from wfpush.security import vapid_keys

pytestmark = [pytest.mark.processes, pytest.mark.soak]

ALL_VICTIMS = ["worker", "another worker", "monitor", "pusher"]
"""Of django-q2, in the order in which it starts them."""
VICTIMS = ALL_VICTIMS if LONG else ["worker"]
STALL = "20"
"""Seconds that the watchdog waits here; 45 in real life, where it must restart within 90 of the fault."""


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with House() as found:
        found.migrate()
        yield found


@pytest.fixture(scope="module")
def workers() -> list[Command]:
    """A worker that earlier tests left running and healthy, if there is one."""
    return []


@pytest.fixture
def worker(house: House, workers: list[Command]) -> Command:
    if not workers or workers[-1].process.poll() is not None:
        eventually(lambda: not house.named("worker") and not house.named("cluster"), "the last worker is gone")
        workers.append(house.start("worker", "--stall", STALL, "--grace", "5"))
    command = workers[-1]
    command.says("dispatcher_runs")
    whole_cluster(command)
    house.beats_again()
    return command


@dataclass(frozen=True)
class Cluster:
    """The processes of one django-q2 cluster: its main process, the sentinel under it, and those under that."""

    main: psutil.Process
    sentinel: psutil.Process
    others: list[psutil.Process]

    def is_gone(self) -> bool:
        return not any(map(lives, (self.main, self.sentinel, *self.others)))


def cluster(command: Command) -> Cluster | None:
    """That of a worker, once all of it runs. Found from the worker downwards: after a restart, what is left of an old
    one is no part of it."""
    try:
        for main in psutil.Process(command.process.pid).children():
            if "cluster" in command_line(main):
                (sentinel,) = main.children()
                others = sentinel.children(recursive=True)
                return Cluster(main, sentinel, others) if len(others) >= 4 else None
    except (psutil.NoSuchProcess, ValueError):  # it ends just now, or begins
        pass
    return None


def lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def whole_cluster(command: Command) -> Cluster:
    return eventually(lambda: cluster(command), "main, sentinel, two workers, monitor and pusher run")


@pytest.mark.ci
@pytest.mark.parametrize("victim", VICTIMS)
def test_one_killed_django_q2_process_takes_its_cluster_along_at_once(
    house: House, worker: Command, victim: str
) -> None:
    """It may have held the lock of a queue, for which the others would wait for ever."""
    before = whole_cluster(worker)
    before.others[ALL_VICTIMS.index(victim)].kill()
    eventually(before.is_gone, "the rest of the old cluster is gone")
    house.beats_again()
    assert "cluster_process_killed" in worker.said
    assert "cluster_stalled" not in worker.said


@pytest.mark.long
@pytest.mark.parametrize("victim", ["main", "sentinel"] if LONG else ["sentinel"])
def test_a_killed_django_q2_main_or_sentinel_takes_its_cluster_along_and_a_new_one_runs(
    house: House, worker: Command, victim: str
) -> None:
    before = whole_cluster(worker)
    (before.main if victim == "main" else before.sentinel).kill()
    eventually(before.is_gone, "the rest of the old cluster is gone")
    house.beats_again()
    assert worker.process.poll() is None


@pytest.mark.long
@pytest.mark.parametrize("name", ["cluster", "dispatcher"])
def test_one_process_that_hangs_is_noticed_and_replaced(house: House, worker: Command, name: str) -> None:
    """Long before the watchdog would notice, if it ever did: the other worker of the cluster runs its tasks."""
    hanging = whole_cluster(worker).others[0] if name == "cluster" else house.named(name)[0]
    hanging.suspend()
    worker.says(f"pid={hanging.pid}")
    eventually(lambda: not lives(hanging), "it is gone")
    whole_cluster(worker)
    eventually(lambda: len(house.named("dispatcher")) == 1, "a dispatcher runs")
    house.beats_again()
    assert "process_hangs" in worker.said
    assert "cluster_stalled" not in worker.said


@pytest.mark.ci
def test_a_killed_dispatcher_is_started_again(house: House, worker: Command) -> None:
    (before,) = house.named("dispatcher")
    before.kill()
    eventually(lambda: house.named("dispatcher") not in ([], [before]), "another dispatcher runs")
    assert worker.process.poll() is None


def test_killed_servers_come_back_and_the_work_goes_on(house: House, worker: Command) -> None:
    servers = [process for process in house.processes() if process.name().startswith(("postgres", "valkey-server"))]
    for process in servers:
        process.kill()
    eventually(lambda: not set(servers) & set(house.processes()), "they are dead")
    eventually(lambda: _answers(house), "both servers answer again")
    house.beats_again()
    assert worker.process.poll() is None


def _answers(house: House) -> bool:
    try:
        return house.rows("SELECT 1") == [(1,)] and bool(house.redis().ping())
    except (psycopg.Error, redis.RedisError):
        return False


@pytest.fixture(scope="module")
def seconds() -> list[Command]:
    return []


@pytest.fixture
def second(house: House, worker: Command, seconds: list[Command]) -> Command:
    """Another worker, which has started after that one and runs for the tests that follow."""
    if not seconds:
        seconds.append(house.start("worker", "--stall", STALL, "--grace", "5"))
    seconds[-1].says("dispatcher_runs")
    return seconds[-1]


@pytest.mark.long
def test_a_cluster_that_is_frozen_is_noticed_though_another_workers_runs(
    house: House, worker: Command, second: Command
) -> None:
    before = whole_cluster(worker)
    for process in before.others:
        process.suspend()
    worker.says("process_hangs")
    eventually(before.is_gone, "the old cluster is gone")
    whole_cluster(worker)


@pytest.mark.long
def test_a_killed_worker_takes_its_children_along_and_another_goes_on(
    house: House, worker: Command, second: Command
) -> None:
    children = [each for each in worker.family() if {"cluster", "dispatcher"} & {*command_line(each)}]
    assert len(children) > 6
    worker.signal(signal.SIGKILL)
    worker.ends()
    eventually(lambda: not any(map(lives, children)), "its children are gone")
    house.beats_again()


@pytest.mark.ci
def test_sigterm_stops_every_process_and_the_servers(
    house: House, workers: list[Command], seconds: list[Command]
) -> None:
    running = [each for each in (*workers, *seconds) if each.process.poll() is None]
    for each in running or [house.start("worker", "--grace", "5")]:
        each.says("dispatcher_runs")
        each.signal(signal.SIGTERM)
        assert each.ends() == 0
    house.leaves_nothing()


@pytest.mark.long
def test_the_web_process_says_when_its_port_is_taken(house: House) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        web = house.run("web", "--port", str(port))
    assert web.process.returncode == 1
    assert f"Port {port} on 127.0.0.1 is in use" in web.said
    assert "Traceback" not in web.said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check"], "manage.py check: SECRET_KEY is missing"),
        (["worker"], "manage.py worker: SECRET_KEY is missing"),
    ],
)
def test_without_a_data_folder_a_command_refuses_and_names_the_setting(
    house: House, tmp_path: Path, arguments: list[str], words: str
) -> None:
    refused = house.run(*arguments, WFPUSH_DATA=str(tmp_path / "nothing"))
    assert refused.process.returncode == 1
    assert words in refused.said
    assert "Traceback" not in refused.said
    assert not (tmp_path / "nothing").exists()


def test_with_its_secrets_but_no_servers_a_command_names_the_url(house: House, tmp_path: Path) -> None:
    secrets = {"SECRET_KEY": "s" * 50, "ENCRYPTION_KEYS": "e" * 50, "VAPID_PRIVATE_KEY": vapid_keys.new_private_key()}
    refused = house.run("check", WFPUSH_DATA=str(tmp_path / "nothing"), **secrets)
    assert refused.process.returncode == 1
    assert "DATABASE_URL is not set" in refused.said
    assert "manage.py up" in refused.said


@pytest.mark.ci
def test_a_database_that_is_away_is_said_in_a_sentence(house: House) -> None:
    refused = house.run("migrate", DATABASE_URL="postgresql://nobody@/nothing?host=/nonexistent")
    assert refused.process.returncode == 1
    assert "the database does not answer" in refused.said
    assert "Traceback" not in refused.said


LOOKING = """
import gc, json, sys
from django.core import checks
garbage = gc.isenabled(), gc.get_freeze_count() > 100_000
before = "notifications.admin" in sys.modules
from django.contrib import admin
before = before, len(admin.site._registry)
checks.run_checks(tags=["admin"])
registry = admin.site._registry
first = next(iter(registry.values()))
type(first).list_display = ["nothing_of_this_name"]
faults = [fault.id for fault in checks.run_checks(tags=["admin"])]
from notifications.channels.registry import channels
unused = sorted({"firebase_admin", "rich"} & sys.modules.keys()) if channels() else None
print(json.dumps([garbage, before, len(registry) > 20, faults, unused]))
"""


@pytest.fixture(scope="module")
def a_start(house: House) -> Any:
    """What a command finds that has loaded nothing by itself."""
    shown = house.run("shell", "--verbosity=0", "-c", LOOKING)
    return json.loads(shown.said)


@pytest.mark.long
def test_garbage_is_looked_for_once_everything_is_loaded(a_start: Any) -> None:
    assert a_start[0] == [True, True]


def test_the_desk_is_loaded_when_it_is_wanted_and_to_be_checked(a_start: Any) -> None:
    assert a_start[1:4] == [[False, 0], True, ["admin.E108"]]


def test_what_sends_to_apps_is_not_loaded_before_the_first_message(a_start: Any) -> None:
    """The channels are all there, as in dispatchers and web."""
    assert a_start[4] == []


@pytest.mark.ci
def test_help_needs_neither_secrets_nor_servers(house: House, tmp_path: Path) -> None:
    shown = house.run("worker", "--help", WFPUSH_DATA=str(tmp_path / "nothing"))
    assert shown.process.returncode == 0, shown.said
    assert "--dispatchers" in shown.said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_the_first_key_can_be_made_before_anything_is_set(house: House, tmp_path: Path) -> None:
    shown = house.run("vapid", "--new", WFPUSH_DATA=str(tmp_path / "nothing"))
    assert shown.process.returncode == 0, shown.said
    assert "VAPID_PRIVATE_KEY=" in shown.said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.ci
def test_up_refuses_a_port_that_is_taken_and_says_how_to_choose_another(house: House) -> None:
    port = free_ports(2)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        up = house.run("up", "--port", str(port))
    assert up.process.returncode == 1
    assert f"Port {port} on 127.0.0.1 is in use" in up.said
    assert "PORT=" in up.said
    house.leaves_nothing()
