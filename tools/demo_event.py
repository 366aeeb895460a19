"""`python -m tools.demo_event [TYPE]`: send an event to the installation that `make run` or `make dev` has started.

It does what the README's curl does: an engine of its own, without a callback address, asks the demo's people. The event
is the sample of its type in notifications/starter/samples.py, under fresh ids.
"""

import argparse
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from uuid import uuid4

from notifications.starter.samples import SAMPLES
from notifications.types import Json
from wfpush.config import env

ROOT = Path(__file__).resolve().parent.parent
ENGINE = "demo-event"
SENT_BY_WFPUSH = {"task.info_requested", "task.escalation_raised"}
TYPES = tuple(name for name in SAMPLES if name not in SENT_BY_WFPUSH)
PATIENCE_SECONDS = 6.0
LOOK_SECONDS = 0.2
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Stopped(Exception):
    """Nothing was sent; the message is for the person at the terminal."""


# --- what is sent -----------------------------------------------------------------------------------------------------
def events(kind: str, mark: str, now: datetime) -> list[Json]:
    """The event of this type, after the one without which it would mean nothing. `mark` makes their ids fresh."""
    return [_event(each, mark, now) for each in (*_before(kind), kind)]


def _before(kind: str) -> Sequence[str]:
    if kind == "exception.resolved":
        return ("exception.raised",)
    return ("task.assigned",) if kind.startswith("task.") and kind != "task.assigned" else ()


def _event(kind: str, mark: str, now: datetime) -> Json:
    data: dict[str, Any] = {**SAMPLES[kind]}
    if "task" in data:
        data["task"] = {**data["task"], "id": f"T-{mark}", "due_at": (now + timedelta(days=1)).isoformat()}
    if "case" in data:
        data["case"] = {**data["case"], "id": f"C-{mark}"}
    if "result" in data:
        data["result"] = {**data["result"], "at": now.isoformat()}
    return {"specversion": "1.0", "id": f"{kind}/{mark}", "source": f"/{ENGINE}", "type": kind, "data": data}


# --- sending ----------------------------------------------------------------------------------------------------------
class Installation:
    """One on this machine, with its data folder."""

    def __init__(self, port: int, folder: Path) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.key_file = folder / f"{ENGINE}.key"

    def wait(self, patience: float) -> None:
        """Until web answers, which `make dev` may just be starting again; `patience` in seconds. Raises Stopped."""
        until = time.monotonic() + patience
        while fault := self._fault():
            if time.monotonic() > until:
                raise Stopped(
                    f"wfpush does not answer at {self.address} ({fault}). Start it in another terminal with `make dev`"
                    " or `make run`; name another port with PORT=9000 make demo-event."
                )
            time.sleep(LOOK_SECONDS)

    def _fault(self) -> OSError | None:
        try:
            OPENER.open(f"{self.address}/healthz", timeout=10).close()
        except OSError as fault:
            return fault
        return None

    def send(self, event: Json) -> str:
        """The address of the event's trace. Raises Stopped."""
        try:
            return self._post(event, self._key())
        except HTTPError as refused:
            if refused.code != 401:
                raise Stopped(f"wfpush does not take it: {refused.code} {refused.read().decode()}") from refused
        except OSError as fault:
            raise Stopped(f"wfpush has stopped answering at {self.address} ({fault}). Try again.") from fault
        self.key_file.unlink()  # of another database than the one of today
        return self._post(event, self._key())

    def _post(self, event: Json, key: str) -> str:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.address}/api/v1/events", json.dumps(event).encode(), headers)
        with OPENER.open(request, timeout=30) as answer:
            return str(json.load(answer)["url"])

    def _key(self) -> str:
        """Of the engine that sends; both are made if need be."""
        if not self.key_file.is_file():
            words = [sys.executable, str(ROOT / "manage.py"), "create_engine", ENGINE]
            made = subprocess.run(words, check=False, capture_output=True, text=True)
            if made.returncode:
                raise Stopped(f"There is no engine to send as: {made.stderr.strip()}")
            key = str(json.loads(made.stdout.strip().splitlines()[-1])["api_key"])
            with os.fdopen(os.open(self.key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(key)
        return self.key_file.read_text(encoding="utf-8")


def main(kind: str, port: int) -> None:
    installation = Installation(port, env.load(ROOT).data_dir)
    installation.wait(PATIENCE_SECONDS)
    for event in events(kind, uuid4().hex[:8], datetime.now(UTC)):
        trace = installation.send(event)
        print(f"Sent {event['type']}. Who is told, how, and why (sign in as admin):\n  {trace}")
    print(f"The inboxes (the terminal of `make dev` says how to sign in):\n  {installation.address}")
    if "task" in event["data"]:
        task, key = event["data"]["task"]["id"], installation.key_file
        print(f"What became of the task:\n  curl {installation.address}/api/v1/tasks/{task} \\")
        print(f'    -H "Authorization: Bearer $(cat {key})"')


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="make demo-event EVENT=…", description=__doc__)
    parser.add_argument("type", nargs="?", default=TYPES[0], choices=TYPES)
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    try:
        main(arguments.type, arguments.port)
    except Stopped as fault:
        sys.exit(str(fault))
