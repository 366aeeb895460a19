"""A database of each release, with what people left in it, goes on under this version after `migrate` alone."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.soak.installation import LONG
from tests.support.calls import Caller
from tests.support.processes import Command, House, free_ports
from tests.support.receiver import Receiver, receiving
from tests.support.release import (
    ENGINE,
    ENGINES_ARE_HERE,
    PUSH_ENDPOINT,
    answer,
    assigned,
    count,
    does,
    token_of,
)
from tests.support.releases import DATABASES, FIRST_BESIDE_THE_NEXT, LAST, SETTINGS, restore, unpack
from tests.support.surfing import Browser
from tests.support.waiting import eventually
from wfpush.embedded import shared_servers
from wfpush.postgres.required_release import numbers

pytestmark = [pytest.mark.processes, pytest.mark.ci, pytest.mark.soak]

DUMPS = DATABASES if LONG else [LAST]
"""In `make soak` those of all releases, and of the development version in whose schema the migrations of 0.2.0 begin;
else that of the last release."""


of_each = pytest.mark.parametrize(
    "upgraded", DUMPS, ids=[dump.name.removesuffix(".sql.gz") for dump in DUMPS], indirect=True, scope="module"
)

PASSWORD = "a long walk by the sea"
ON_THIS_MACHINE = ENGINES_ARE_HERE | {"PUSH_ALLOWED_CIDRS": "127.0.0.0/8"}


class Upgraded:
    """The database of a release, brought up to date by `migrate`, with web and worker of this version on it."""

    def __init__(self, house: House, dump: Path, engine: Receiver, phone: Receiver) -> None:
        self.house, self.receiver, self.phone = house, engine, phone
        restore(house, dump)
        house.environment["DATABASE_URL"] = shared_servers.ensure(house.folder).database_url
        house.change(f"UPDATE notifications_device SET address = '{phone.url}' WHERE address = '{PUSH_ENDPOINT}'")
        migrated = house.run("migrate")
        assert migrated.process.returncode == 0, migrated.said
        clerk = house.clerk(**ENGINES_ARE_HERE)
        for ref in ("bob", "admin"):
            clerk.run("create_person", ref, "--password", PASSWORD)
        made = clerk.run("create_engine", ENGINE, "--callback-url", engine.url)
        house.dismiss_clerk()
        self.port = free_ports(1)
        house.start("web", "--port", str(self.port), **ON_THIS_MACHINE)
        self.engine = Caller(self.port, json.loads(made.strip().splitlines()[-1])["api_key"])
        self.bob = Caller(self.port, token_of(self.engine, "bob"))

    def work(self) -> None:
        worker = self.house.start("worker", "--grace", "3", **ON_THIS_MACHINE)
        worker.says("dispatcher_runs")

    def inbox(self) -> dict[str, str]:
        """The states of what Bob's list has, by title."""
        items = does(self.bob, "GET", "/api/v1/notifications")["items"]
        return {str(item["title"]): str(item["state"]) for item in items}

    def state_of(self, task: str) -> str:
        """In Bob's inbox; empty: it is not there."""
        return next((state for title, state in self.inbox().items() if task in title), "")

    def told(self) -> list[str]:
        """Tasks of whose answers the engine has heard."""
        return [str(call.data["task_id"]) for call in self.receiver.calls]

    def surfing(self, name: str) -> Browser:
        browser = Browser(f"http://127.0.0.1:{self.port}")
        eventually(browser.answers, "there is a page to sign in on")
        browser.sign_in(name, PASSWORD)
        return browser


@pytest.fixture(scope="module")
def upgraded(request: pytest.FixtureRequest) -> Iterator[Upgraded]:
    house = House()
    house.environment |= SETTINGS
    try:
        with receiving() as engine, receiving() as phone:
            phone.answer(201)
            yield Upgraded(house, request.param, engine, phone)
    finally:
        shared_servers.release(house.folder)
        house.clear()


