"""`make demo-event`: every event it can send is one that wfpush takes and acts on."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from notifications.models import Event, EventStatus
from notifications.routing import pipeline
from notifications.starter.samples import SAMPLES
from tests.support.documentation import ROOT, first_words, section
from tests.support.length import some
from tests.support.messages import show_messages
from tests.support.processes import House, free_ports
from tests.support.release import count
from tests.support.story import Story
from tests.support.waiting import PATIENCE_SECONDS
from tools.demo_event import TYPES, Installation, Stopped, events

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)


def test_it_knows_all_types_that_engines_send() -> None:
    documented = first_words(section("docs/api", "Event data"))

    assert set(TYPES) == set(documented) & set(SAMPLES)


@pytest.mark.django_db
@pytest.mark.parametrize("kind", some(TYPES, 5))
def test_every_type_is_taken_and_tells_somebody(kind: str) -> None:
    story = Story.begin()
    for event in events(kind, "1a2b3c4d", NOW):
        story.send(event["type"], event["data"])
        pipeline.drain()
    if kind == "task.message":
        show_messages()  # an event of our own tells of it

    last = Event.objects.latest("received_at")
    assert (last.type, last.status) == (kind, EventStatus.PROCESSED)
    assert last.plan["recipients"]


# --- with real processes ------------------------------------------------------------------------------------------
def test_where_nothing_runs_it_says_how_to_start(tmp_path: Path) -> None:
    with pytest.raises(Stopped, match="Start it in another terminal with `make dev`"):
        Installation(free_ports(1), tmp_path).wait(patience=0.5)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with House() as found:
        found.migrate()
        with found.servers():
            yield found


def run(house: House, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """As `make demo-event` does: without the Django settings that the tests have chosen."""
    words = [sys.executable, "-m", "tools.demo_event", *arguments]
    environment = {name: value for name, value in house.environment.items() if name != "DJANGO_SETTINGS_MODULE"}
    return subprocess.run(words, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)


@pytest.mark.long
@pytest.mark.processes
def test_it_sends_and_says_where_to_look(house: House) -> None:
    port = free_ports(1)
    house.start("web", "--port", str(port))
    Installation(port, house.folder).wait(PATIENCE_SECONDS)

    first = run(house, "--port", str(port))
    second = run(house, "exception.resolved", "--port", str(port))

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    for said in ("Sent task.assigned.", f"http://127.0.0.1:{port}", "What became of the task:"):
        assert said in first.stdout
    assert "Sent exception.raised." in second.stdout and "Sent exception.resolved." in second.stdout
    assert count(house, "notifications_event") == 3
    assert count(house, "notifications_apikey") == 1, "the key is kept"
    assert (house.folder / "demo-event.key").stat().st_mode & 0o077 == 0


@pytest.mark.processes
def test_an_unknown_type_is_answered_with_those_there_are(house: House) -> None:
    said = run(house, "task.forgotten")

    assert said.returncode == 2
    assert all(kind in said.stderr for kind in TYPES)
