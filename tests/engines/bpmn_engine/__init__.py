"""bpmn-engine, an engine of npm, as a process on loopback. It calls wfpush by webhook, and runs `approval.bpmn`."""

import os
import subprocess
from pathlib import Path
from typing import Any, Self

import httpx

from tests.support.npm import installed
from tests.support.waiting import eventually

Json = dict[str, Any]


class BpmnEngine:
    """`folder`: where it stores its processes. `deviation`: what it does wrong, in the words of `engine.mjs`."""

    def __init__(self, folder: Path, port: int, wfpush: str, key: str, secret: str, deviation: str = "") -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.port = folder, port
        self.callback_url = f"http://127.0.0.1:{port}/callback"
        self.environment = os.environ | {
            "WFPUSH_URL": wfpush,
            "WFPUSH_API_KEY": key,
            "WFPUSH_SIGNING_SECRET": secret,
            "DEVIATION": deviation,
        }

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def start(self) -> None:
        printed, program = self.folder / "printed.txt", installed(Path(__file__).parent) / "engine.mjs"
        with printed.open("wb") as output:
            self.process = subprocess.Popen(
                ["node", program, str(self.port), self.folder], env=self.environment, stdout=output, stderr=output
            )
        eventually(lambda: "is ready" in printed.read_text(), f"the engine is ready: {printed}")

    def stop(self) -> None:
        """Without a chance to store anything."""
        self.process.kill()
        self.process.wait()

    def begin(self, id: str, **variables: object) -> Json:
        """Start a process. `variables`: name, assignee and form of its task, late_after and is_sold_out."""
        return self._ask("PUT", id, {"late_after": "PT1H", **variables})

    def read(self, id: str) -> Json:
        """Return the process: its state, the steps that it `passed`, and their output."""
        return self._ask("GET", id)

    def withdraw(self, id: str) -> Json:
        return self._ask("POST", f"{id}/withdrawal")

    def _ask(self, method: str, path: str, body: Json | None = None) -> Json:
        with httpx.Client(trust_env=False) as client:
            reply = client.request(
                method, f"http://127.0.0.1:{self.port}/processes/{path}", json=body
            ).raise_for_status()
        content: Json = reply.json()
        return content