@of_each
def test_nothing_that_was_there_is_lost(upgraded: Upgraded) -> None:
    inbox = upgraded.inbox()

    for task, state in {"T-answered": "answered", "T-half": "answered", "T-open": "open"}.items():
        assert upgraded.state_of(task) == state, inbox
    assert upgraded.state_of("T-waiting") == "", "no worker has processed it yet"
    assert count(upgraded.house, "escalations_escalation") > 0
    answered = "notifications_task WHERE state = 'answered' AND states_before = '[\"open\"]'"
    assert count(upgraded.house, answered) == 2, "refused, they are open again"


@of_each
def test_what_the_release_left_half_done_is_done(upgraded: Upgraded) -> None:
    upgraded.work()
    eventually(lambda: upgraded.state_of("T-waiting") == "open", "the event that waited is processed")
    eventually(lambda: upgraded.told() == ["T-half"], "the engine is told the answer that waited, once")
    eventually(lambda: upgraded.phone.calls, "the new phone hears of it")


@of_each
def test_an_open_task_is_answered_and_a_new_event_processed(upgraded: Upgraded) -> None:
    answer(upgraded.bob, "T-open")
    does(upgraded.engine, "POST", "/api/v1/events", assigned("T-new"))
    eventually(lambda: "T-open" in upgraded.told(), "the engine is told")
    eventually(lambda: upgraded.state_of("T-new") == "open", "Bob has the new task")
    answer(upgraded.bob, "T-new")
    eventually(lambda: sorted(upgraded.told()) == ["T-half", "T-new", "T-open"], "each once")


@of_each
def test_bobs_pages_load(upgraded: Upgraded) -> None:
    bob = upgraded.surfing("bob")
    _, _, inbox = bob.open("/")
    for path in {"/", *re.findall(r'href="(/(?!admin|static)[^"#]*)"', inbox)} - {"/sign-out"}:
        assert bob.open(path)[0] == 200, path


@pytest.mark.long
@pytest.mark.parametrize("upgraded", [LAST], ids=["last"], indirect=True, scope="module")
def test_the_last_release_runs_beside_this_version_or_refuses_to_start(upgraded: Upgraded, tmp_path: Path) -> None:
    version = LAST.name.removesuffix(".sql.gz")
    if not unpack(version, tmp_path):
        pytest.skip("git does not have the release here")
    upgraded.work()
    does(upgraded.engine, "POST", "/api/v1/events", assigned("T-beside"))
    eventually(lambda: upgraded.state_of("T-beside") == "open", "this version has processed it")
    port = free_ports(1)
    environment = upgraded.house.environment | ON_THIS_MACHINE | {"PYTHONPATH": str(tmp_path)}
    web = Command(["web", "--port", str(port)], environment, checkout=tmp_path)
    upgraded.house.commands.append(web)

    if numbers(version) < numbers(FIRST_BESIDE_THE_NEXT):
        assert web.ends() == 1
        assert "has changed wfpush_heartbeat.release; update this process to that version" in web.said
    else:
        answer(Caller(port, token_of(upgraded.engine, "bob")), "T-beside")
        eventually(lambda: "T-beside" in upgraded.told(), "the engine is told")


@pytest.mark.long
@of_each
def test_every_page_of_the_desk_loads(upgraded: Upgraded) -> None:
    admin = upgraded.surfing("admin")
    _, _, desk = admin.open("/admin/")
    pages = set(re.findall(r'href="(/admin/[a-z0-9_/]*/)"', desk)) - {"/admin/logout/"}

    assert len(pages) > 20
    for path in pages:
        status, _, page = admin.open(path)
        assert status == 200, path
        for row in re.findall(rf'href="({path}[^"/]+/change/)', page)[:1]:
            assert admin.open(row)[0] == 200, row


@of_each
def test_all_is_well_then(upgraded: Upgraded) -> None:
    upgraded.house.beats_again()
    eventually(lambda: Caller(upgraded.port, "").call("GET", "/readyz")[0] == 200, "it is ready")
    said = upgraded.house.run("doctor", "--ledger", **ON_THIS_MACHINE).said

    assert "All is well." in said, said
