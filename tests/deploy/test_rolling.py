"""nginx in front of two web processes: one after the other is restarted, and nobody notices."""

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from tests.deploy.conftest import Deployed
from tests.deploy.proxy import HOST, Line, Proxy
from tests.soak.installation import task_assigned
from tests.support.waiting import eventually

pytestmark = [pytest.mark.processes, pytest.mark.ci]


@pytest.fixture
def proxy(deployed: Deployed, tmp_path: Path) -> Iterator[Proxy]:
    deployed.run_webs()
    made = Proxy(tmp_path, list(deployed.webs))
    with made.running():
        eventually(lambda: answers(made), "nginx passes requests on")
        yield made


def answers(proxy: Proxy) -> bool:
    with suppress(OSError):
        return ask(proxy, "GET", "/healthz")[0] == 200
    return False


def ask(proxy: Proxy, method: str, path: str, body: object = None, key: str = "") -> tuple[int, bytes]:
    """Over TLS, as somebody in the world would; the name leads to loopback here."""
    line = Line(proxy)
    headers = {"Host": HOST, "Authorization": f"Bearer {key}", "Content-Type": "application/cloudevents+json"}
    line.request(method, path, body if isinstance(body, bytes) else json.dumps(body), headers)
    answer = line.getresponse()
    return answer.status, answer.read()


class Engine(threading.Thread):
    """Sends one event after the other, each once, until it is told to stop."""

    def __init__(self, deployed: Deployed, proxy: Proxy, first: int) -> None:
        super().__init__(daemon=True)
        self._deployed, self._proxy, self._first = deployed, proxy, first
        self._over = threading.Event()
        self.sent: list[int] = []
        self.failed: list[object] = []

    def run(self) -> None:
        while not self._over.wait(0.1):
            number = self._first + len(self.sent)
            self.sent.append(number)
            try:
                status, said = ask(self._proxy, "POST", "/api/v1/events", task_assigned(number), self._deployed.api_key)
            except OSError as fault:
                self.failed.append(fault)
            else:
                if status != 202:
                    self.failed.append((status, said))

    def stop(self) -> None:
        self._over.set()
        self.join(60)


def test_nginx_takes_the_shipped_configuration(deployed: Deployed, tmp_path: Path) -> None:
    proxy = Proxy(tmp_path, list(deployed.webs))
    done = subprocess.run([*proxy.command, "-t"], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, (tmp_path / "start.log").read_text() + done.stderr
    assert "warn" not in done.stderr + (tmp_path / "start.log").read_text()


@pytest.mark.long
def test_a_rolling_restart_costs_no_request(deployed: Deployed, proxy: Proxy) -> None:
    engines = [Engine(deployed, proxy, first) for first in (1_000, 2_000)]
    for engine in engines:
        engine.start()
    for port in deployed.webs:
        served = proxy.served_by(port)
        eventually(lambda port=port, served=served: proxy.served_by(port) > served + 2, "it has its share")
        deployed.restart_web(port)
    for engine in engines:
        engine.stop()

    assert [engine.failed for engine in engines] == [[], []]
    ids = [f"e-{number}" for engine in engines for number in engine.sent]
    assert len(ids) > 20
    kept = {str(row[0]) for row in deployed.house.rows("SELECT event_id FROM notifications_event")}
    assert set(ids) <= kept


def test_bodies_that_are_too_large_end_at_nginx(deployed: Deployed, proxy: Proxy) -> None:
    status, said = ask(proxy, "POST", "/api/v1/events", b"x" * (17 * 1024 * 1024), deployed.api_key)
    assert (status, b"nginx" in said) == (413, True)


async def test_sockets_pass(proxy: Proxy) -> None:
    where = f"https://127.0.0.1:{proxy.port}/ws/inbox"
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(where, ssl=proxy.client, server_hostname=HOST, headers={"Host": HOST}) as socket,
    ):
        await socket.send_str(json.dumps({"type": "auth", "token": "nobody's"}))
        assert (await socket.receive(timeout=30)).type == aiohttp.WSMsgType.CLOSE
        assert socket.close_code == 4401
