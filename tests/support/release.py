"""`python -m tests.support.release`: keep what a release leaves behind, so that later ones are tested to upgrade it.

Into tests/upgrades/ come the hashes of its migrations and a database that its own processes have used: people, teams
and devices, an engine, tasks open, answered and withdrawn, clocks, deliveries, and work that is only half done. Run it
in the checkout that is about to be released; `--checkout` names another one, `--name` what it is called (default: the
version of pyproject.toml). It takes about a minute.
"""

import argparse
import gzip
import json
import signal
import subprocess
import tomllib
from pathlib import Path
from typing import Any

from tests.support.calls import Caller
from tests.support.documentation import ROOT
from tests.support.processes import House, free_ports
from tests.support.receiver import receiving
from tests.support.releases import FOLDER, SETTINGS, migrations
from tests.support.waiting import eventually
from tests.support.webpush import Browser
from wfpush.embedded import shared_servers

READY = "Ctrl-C stops everything."
ENGINE = "upgrades"
ENGINES_ARE_HERE = {"OUTBOUND_ALLOWED_CIDRS": "127.0.0.0/8"}
PUSH_ENDPOINT = "http://127.0.0.1:9/bobs-phone"
"""Where nobody listens."""


def keep(checkout: Path, name: str) -> None:
    house = House(checkout)
    house.environment |= SETTINGS
    try:
        shared_servers.ensure(house.folder)
        use(house)
        (FOLDER / f"{name}.sql.gz").write_bytes(dumped(house))
    finally:
        shared_servers.release(house.folder)
        house.clear()
    lines = [f"{digest}  {path}\n" for path, digest in migrations(checkout).items()]
    (FOLDER / f"{name}.sha256").write_text("".join(lines), encoding="utf-8")


def dumped(house: House) -> bytes:
    """The whole database as SQL, packed; the same bytes for the same SQL."""
    server = shared_servers.Postgres(shared_servers.locate(house.folder))
    words = [str(server.programs() / "pg_dump"), "--no-owner", "--no-privileges", server.url]
    return gzip.compress(subprocess.run(words, check=True, capture_output=True).stdout, mtime=0)


# --- what happens in the release ------------------------------------------------------------------
def use(house: House) -> None:
    port = free_ports(2)
    up = house.start("up", "--demo", "--port", str(port))
    up.says(READY)
    eventually(lambda: count(house, "escalations_escalation"), "the demo's tasks are there, with their clocks")
    with receiving() as receiver:
        engine = Caller(port, key_of_engine(house, receiver.url))
        bob = Caller(port, token_of(engine, "bob"))
        have_a_past(house, engine, bob)
    up.signal(signal.SIGINT)
    assert up.ends() == 0, up.said
    leave_half_done(house, port, engine, bob)


def have_a_past(house: House, engine: Caller, bob: Caller) -> None:
    """Bob answers T-answered, the engine takes T-withdrawn back, T-open and T-half wait."""
    does(engine, "PUT", "/api/v1/teams/payables", {"name": "Payables", "lead": "carol", "members": ["alice", "bob"]})
    for task in ("T-answered", "T-withdrawn", "T-open", "T-half"):
        does(engine, "POST", "/api/v1/events", assigned(task))
    eventually(lambda: count(house, "notifications_task WHERE task_id LIKE 'T-%'") == 4, "all four are there")
    does(engine, "POST", "/api/v1/events", event("task.cancelled", {"task": {"id": "T-withdrawn"}}))
    answer(bob, "T-answered")
    eventually(lambda: not count(house, "notifications_callback WHERE state = 'waiting'"), "the engine is told")
    eventually(lambda: not count(house, "notifications_event WHERE due_at IS NOT NULL"), "all events are processed")


def leave_half_done(house: House, port: int, engine: Caller, bob: Caller) -> None:
    """No worker runs: Bob's answer to T-half, his new phone and the event of T-waiting are all that web takes."""
    web = house.start("web", "--port", str(port), PUSH_ALLOWED_CIDRS="127.0.0.0/8")
    phone = Browser().address(PUSH_ENDPOINT)
    keys = {"p256dh": phone.p256dh, "auth": phone.auth}
    subscription = {"endpoint": PUSH_ENDPOINT, "expirationTime": None, "keys": keys}
    does(bob, "POST", "/api/v1/subscriptions", {"channel": "webpush", "subscription": subscription})
    does(engine, "POST", "/api/v1/events", assigned("T-waiting"))
    answer(bob, "T-half")
    web.signal(signal.SIGTERM)
    assert web.ends() == 0, web.said


def key_of_engine(house: House, callback_url: str) -> str:
    """Of the stories' engine, which is made if need be."""
    made = house.run("create_engine", ENGINE, "--callback-url", callback_url, **ENGINES_ARE_HERE)
    assert made.process.returncode == 0, made.said
    return str(json.loads(made.said.strip().splitlines()[-1])["api_key"])


def count(house: House, rows: str) -> int:
    return int(str(house.rows(f"SELECT count(*) FROM {rows}")[0][0]))


def token_of(engine: Caller, ref: str) -> str:
    return str(does(engine, "POST", f"/api/v1/recipients/{ref}/tokens")["token"])


def does(caller: Caller, method: str, path: str, body: Any = None) -> Any:
    status, said = caller.insist(method, path, body)
    assert status < 300, (method, path, status, said)
    return said


def event(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    task = data["task"]["id"]
    return {"specversion": "1.0", "id": f"{kind}/{task}", "source": "/upgrades", "type": kind, "data": data}


def assigned(task: str) -> dict[str, Any]:
    """An approval for Bob, who has all day."""
    given = {"id": task, "name": f"Approve {task}", "kind": "approval", "assignee": "bob"}
    return event("task.assigned", {"task": given, "case": {"id": "C-1", "title": "Case 1"}})


def answer(person: Caller, task: str) -> None:
    items = does(person, "GET", "/api/v1/notifications")["items"]
    (item,) = [item for item in items if task in item["title"]]
    does(person, "POST", f"/api/v1/notifications/{item['id']}/responses", {"action": "approve"})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkout", type=Path, default=ROOT)
    parser.add_argument("--name")
    given = parser.parse_args()
    checkout = given.checkout.resolve()
    version = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    keep(checkout, given.name or version)
