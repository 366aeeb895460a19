"""Real engines conform: the demo, which runs BPMN in SpiffWorkflow, and bpmn-engine of npm. The kit and the engines are
processes, started as people start them."""

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx
import pytest

from notifications.conformance.callbacks import LINES, TASKS
from notifications.conformance.tests.runs import API_KEY, KEY, keys, run_webhook_kit
from notifications.conformance.tests.test_command import page_block, started
from notifications.connectors import signatures
from tests.engines.bpmn_engine import BpmnEngine
from tests.support import npm
from tests.support.documentation import ROOT
from tests.support.processes import free_ports
from tests.support.waiting import eventually

SECONDS = 120
SECONDS_WITHOUT_TASKS = 4


def prove(callback: str, kit_port: int, secret: str, folder: Path, begin: Callable[[str], object]) -> None:
    """Run the command of the page against a running engine. `begin` starts a process, given its name."""
    addresses = {"https://engine.example/callback": callback, "127.0.0.1:8099": f"127.0.0.1:{kit_port}"}
    began = time.monotonic()
    with started(page_block("--kind webhook", **addresses), folder, KEY=API_KEY, WFPUSH_SIGNING_SECRET=secret) as kit:
        assert kit.stdout is not None
        name = next(filter(None, (re.match(r"(\S+) in the name", line) for line in kit.stdout)))[1]
        for number in range(TASKS):
            begin(f"{name}-{number}")
        printed, _ = kit.communicate(timeout=SECONDS)

    assert kit.returncode == 0, printed
    assert printed.splitlines()[-1] == f"works: {len(LINES)}"
    assert time.monotonic() - began < SECONDS
    report = (folder / "report.json").read_text()
    assert json.loads(report)["conforms"] is True
    assert not [each for each in (secret, API_KEY) if each in report + printed]


@pytest.mark.processes
def test_the_demo_engine_conforms(tmp_path: Path) -> None:
    demo_port, kit_port, secret = free_ports(2), free_ports(1), signatures.new_secret()
    demo = f"http://127.0.0.1:{demo_port}"
    of_demo = {
        "DEMO_PORT": str(demo_port),
        "DEMO_DATA": str(tmp_path / "demo"),
        "WFPUSH_URL": f"http://127.0.0.1:{kit_port}",
        "WFPUSH_API_KEY": API_KEY,
        "WFPUSH_SIGNING_SECRET": secret,
    }

    def begin(name: str) -> None:
        start = {"process": "invoice_approval", "data": {"number": name}}
        assert httpx.post(f"{demo}/api/instances", json=start, trust_env=False).status_code == 201

    with (
        (tmp_path / "demo.txt").open("w") as log,
        subprocess.Popen(
            [sys.executable, "-m", "demo"], cwd=ROOT, env=os.environ | of_demo, stdout=log, stderr=log
        ) as engine,
    ):
        try:
            eventually(lambda: is_there(demo), "the demo engine answers")
            prove(f"{demo}/callback", kit_port, secret, tmp_path, begin)
        finally:
            engine.terminate()


def is_there(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


# --- bpmn-engine ------------------------------------------------------------------------------------------------------
@pytest.fixture
def engine_of_npm(tmp_path: Path) -> Callable[..., BpmnEngine]:
    npm.needed()
    return partial(BpmnEngine, tmp_path / "engine", free_ports(1))


@pytest.mark.ci
@pytest.mark.processes
def test_the_engine_of_npm_conforms(engine_of_npm: Callable[..., BpmnEngine], tmp_path: Path) -> None:
    kit_port, secret = free_ports(1), signatures.new_secret()
    with engine_of_npm(f"http://127.0.0.1:{kit_port}", API_KEY, secret) as engine:

        def begin(name: str) -> None:
            engine.begin(name[-1], name=name, assignee="bob")

        prove(engine.callback_url, kit_port, secret, tmp_path, begin)
        assert engine.read("0")["passed"] == ["start", "approve", "decision", "order", "ordered"]


DEVIATIONS = [
    ("has a wrong key", "tasks sign-in"),
    ("takes any signature", "wrong-signature old-signature"),
    ("takes repeats for others", "repeated"),
    ("counts second answers", "second-answer"),
]


@pytest.mark.long
@pytest.mark.processes
@pytest.mark.parametrize(("deviation", "found"), DEVIATIONS)
async def test_a_deviation_of_it_is_found(engine_of_npm: Callable[..., BpmnEngine], deviation: str, found: str) -> None:
    kit_port, secret = free_ports(1), signatures.new_secret()
    with engine_of_npm(f"http://127.0.0.1:{kit_port}", API_KEY, secret, deviation) as engine:

        async def begin(_events_url: str) -> None:
            for number in range(TASKS):
                await asyncio.to_thread(engine.begin, str(number), name=f"Approve {KEY}", assignee="bob")

        by_hand = SECONDS if "tasks" not in found else SECONDS_WITHOUT_TASKS
        report = await run_webhook_kit(
            engine.callback_url, secret, begin, port=kit_port, patience=SECONDS, by_hand=by_hand
        )

    assert keys(report, "differs") == set(found.split()), report.findings
