"""Requests are counted by route, method and status, with their times; and never by what a caller sent."""

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.test import Client

from tests.support.waiting import PATIENCE_SECONDS
from wfpush.asgi import application
from wfpush.observability import http_metrics
from wfpush.observability.http_metrics import CountedRequests
from wfpush.web.bodylimit import BODY_LIMIT

with_database = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def count_anew() -> None:
    for collector in http_metrics.COLLECTORS:
        collector.clear()


def counts() -> dict[tuple[str, ...], float]:
    """Values of the labels to the number of requests or handshakes."""
    families = [family for each in (http_metrics.REQUESTS, http_metrics.HANDSHAKES) for family in each.collect()]
    return {tuple(sample.labels.values()): sample.value for family in families for sample in family.samples}


def times() -> dict[str, float]:
    """Route to the sum of its seconds."""
    samples = [sample for family in http_metrics.SECONDS.collect() for sample in family.samples]
    return {each.labels["route"]: each.value for each in samples if each.name.endswith("_sum")}


def scope(path: str, method: str = "GET", **headers: str) -> dict[str, Any]:
    names = {"host": "127.0.0.1:8000", **headers}
    lines = [(name.replace("_", "-").encode(), value.encode()) for name, value in names.items()]
    return {
        "type": "http", "path": path, "method": method, "query_string": b"", "headers": lines, "client": ("::1", 1)
    }  # fmt: skip


async def ask(path: str, method: str = "GET", *, on: Any = application, body: bytes = b"", **headers: str) -> int:
    """Returns the status."""
    request = ApplicationCommunicator(on, scope(path, method, **headers))
    await request.send_input({"type": "http.request", "body": body})
    start = await request.receive_output(PATIENCE_SECONDS)
    while (await request.receive_output(PATIENCE_SECONDS)).get("more_body"):
        pass
    await request.wait(PATIENCE_SECONDS)
    status: int = start["status"]
    return status


@with_database
async def test_a_route_is_counted_by_its_template_and_what_matches_none_together() -> None:
    for number in range(3):
        assert await ask(f"/api/v1/tasks/T-{number}") == 401
    assert await ask("/nothing-here/4711") == 404
    assert await ask("/healthz") == 200
    assert await ask("/healthz", "BREW") == 403
    assert await ask("/static/nothing-here.js") == 404

    assert counts() == {
        ("api/v1/tasks/<path:task_id>", "GET", "401"): 3,
        ("none", "GET", "404"): 1,
        ("healthz", "GET", "200"): 1,
        ("healthz", "other", "403"): 1,
        ("static", "GET", "404"): 1,
    }
    assert set(times()) == {"api/v1/tasks/<path:task_id>", "none", "healthz", "static"}


async def test_a_body_that_is_refused_before_it_is_read_is_counted() -> None:
    request = ApplicationCommunicator(application, scope("/api/v1/events", "POST", content_length=str(BODY_LIMIT + 1)))
    assert (await request.receive_output(PATIENCE_SECONDS))["status"] == 413
    await request.receive_output(PATIENCE_SECONDS)
    await request.send_input({"type": "http.disconnect"})
    await request.wait(PATIENCE_SECONDS)

    assert counts() == {("none", "POST", "413"): 1}


async def test_who_goes_away_before_the_answer_is_not_counted() -> None:
    request = ApplicationCommunicator(application, scope("/api/v1/events", "POST"))
    await request.send_input({"type": "http.request", "body": b"{", "more_body": True})
    await request.send_input({"type": "http.disconnect"})
    await request.wait(PATIENCE_SECONDS)

    assert counts() == times() == {}


async def test_what_breaks_before_it_answers_is_a_500() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("a fault of ours")

    request = ApplicationCommunicator(CountedRequests(broken), scope("/"))
    with pytest.raises(RuntimeError):
        await request.wait(PATIENCE_SECONDS)
    assert counts() == {("none", "GET", "500"): 1}


async def test_neither_a_slow_sender_nor_a_slow_reader_makes_a_request_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(http_metrics.time, "perf_counter", lambda: now)

    def passes(seconds: float) -> None:
        nonlocal now
        now += seconds

    async def slow_sender() -> dict[str, Any]:
        passes(40)
        return {"type": "http.request", "body": b""}

    async def slow_reader(message: Any) -> None:
        passes(40)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        passes(0.5)
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body"})

    await CountedRequests(application)(scope("/"), slow_sender, slow_reader)
    assert times() == {"none": 0.5}


async def test_handshakes_of_sockets_are_counted_by_what_came_of_them() -> None:
    for path in ("/ws/nothing-here", "/ws/inbox"):
        socket = ApplicationCommunicator(application, {**scope(path), "type": "websocket", "subprotocols": []})
        await socket.send_input({"type": "websocket.connect"})
        await socket.receive_output(PATIENCE_SECONDS)
        await socket.send_input({"type": "websocket.disconnect", "code": 1000})
        await socket.wait(PATIENCE_SECONDS)

    assert counts() == {("refused",): 1, ("accepted",): 1}, "the inbox says later that nobody is signed in"


@with_database
def test_prometheus_reads_them() -> None:
    async_to_sync(ask)("/healthz")
    text = Client().get("/metrics").content.decode()

    assert 'wfpush_http_requests_total{method="GET",route="healthz",status="200"} 1.0' in text
    assert 'wfpush_http_request_seconds_bucket{le="+Inf",route="healthz"} 1.0' in text
    assert "_created" not in text
