"""The desk as a browser has it, on loopback: pages come from inside a test's transaction, files from their folders."""

import mimetypes
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client
from playwright.sync_api import Browser, Page, ViewportSize

from tests.admin.chromium import Chromium

Visit = Callable[[Page], Any]
Browse = Callable[[Visit], Any]
PATIENCE = 20.0
LEFT_OUT = {"content-length", "set-cookie", "strict-transport-security"}
"""Of Django's headers: the client of the test keeps the session."""


class Desk(ThreadingHTTPServer):
    """Requests for pages wait in `asked` for whoever has the database."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: SimpleQueue[tuple[tuple[str, str, bytes, str, str], Future[Any]]] = SimpleQueue()
        self.url = f"http://127.0.0.1:{self.server_port}"
        Thread(target=self.serve_forever, daemon=True).start()

    def browse(self, visit: Visit, chromium: Chromium, client: Client) -> Any:
        """Run a visit in the browser's thread, and answer here what it asks for. Returns what it found."""
        visiting = chromium.thread.submit(self._visited, chromium.browser, visit)
        while not visiting.done():
            try:
                (method, path, body, kind, key), answer = self.asked.get(timeout=0.05)
            except Empty:
                continue
            answer.set_result(
                client.generic(method, path, body, content_type=kind, headers={"X-API-Key": key} if key else None)
            )
        return visiting.result()

    def _visited(self, browser: Browser, visit: Visit) -> Any:
        complaints: list[str] = []
        size: ViewportSize = {"width": 1280, "height": 800}
        with browser.new_context(viewport=size, base_url=self.url, timezone_id="UTC") as context:
            page = context.new_page()
            page.set_default_timeout(PATIENCE * 1000)
            page.on("pageerror", lambda fault: complaints.append(str(fault)))
            page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
            found = visit(page)
        assert complaints == []
        return found


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Desk

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if (file := static_file(path)) is None:
            self.do_POST()
            return
        kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
        self._send(200, {"Content-Type": kind, "Cache-Control": "max-age=3600"}, file.read_bytes())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = Future[Any]()
        kind, key = self.headers.get("Content-Type", ""), self.headers.get("X-API-Key", "")
        self.server.asked.put(((self.command, self.path, body, kind, key), answer))
        said = answer.result(PATIENCE)
        content = b"".join(said.streaming_content) if said.streaming else said.content
        self._send(said.status_code, dict(said.items()), content)

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in LEFT_OUT:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@cache
def static_file(path: str) -> Path | None:
    name = path.removeprefix(settings.STATIC_URL)
    found = finders.find(name) if name != path else None
    return Path(str(found)) if found else None
