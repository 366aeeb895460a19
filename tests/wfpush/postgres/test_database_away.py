"""A real web process whose PostgreSQL is away: people read a calm page, programs get a problem, until it is back."""

import json
from collections.abc import Iterator

import pytest

from tests.support.processes import House, free_ports
from tests.support.surfing import Browser
from tests.support.waiting import eventually
from wfpush.embedded import shared_servers

pytestmark = pytest.mark.processes
PASSWORD = "a long walk by the sea"
LANGUAGES = {"en": "The database cannot be reached just now.", "de": "Wir erreichen unsere Daten gerade nicht."}


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with House() as found:
        found.migrate()
        done = found.run("create_person", "bob", "--name", "Bob", "--password", PASSWORD)
        assert done.process.returncode == 0, done.said
        yield found


@pytest.fixture(scope="module")
def browser(house: House) -> Browser:
    """Bob's, signed in while all was well; since then PostgreSQL is stopped."""
    port = free_ports(1)
    house.start("web", "--port", str(port))
    bob = Browser(f"http://127.0.0.1:{port}")
    eventually(bob.answers, "the web process answers", within=60)
    bob.sign_in("bob", PASSWORD)
    shared_servers.Postgres(shared_servers.locate(house.folder)).stop()
    return bob


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("path", ["/", "/n/0190c8f0-0000-7000-8000-000000000001", "/link/wfs_any", "/a/wfa_any"])
def test_people_read_a_page_in_their_language(browser: Browser, path: str, language: str) -> None:
    status, headers, page = browser.open(path, Accept_Language=language)

    assert status == 503
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Retry-After"] == "2"
    assert LANGUAGES[language] in page
    assert "<h1>" in page and "OperationalError" not in page


@pytest.mark.parametrize("path", ["/api/v1/notifications", "/api/v1/tasks/T-42"])
def test_programs_get_a_problem(browser: Browser, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer wfp_any"}):
        status, answered, body = browser.open(path, Accept="*/*", **headers)

        assert status == 503
        assert answered["Content-Type"] == "application/problem+json"
        assert answered["Retry-After"] == "2"
        assert json.loads(body)["code"] == "unavailable"


def test_an_event_is_not_said_to_be_taken(browser: Browser) -> None:
    status, _headers, body = browser.open("/api/v1/events", {}, Authorization="Bearer wfp_any")

    assert (status, json.loads(body)["code"]) == (503, "unavailable")


def test_the_stylesheet_of_the_page_comes_all_the_same(browser: Browser) -> None:
    assert browser.open("/static/wfpush/inbox.css")[0] == 200


def test_when_the_database_is_back_bob_is_still_signed_in(browser: Browser, house: House) -> None:
    server = shared_servers.Postgres(shared_servers.locate(house.folder))
    server.start()
    eventually(server.ready, "PostgreSQL serves")

    status, _headers, page = browser.open("/")

    assert status == 200
    assert "Waiting for you" in page and "Signed in as Bob" in page
