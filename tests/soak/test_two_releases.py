"""Processes of the last release and of this version share a migrated database under load, as during an upgrade.

Web and worker of each release sign in to PostgreSQL as a role of their own, which shows what each has done. Calls go
to both web processes in turn, and none may be refused with an error page.
"""

import itertools
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.soak.installation import Installation
from tests.soak.load import Load
from tests.soak.proof import proved
from tests.support.calls import Caller
from tests.support.processes import House, free_ports
from tests.support.receiver import Receiver, receiving
from tests.support.releases import LAST, SETTINGS, restore, unpack
from tests.support.surfing import Browser
from tests.support.waiting import eventually
from wfpush.embedded import shared_servers

pytestmark = [pytest.mark.processes, pytest.mark.long]

SECONDS = 60
EVERY_SECONDS = 0.1
FORMER, THIS = "former_release", "this_release"
PASSWORD = "a long walk by the sea"
PEOPLE = {"bob": ("/",), "admin": ("/", "/admin/")}
"""Those who read pages, and where their walks begin."""
WORK = {
    "event taken": "INSERT ON notifications_event FOR EACH ROW",
    "event processed": "UPDATE ON notifications_event FOR EACH ROW"
    " WHEN (OLD.due_at IS NOT NULL AND NEW.due_at IS NULL)",
    "answer": "INSERT ON notifications_response FOR EACH ROW",
    "callback": "UPDATE ON notifications_callback FOR EACH ROW"
    " WHEN (OLD.state <> 'delivered' AND NEW.state = 'delivered')",
}
WHO_DID_IT = """
CREATE TABLE done_by (role name, work text);
GRANT ALL ON done_by TO PUBLIC;
CREATE FUNCTION who_did_it() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO done_by (role, work) VALUES (current_user, TG_ARGV[0]);
    RETURN NULL;
END $$;
"""
RENAME_BOB = """
UPDATE auth_user SET username = 'robert' WHERE username = 'bob';
UPDATE notifications_recipient SET ref = 'robert' WHERE ref = 'bob';
DELETE FROM notifications_event WHERE status = 'accepted';
"""
"""The load has a Bob of its own, whose inbox is empty."""


class InTurn:
    """A caller of several web processes, one after the other, that never tries again."""

    def __init__(self, ports: list[int], token: str) -> None:
        self._callers = itertools.cycle([Caller(port, token) for port in ports])

    def insist(self, method: str, path: str, body: Any = None, **how: Any) -> tuple[int, Any]:
        return next(self._callers).call(method, path, body, **how)


class TwoReleases(Installation):
    """`houses`: a checkout of each release with its data folder, by its role in the database."""

    def __init__(self, houses: dict[str, House], receiver: Receiver) -> None:
        self.houses = houses
        clerk = houses[THIS].clerk()
        for name in PEOPLE:
            clerk.run("create_person", name, "--password", PASSWORD)
        super().__init__(houses[THIS], receiver)
        ports = list(self.ports.values())
        self.engine = InTurn(ports, self.engine.token)  # type: ignore[assignment]
        self.bob = InTurn(ports, self.token)  # type: ignore[assignment]

    def start_web(self) -> None:
        self.ports = {FORMER: free_ports(1), THIS: self.port}
        for role, port in self.ports.items():
            self.houses[role].start("web", "--port", str(port))
        for port in self.ports.values():
            eventually(Browser(f"http://127.0.0.1:{port}").answers, "its pages are there")

    def start_worker(self) -> None:
        for house in self.houses.values():
            house.start("worker", "--grace", "3").says("dispatcher_runs")

    def times_in_the_inbox(self) -> dict[str, int]:
        """Without the tasks that the release has left in the database."""
        return {task: times for task, times in super().times_in_the_inbox().items() if re.fullmatch(r"T-\d+", task)}

    def shares(self) -> dict[str, dict[str, int]]:
        """How much of each kind of work each release has done."""
        done: dict[str, dict[str, int]] = {work: {} for work in WORK}
        for work, role, count in self.house.rows("SELECT work, role, count(*) FROM done_by GROUP BY work, role"):
            done[str(work)][str(role)] = int(str(count))
        return done


