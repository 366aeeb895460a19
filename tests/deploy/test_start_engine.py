"""docs/start/engine.md: its commands lead from an installation to a signed answer, its receivers check signatures."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from xml.etree import ElementTree

import httpx
import pytest

from notifications.connectors import signatures
from tests.engines.bpmn_engine import BpmnEngine
from tests.support import npm
from tests.support.documentation import ROOT, blocks, section
from tests.support.processes import House, free_ports
from tests.support.waiting import eventually

PAGE = "docs/start/engine.md"
START = 'git clone "$REPOSITORY" wfpush\ncd wfpush && make run\n'
RECEIVERS = {"python": ("python3", "receiver.py"), "js": ("node", "receiver.mjs"), "java": ("java", "Receiver.java")}
BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"


def write_receiver(language: str, folder: Path, port: int) -> list[str]:
    """Return the command that starts the page's receiver, at this port."""
    program, name = RECEIVERS[language]
    (source,) = blocks(PAGE, language, "receiver")
    (folder / name).write_text(source.replace("9000", str(port)), encoding="utf-8")
    return [program, name]


# --- the commands -------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def installation() -> Iterator[tuple[House, int]]:
    """What `make run` starts, with the demo's people, and its port."""
    with House() as house:
        house.migrate()
        port = free_ports(2)
        house.start("up", "--demo", "--port", str(port)).says(f"wfpush is ready: http://127.0.0.1:{port}", within=120)
        yield house, port


@pytest.mark.processes
@pytest.mark.long
def test_the_commands_lead_to_a_signed_answer(installation: tuple[House, int], tmp_path: Path) -> None:
    house, port = installation
    receiver = free_ports(1)
    write_receiver("python", tmp_path, receiver)
    (tmp_path / "manage.py").symlink_to(ROOT / "manage.py")
    first, *rest = blocks(PAGE, "sh")
    assert first == START
    adapted = {
        ".venv/bin/python": sys.executable,
        "127.0.0.1:8000": f"127.0.0.1:{port}",
        "127.0.0.1:9000": f"127.0.0.1:{receiver}",
    }
    pattern = re.compile("|".join(map(re.escape, adapted)))
    script = pattern.sub(lambda match: adapted[match[0]], "\n".join(rest))
    delivered = script.strip().splitlines()[-1].replace("curl", "curl -s") + " | grep -q '\"delivered\"'"
    words = f"set -euo pipefail\ntrap 'kill $(jobs -p)' EXIT\n{script}\nuntil {delivered}; do sleep 0.2; done"
    done = subprocess.run(
        ["bash", "-c", words], cwd=tmp_path, env=house.environment, capture_output=True, text=True, timeout=120
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "T-1: Bob says approved. Fine.\n" in done.stdout


# --- an engine of npm ---------------------------------------------------------------------------------------------
FORM = {
    "schema": {
        "type": "object",
        "properties": {
            "amount": {"type": "number", "title": "Amount"},
            "pay_on": {"type": "string", "format": "date", "title": "Pay on"},
            "urgent": {"type": "boolean", "title": "Urgent"},
        },
        "required": ["amount"],
    }
}
VALUES = {"amount": 1200.5, "pay_on": "2031-01-31", "urgent": True}


@pytest.mark.processes
@pytest.mark.ci
def test_a_process_of_another_engine_ends_when_bob_approves(installation: tuple[House, int], tmp_path: Path) -> None:
    npm.needed()
    house, port = installation
    wfpush, engine_port = f"http://127.0.0.1:{port}", free_ports(1)
    callback = f"http://127.0.0.1:{engine_port}/callback"
    clerk = house.clerk(OUTBOUND_ALLOWED_CIDRS="127.0.0.0/8")
    keys = json.loads(clerk.run("create_engine", "orders", "--callback-url", callback).splitlines()[-1])
    with (
        BpmnEngine(tmp_path, engine_port, wfpush, keys["api_key"], keys["signing_secret"]) as engine,
        httpx.Client(base_url=f"{wfpush}/api/v1", headers={"X-API-Key": keys["api_key"]}, trust_env=False) as api,
    ):
        tokens = {ref: api.post(f"/recipients/{ref}/tokens").json()["token"] for ref in ("bob", "carol")}
        bob, carol = ({"Authorization": f"Bearer {token}", "X-API-Key": ""} for token in tokens.values())

        def item(person: dict[str, str], title: str, state: str) -> dict[str, Any]:
            items = api.get("/notifications", params={"state": "all"}, headers=person).json()["items"]
            return next((each for each in items if title in each["title"] and each["state"] == state), {})

        engine.begin("lathe", name="Order the lathe", assignee="bob", form=FORM)
        engine.begin("drill", name="Order the drill", assignee="bob", late_after="PT0.1S")
        lathe = eventually(lambda: item(bob, "Order the lathe", "open"), "Bob has the task")
        eventually(lambda: item(carol, "Order the drill", "open"), "Bob's manager has the task of the late process")

        engine.stop()
        answer = {"action": "approve", "comment": "Fine.", "values": VALUES}
        api.post(f"/notifications/{lathe['id']}/responses", json=answer, headers=bob).raise_for_status()
        engine.start()
        eventually(lambda: engine.read("lathe")["state"] == "idle", "the process ends")
        engine.withdraw("drill")
        eventually(lambda: item(bob, "Order the drill", "withdrawn"), "Bob's task ends with that of the engine")
        process = engine.read("lathe")
        task = api.get(f"/tasks/{process['task']}").json()

    assert process["passed"] == ["start", "approve", "decision", "order", "ordered"]
    assert process["output"]["approve"] == {"outcome": "approved", "comment": "Fine.", "variables": VALUES, "by": "bob"}
    assert [(each["action"], each["callback"]["state"]) for each in task["answers"]] == [("approve", "delivered")]


# --- the receivers ------------------------------------------------------------------------------------------------
ANSWER = (
    b'{"type": "task.responded", "data": {"task_id": "T-42", "responded_by": {"name": "Bob"}, "outcome": "approved", '
    b'"comment": "Fine."}}'
)
REASSIGNMENT = b'{"type": "task.reassignment_requested", "data": {"task_id": "T-42"}}'


def post(address: str, body: bytes, headers: dict[str, str]) -> int:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(address, body, headers), timeout=10) as answer:
            return int(answer.status)
    except HTTPError as refused:
        return refused.code
    except OSError:
        return 0


