"""The engine as a real process, killed with SIGKILL between steps and in the middle of them."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.demo.recorder import Recorder, problem
from tests.demo.service import SECRET, callback_body, eventually, signed

pytestmark = pytest.mark.processes

ROOT = Path(__file__).resolve().parents[2]


class Process:
    """`python -m demo` on a port and a folder of its own."""

    def __init__(self, folder: Path, wfpush: Recorder) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            "PATH": os.environ["PATH"],
            "DEMO_PORT": str(self.port),
            "DEMO_DATA": str(folder),
            "WFPUSH_URL": wfpush.url,
            "WFPUSH_API_KEY": wfpush.api_key,
            "WFPUSH_SIGNING_SECRET": SECRET,
        }

    @asynccontextmanager
    async def running(self, end: signal.Signals) -> AsyncIterator[aiohttp.ClientSession]:
        """The process while it runs; it ends by that signal."""
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "demo", cwd=ROOT, env=self.environment)
        try:
            async with aiohttp.ClientSession(self.url) as session:
                await self.answers(session, process)
                yield session
        finally:
            with suppress(ProcessLookupError):
                process.send_signal(end)
            await asyncio.wait_for(process.wait(), 20)

    async def answers(self, session: aiohttp.ClientSession, process: asyncio.subprocess.Process) -> None:
        async with asyncio.timeout(30):
            while True:
                with suppress(aiohttp.ClientError):
                    async with session.get("/healthz"):
                        return
                assert process.returncode is None, "the engine ended by itself"
                await asyncio.sleep(0.05)


async def start(session: aiohttp.ClientSession) -> dict[str, Any]:
    async with session.post("/api/instances", json={"process": "invoice_approval"}) as response:
        assert response.status == 201
        started: dict[str, Any] = await response.json()
        return started


async def answer(session: aiohttp.ClientSession, task: str, key: str) -> int:
    body = callback_body(task, "approve", key=key)
    async with session.post("/callback", data=body, headers=signed(body, key)) as response:
        return response.status


@pytest.mark.ci
async def test_killed_between_steps_the_engine_loses_nothing_and_sends_nothing_twice(
    tmp_path: Path, wfpush: Recorder
) -> None:
    process = Process(tmp_path / "demo", wfpush)
    wfpush.away = problem(503, "unavailable", "Away.")
    async with process.running(signal.SIGKILL) as session:
        started = await start(session)
    async with process.running(signal.SIGKILL) as session:
        assert await answer(session, started["open_tasks"][0], "r-1") == 200
    wfpush.away = None
    async with process.running(signal.SIGTERM) as session:
        assert await answer(session, started["open_tasks"][0], "r-1") == 200
        async with session.get(f"/api/instances/{started['id']}") as response:
            instance = await response.json()
        expected = [event["id"] for event in instance["events"]]
        await eventually(lambda: {event["id"] for event in wfpush.events} >= set(expected), "every event")
    assert instance["state"] == "finished"
    assert [entry["kind"] for entry in instance["history"]].count("answered") == 1
    assert [event["id"] for event in wfpush.events if event["id"].startswith(started["id"])] == expected


@pytest.mark.ci
async def test_killed_in_the_middle_of_work_what_was_confirmed_has_happened(tmp_path: Path, wfpush: Recorder) -> None:
    process = Process(tmp_path / "demo", wfpush)
    started: list[dict[str, Any]] = []
    answered: list[str] = []

    async def work(session: aiohttp.ClientSession) -> None:
        with suppress(aiohttp.ClientError):
            while True:
                instance = await start(session)
                started.append(instance)
                task = instance["open_tasks"][0]
                if await answer(session, task, f"r-{task}") == 200:
                    answered.append(instance["id"])

    for round_number in range(3):
        async with process.running(signal.SIGKILL) as session:
            workers = [asyncio.create_task(work(session)) for _ in range(4)]
            goal = 8 * (round_number + 1)
            await eventually(lambda goal=goal: len(answered) >= goal, "some answers before the kill")  # type: ignore[misc]
        await asyncio.gather(*workers)

    async with process.running(signal.SIGTERM) as session:
        for instance in started:  # wfpush tries again what was not confirmed
            assert await answer(session, instance["open_tasks"][0], f"r-{instance['open_tasks'][0]}") == 200
        async with session.get("/api/instances") as response:
            items = {item["id"]: item for item in (await response.json())["items"]}
        assert {instance["id"] for instance in started} <= set(items)
        assert {items[instance["id"]]["state"] for instance in started} == {"finished"}
        wanted = {f"{instance['id']}.{number}" for instance in started for number in range(1, 9)}
        await eventually(lambda: {event["id"] for event in wfpush.events} >= wanted, "every event of every instance")
        async with session.get("/api/instances") as response:
            assert all(not item["refused_events"] for item in (await response.json())["items"])


async def test_an_engine_started_while_the_old_one_still_runs_takes_over_when_it_stops(
    tmp_path: Path, wfpush: Recorder
) -> None:
    old, new = (Process(tmp_path / "demo", wfpush) for _ in range(2))
    async with old.running(signal.SIGTERM) as session:
        started = await start(session)
        heir = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "demo", cwd=ROOT, env=new.environment, stderr=asyncio.subprocess.PIPE
        )
        assert heir.stderr is not None
        assert b"waiting for it to stop" in await asyncio.wait_for(heir.stderr.readline(), 30)
    try:
        async with aiohttp.ClientSession(new.url) as session:
            await new.answers(session, heir)
            async with session.get(f"/api/instances/{started['id']}") as response:
                assert response.status == 200
    finally:
        heir.terminate()
        await asyncio.wait_for(heir.communicate(), 20)


async def test_a_missing_setting_ends_the_start_with_its_name(tmp_path: Path, wfpush: Recorder) -> None:
    environment = Process(tmp_path, wfpush).environment
    del environment["WFPUSH_API_KEY"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "demo", cwd=ROOT, env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, said = await asyncio.wait_for(process.communicate(), 40)
    assert process.returncode == 2
    assert b"WFPUSH_API_KEY is not set" in said
