"""The demo engine, which runs BPMN in SpiffWorkflow, conforms: started as `manage.py up --demo` starts it."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from notifications.conformance.callbacks import LINES, TASKS
from notifications.conformance.tests.test_command import page_block, started
from notifications.connectors import signatures
from tests.support.documentation import ROOT
from tests.support.processes import free_ports
from tests.support.waiting import eventually

API_KEY = "wfp_of_the_conformance_kit"
SECONDS = 120


@pytest.mark.processes
def test_the_demo_engine_conforms(tmp_path: Path) -> None:
    demo_port, kit_port = free_ports(2), free_ports(1)
    demo, secret, began = f"http://127.0.0.1:{demo_port}", signatures.new_secret(), time.monotonic()
    of_demo = {
        "DEMO_PORT": str(demo_port),
        "DEMO_DATA": str(tmp_path / "demo"),
        "WFPUSH_URL": f"http://127.0.0.1:{kit_port}",
        "WFPUSH_API_KEY": API_KEY,
        "WFPUSH_SIGNING_SECRET": secret,
    }
    here = {"https://engine.example/callback": f"{demo}/callback", "127.0.0.1:8099": f"127.0.0.1:{kit_port}"}
    with (
        (tmp_path / "demo.txt").open("w") as log,
        subprocess.Popen(
            [sys.executable, "-m", "demo"], cwd=ROOT, env=os.environ | of_demo, stdout=log, stderr=log
        ) as engine,
        started(page_block("--kind webhook", **here), tmp_path, KEY=API_KEY, WFPUSH_SIGNING_SECRET=secret) as kit,
    ):
        try:
            assert kit.stdout is not None
            name = next(filter(None, (re.match(r"(\S+) in the name", line) for line in kit.stdout)))[1]
            eventually(lambda: is_there(demo), "the demo engine answers")
            for number in range(TASKS):
                start = {"process": "invoice_approval", "data": {"number": f"{name}-{number}"}}
                assert httpx.post(f"{demo}/api/instances", json=start, trust_env=False).status_code == 201
            printed, _ = kit.communicate(timeout=SECONDS)
        finally:
            engine.terminate()

    assert kit.returncode == 0, printed
    assert printed.splitlines()[-1] == f"works: {len(LINES)}"
    assert time.monotonic() - began < SECONDS
    report = (tmp_path / "report.json").read_text()
    assert json.loads(report)["conforms"] is True
    assert not [each for each in (secret, API_KEY) if each in report + printed]


def is_there(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
