"""Each test of this folder meets all four kinds of engines with a REST interface, one after the other.

Those that tell a story through the public API meet the demo engine, too (`side`): in `make soak` each of them all five
engines, in `make test` two, by turns, so that every engine goes through two fifths of the stories.
"""

from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from escalations.clocks import due_steps
from escalations.models import Policy, PolicyStep
from notifications.engines.task_sync import Reader
from notifications.models import Category, Template
from tests.engines.demo import DemoSide, Side
from tests.engines.pairs import SIDES, is_its_turn
from tests.engines.sides import RestSide
from tests.engines.world import KINDS, Kind, World, world_of
from tests.pushlab.background import Background
from tests.soak.installation import LONG
from tests.support.receiver import Receiver
from tests.support.world import World as Wfpush


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    tests = [] if LONG else [item for item in items if isinstance(item, pytest.Function)]
    left_out = {test for test in tests if not is_its_turn(test)}
    if left_out:
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture
async def world(kind: Kind) -> AsyncIterator[World]:
    async with world_of(kind) as made:
        yield made


@pytest.fixture(scope="module")
def background() -> Iterator[Background]:
    running = Background()
    yield running
    running.stop()


@pytest.fixture
def reader(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    """Reads tasks before a step is taken. It knows no engine yet, and may read those on loopback."""
    settings.OUTBOUND_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]
    made = Reader()
    monkeypatch.setattr(due_steps, "_reader", made)
    yield made
    made.close()


@pytest.fixture(params=SIDES, ids=lambda kind: kind.name if kind else "demo")
def side(
    request: pytest.FixtureRequest, background: Background, reader: Reader, live_server: LiveServer, tmp_path: Path
) -> Iterator[Side]:
    wfpush = Wfpush.begin(Receiver(url="http://127.0.0.1:9/none"))
    kind: Kind | None = request.param
    made: Side
    if kind is None:
        made = DemoSide(wfpush, live_server.url, background, tmp_path / "demo")
    else:
        made = RestSide(kind, wfpush, live_server.url, background)
    yield made
    made.stop()


@pytest.fixture
def policy(side: Side) -> Policy:
    """Whoever leaves a task alone until it is due has their manager told."""
    made = Policy.objects.create(name="Approvals", time="wall")
    runs_late, category = Template.objects.get(slug="task-late"), Category.objects.get(slug="approvals")
    PolicyStep.objects.create(policy=made, time="wall", target="manager", template=runs_late, category=category)
    return made