@pytest.mark.processes
@pytest.mark.parametrize("language", ["js", "java"])
def test_a_receiver_takes_each_signed_answer_once_and_no_other(language: str, tmp_path: Path) -> None:
    """The Python one is tested in tests/test_docs_engines.py."""
    if not shutil.which(RECEIVERS[language][0]):
        pytest.skip(f"{RECEIVERS[language][0]} is not installed")
    port, secret, old = free_ports(1), signatures.new_secret(), signatures.new_secret()
    words, address = write_receiver(language, tmp_path, port), f"http://127.0.0.1:{port}/callback"
    environment = os.environ | {"WFPUSH_SIGNING_SECRET": f"{old} {secret}"}

    def signed(body: bytes, message_id: str, late: int = 0) -> dict[str, str]:
        at = int(time.time()) - late
        signature = signatures.sign([secret], message_id, at, body)
        return {"webhook-id": message_id, "webhook-timestamp": str(at), "webhook-signature": signature}

    with subprocess.Popen(words, cwd=tmp_path, env=environment, stdout=subprocess.PIPE) as receiver:
        eventually(lambda: post(address, b"", {}) == 401, "the receiver answers")
        answers = [
            post(address, ANSWER, signed(ANSWER, "a-1")),
            post(address, ANSWER, signed(ANSWER, "a-1")),
            post(address, ANSWER + b" ", signed(ANSWER, "a-2")),
            post(address, ANSWER, signed(ANSWER, "a-3", late=301)),
            post(address, ANSWER, signed(ANSWER, "a-4") | {"webhook-timestamp": "soon"}),
            post(address, REASSIGNMENT, signed(REASSIGNMENT, "r-1")),
        ]
        receiver.terminate()
        printed = receiver.stdout.read().decode() if receiver.stdout else ""

    assert answers == [200, 200, 401, 401, 401, 422]
    assert printed.splitlines() == [{"js": "T-42: Bob says approved. Fine.", "java": ANSWER.decode()}[language]]


# --- the processes ------------------------------------------------------------------------------------------------
def test_each_process_has_one_task_for_bob() -> None:
    found = {}
    for kind in ("Flowable", "Camunda 7", "Camunda 8"):
        (model,) = re.findall(r"```xml\n(.*?)```", section(PAGE, kind), re.S)
        (process,) = ElementTree.fromstring(model).findall(f"{BPMN}process")
        (task,) = process.findall(f"{BPMN}userTask")
        names = {value for each in task.iter() for name, value in each.attrib.items() if name.endswith("assignee")}
        ends = [(flow.get("sourceRef"), flow.get("targetRef")) for flow in process.findall(f"{BPMN}sequenceFlow")]
        found[kind] = (names, ends)

    assert set(map(str, found.values())) == {str(({"bob"}, [("start", "approve"), ("approve", "end")]))}
