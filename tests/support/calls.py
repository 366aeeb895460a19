"""Callers of the public API over HTTP, which try again while a server is away, as engines and phones do."""

import http.client
import json
import threading
import time
from dataclasses import dataclass
from typing import Any

RETRY_SECONDS = 0.1
TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """What came back; header names in small letters."""

    status: int
    headers: dict[str, str]
    body: Any


class Caller:
    """One bearer of a key or token. Each thread keeps a connection of its own."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self.token = token
        self._connections = threading.local()

    def ask(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Answer:
        """One try. Raises OSError or HTTPException when there is no answer."""
        connection = getattr(self._connections, "open", None)
        if connection is None:
            connection = self._connections.open = http.client.HTTPConnection(
                "127.0.0.1", self._port, timeout=TIMEOUT_SECONDS
            )
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": kind}
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            raise
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, headers, json.loads(text) if text else None)

    def call(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> tuple[int, Any]:
        """One try: status and decoded answer."""
        answer = self.ask(method, path, body, kind)
        return answer.status, answer.body

    def insist(self, method: str, path: str, body: Any = None, *, within: float = 120, **how: Any) -> tuple[int, Any]:
        """Try until there is an answer that another try would not change."""
        end = time.monotonic() + within
        while True:
            said: object
            try:
                status, answer = self.call(method, path, body, **how)
                if status < 500 and status != 429:
                    return status, answer
                said = (status, answer)
            except (OSError, http.client.HTTPException) as fault:
                said = fault
            assert time.monotonic() < end, f"{method} {path}: nothing but {said!r} for {within:g} s"
            time.sleep(RETRY_SECONDS)