class Readers(threading.Thread):
    """People who open one page after the other, and each at both releases."""

    def __init__(self, ports: list[int]) -> None:
        super().__init__(daemon=True)
        self._over = threading.Event()
        self._walks = [(Browser(f"http://127.0.0.1:{port}"), name) for port in ports for name in PEOPLE]
        self.read = 0
        self.errors: list[str] = []
        for browser, name in self._walks:
            browser.sign_in(name, PASSWORD)

    def run(self) -> None:
        walks = [self._walk(browser, PEOPLE[name]) for browser, name in self._walks]
        while not self._over.is_set():
            for walk in walks:
                next(walk, None)

    def _walk(self, browser: Browser, beginnings: tuple[str, ...]) -> Iterator[None]:
        """Open the pages that others lead to, those of the desk's lists and of the inbox, again and again."""
        paths = list(beginnings)
        for path in itertools.chain(beginnings, itertools.cycle(paths)):
            try:
                status, _, page = browser.open(path)
            except OSError as error:
                self.errors.append(f"{error} {browser.url}{path}")
                return
            self.read += 1
            if status >= 500:
                self.errors.append(f"{status} {browser.url}{path}")
            found = re.findall(r'href="(/(?:admin/[a-z0-9_/]+/|items/[^"#?]+|done|updates))"', page)
            paths += [each for each in dict.fromkeys(found) if each not in paths and "logout" not in each]
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        self.start()
        try:
            yield
        finally:
            self._over.set()
            self.join()


@contextmanager
def running(house: House) -> Iterator[None]:
    """Its web and worker run meanwhile, and survive it."""
    commands = [house.start("web", "--port", str(free_ports(1))), house.start("worker", "--grace", "3")]
    commands[1].says("dispatcher_runs")
    yield
    for command in commands:
        assert command.process.poll() is None, command.said
        command.signal(signal.SIGTERM)
        command.ends()


@contextmanager
def two_releases(checkout: Path) -> Iterator[TwoReleases]:
    """A database of the last release, which `migrate` of this version has changed while that release ran, and what runs
    on it."""
    with ExitStack() as stack:
        houses = {FORMER: stack.enter_context(House(checkout)), THIS: stack.enter_context(House())}
        base, former = houses[THIS], houses[FORMER]
        base.environment |= SETTINGS
        restore(base, LAST)
        stack.callback(shared_servers.release, base.folder)
        servers = shared_servers.ensure(base.folder)
        base.environment["DATABASE_URL"] = servers.database_url
        for role in houses:
            base.change(f"CREATE ROLE {role} LOGIN IN ROLE postgres")
        urls = {role: servers.database_url.replace("//postgres@", f"//{role}@") for role in houses}
        for house in houses.values():
            house.environment |= {**SETTINGS, "REDIS_URL": servers.redis_url}
            house.environment |= {"OUTBOUND_ALLOWED_CIDRS": "127.0.0.0/8", "ALLOWED_HOSTS": "127.0.0.1"}
        former.environment["DATABASE_URL"] = urls[FORMER]
        with running(former):
            migrated = base.run("migrate")
        assert migrated.process.returncode == 0, migrated.said
        base.is_migrated = True
        base.change(RENAME_BOB)
        base.change(WHO_DID_IT)
        for work, when in WORK.items():
            name = work.replace(" ", "_")
            base.change(f"CREATE TRIGGER {name} AFTER {when} EXECUTE FUNCTION who_did_it('{work}')")
        base.environment["DATABASE_URL"] = urls[THIS]
        receiver = stack.enter_context(receiving())
        yield TwoReleases(houses, receiver)


def send_for(load: Load, seconds: float) -> None:
    end = time.monotonic() + seconds
    with load.answering():
        for number in itertools.count():
            load.send(number)
            if time.monotonic() > end:
                return
            time.sleep(EVERY_SECONDS)


def test_processes_of_the_last_release_and_of_this_version_share_the_work(tmp_path: Path) -> None:
    version = LAST.name.removesuffix(".sql.gz")
    if not unpack(version, tmp_path):
        pytest.skip("git does not have the release here")
    with two_releases(tmp_path) as here:
        load, readers = Load(here), Readers(list(here.ports.values()))
        with readers.reading():
            send_for(load, SECONDS)
        repeats = load.is_all_there_once()

        assert readers.errors == []
        assert repeats == 0, "the engine is told each answer once"
        shares = here.shares()
        assert {work for work, roles in shares.items() if set(roles) == {FORMER, THIS}} == set(WORK)
        left = "SELECT event_id, status FROM notifications_event WHERE status = 'failed' OR due_at IS NOT NULL"
        assert here.house.rows(left) == []
        proved(
            f"web and worker of {version} beside those of this version for {SECONDS} s: {len(load.accepted)} events,"
            f" each once in the inbox and answered, its answer told once; {readers.read} pages, no error page; {shares}"
        )
