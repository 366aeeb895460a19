"""An engine's list of open tasks on loopback, in Flowable's words, that changes while somebody pages through it."""

import heapq
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Json = dict[str, Any]

BEGAN = datetime(2026, 11, 1, 8, tzinfo=UTC)


def written(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%S}.{instant.microsecond // 1000:03}+0000"


class Shelf:
    """`asked` is called before each list is made, with the number of lists so far."""

    def __init__(self) -> None:
        self.tasks: dict[str, Json] = {}
        self.candidates: dict[str, list[Json]] = {}
        self.forms: dict[str, Json] = {}
        self.starters: dict[str, str | None] = {}
        """By process."""
        self.keeps_history = True
        self.asked_for_processes = 0
        self.lists: list[dict[str, str]] = []
        self.fails: int | None = None
        self.asked: Callable[[int], None] = lambda number: None
        self.lock = threading.RLock()
        self.address = ""

    def put(self, task_id: str, after: timedelta, **said: Any) -> None:
        """A task that was created so long after the beginning."""
        usual = {"name": f"Approve {task_id}", "assignee": "bob", "priority": 50, "createTime": written(BEGAN + after)}
        with self.lock:
            self.tasks[task_id] = {"id": task_id, **usual, **said}

    def end(self, task_id: str) -> None:
        with self.lock:
            del self.tasks[task_id]

    def listed(self, query: dict[str, str]) -> list[Json]:
        """Strict on what it is asked; the connection test asks for nothing but one."""
        if query == {"size": "1"}:
            return list(self.tasks.values())[:1]
        assert (query["sort"], query["order"]) == ("createTime", "asc")
        with self.lock:
            self.lists.append(query)
            self.asked(len(self.lists))
            since, size = query.get("createdAfter", ""), int(query["size"])
            later = (task for task in self.tasks.values() if task["createTime"] > since)
            return heapq.nsmallest(size, later, key=lambda task: task["createTime"])

    def processes(self, said: Json, size: int) -> tuple[int, Any]:
        """As many as are asked for: ten, if nothing is said of it."""
        self.asked_for_processes += 1
        if not self.keeps_history:
            return 403, {"message": "Forbidden", "exception": "History is not for you"}
        assert said.keys() == {"processInstanceIds"}
        known = [{"id": each, "startUserId": self.starters.get(each)} for each in said["processInstanceIds"]]
        return 200, {"data": known[:size], "total": len(known)}

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        if self.fails is not None:
            return self.fails, {"message": "Down for maintenance", "exception": "Down"}
        parts = path.removeprefix("/service").strip("/").split("/")
        if parts == ["runtime", "tasks"]:
            return 200, {"data": self.listed(query), "total": len(self.tasks)}
        if len(parts) == 4 and parts[3] == "form" and parts[2] in self.forms:
            return 200, self.forms[parts[2]]
        if len(parts) == 4 and parts[3] == "identitylinks":
            return 200, self.candidates.get(parts[2], [])
        if len(parts) == 3 and parts[2] in self.tasks:
            return 200, self.tasks[parts[2]]
        return 404, {"message": "Not found", "exception": f"Could not find a task with id '{parts[-1]}'"}


@contextmanager
def shelved() -> Iterator[tuple[Shelf, str]]:
    """The shelf, and the address of its interface."""
    shelf = Shelf()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            said = urlsplit(self.path)
            self.reply(*shelf.answer(said.path, dict(parse_qsl(said.query))))

        def do_POST(self) -> None:
            asked = urlsplit(self.path)
            assert asked.path == "/service/query/historic-process-instances"
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.reply(*shelf.processes(said, int(dict(parse_qsl(asked.query)).get("size", "10"))))

        def reply(self, status: int, body: Any) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield shelf, f"http://127.0.0.1:{server.server_port}/service"
    finally:
        server.shutdown()
        server.server_close()
