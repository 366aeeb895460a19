from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from demo.config import Settings
from demo.store import Store
from tests.demo.recorder import Recorder
from tests.demo.service import SECRET, Service, running


@pytest.fixture
async def wfpush() -> AsyncIterator[Recorder]:
    recorder = Recorder()
    async with TestServer(recorder.app) as server:
        recorder.url = str(server.make_url("")).rstrip("/")
        yield recorder


@pytest.fixture
def settings(tmp_path: Path, wfpush: Recorder) -> Settings:
    return Settings(
        port=8001,
        base_url="http://127.0.0.1:8001",
        wfpush_url=wfpush.url,
        api_key=wfpush.api_key,
        signing_secret=SECRET,
        data=tmp_path / "demo",
    )


@pytest.fixture
async def fresh(settings: Settings) -> AsyncIterator[Service]:
    """The engine's first start: it introduces people and starts the samples."""
    async with running(settings) as service:
        yield service


@pytest.fixture
def settled(settings: Settings) -> Settings:
    """Settings whose data folder has the first start behind it."""
    store = Store(settings.data)
    store.open()
    for done in ("people-known", "seeded"):
        store.set_mark(done)
    store.close()
    return settings


@pytest.fixture
async def service(settled: Settings) -> AsyncIterator[Service]:
    """The engine with nothing running."""
    async with running(settled) as service:
        yield service
