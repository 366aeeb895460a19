"""An engine's callback address on loopback: a real HTTP server in a thread, answering as the test says."""

import base64
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.waiting import PATIENCE_SECONDS


@dataclass
class Call:
    """One request as it came in."""

    headers: dict[str, str]
    body: bytes
    path: str = "/callback"

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = json.loads(self.body)["data"]
        return data

    def signed_with(self, *secrets: str) -> bool:
        """By one of the secrets, as Standard Webhooks says. Uses no code of ours."""
        signed = f"{self.id}.{self.headers['webhook-timestamp']}.".encode() + self.body
        keys = [base64.b64decode(secret.removeprefix("whsec_")) for secret in secrets]
        right = {"v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode() for key in keys}
        return not right.isdisjoint(self.headers["webhook-signature"].split())


@dataclass
class Receiver:
    """`answers` are (status, headers, body), used one after the other; the last one stays."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=lambda: [(204, {}, b"")])
    held: str = "nothing"
    """What is called below this path is taken and not answered, until the gate opens."""
    gate: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, *answers: int | tuple[int, dict[str, str], bytes]) -> None:
        self.answers = [(each, {}, b"") if isinstance(each, int) else each for each in answers]

    def take(self, call: Call) -> tuple[int, dict[str, str], bytes]:
        with self._lock:
            self.calls.append(call)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if call.path.startswith(self.held):
            self.gate.wait(PATIENCE_SECONDS)
        return answer

    def at(self, path: str) -> list[Call]:
        return [call for call in self.calls if call.path.startswith(path)]


def serve(receiver: Receiver, port: int = 0) -> ThreadingHTTPServer:
    """Start to take its calls, at a port of loopback (0: a free one)."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            status, headers, answer = receiver.take(
                Call({name.lower(): value for name, value in self.headers.items()}, body, self.path)
            )
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(answer))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/callback"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    server = serve(receiver)
    try:
        yield receiver
    finally:
        receiver.gate.set()
        server.shutdown()
        server.server_close()
