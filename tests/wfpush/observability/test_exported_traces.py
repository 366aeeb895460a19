"""Real web, worker and dispatcher send their spans to a collector on loopback, the last ones when they end."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from urllib.request import Request, urlopen

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.soak.installation import Installation
from tests.support.calls import Caller
from tests.support.documentation import blocks
from tests.support.processes import House
from tests.support.receiver import Call, Receiver, receiving
from tests.support.waiting import eventually
from tests.wfpush.observability.test_tracing import PARENT, TASK, TRACE, TRACEPARENT

SENT = "SELECT FROM notifications_delivery WHERE state = 'delivered' AND channel = 'email'"


@pytest.fixture
def collector() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def spans(calls: Sequence[Call]) -> dict[str, tuple[str, str, str]]:
    """The trace, id and parent of each span, by its service and name."""
    made = {}
    for call in calls:
        for resource in ExportTraceServiceRequest.FromString(call.body).resource_spans:
            names = {each.key: each.value.string_value for each in resource.resource.attributes}
            for span in (span for scope in resource.scope_spans for span in scope.spans):
                ids = span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()
                made[f"{names['service.name']}: {span.name}"] = ids
    return made


FORKING = """
import multiprocessing
from wfpush.observability import tracing
def make(name):
    with tracing.span(name, "server", "", {}):
        pass
make("parent")
child = multiprocessing.get_context("fork").Process(target=make, args=("child",))
child.start()
child.join()
"""


def test_a_forked_process_sends_its_own_spans_when_it_ends(collector: Receiver) -> None:
    environment = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "3600000"}
    subprocess.run([sys.executable, "-c", FORKING], env=environment, check=True)
    assert [list(spans([call])) for call in collector.calls] == [["wfpush: child"], ["wfpush: parent"]]


@pytest.mark.processes
@pytest.mark.long
def test_the_spans_of_all_processes_are_one_trace(collector: Receiver) -> None:
    with House() as house, receiving() as engine:
        (documented,) = blocks("docs/operations/tracing.md", "ini")
        house.environment |= dict(line.split("=", 1) for line in documented.splitlines()) | {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20key",
            "OTEL_BSP_SCHEDULE_DELAY": "3600000",  # what is not sent at the end does not come
        }
        there = Installation(house, engine)
        there.put_person("bob", name="Bob", email="bob@example.org")
        _send(there)
        eventually(lambda: house.rows(SENT), "Bob's e-mail is sent")
        _answer(there.bob)
        eventually(lambda: engine.calls, "the engine has the answer")
        for command in (there.worker, there.web):
            command.signal(signal.SIGTERM)
            command.ends()

    made = spans(collector.calls)
    names = ["POST /api/v1/events", "process events", "send email", "answer task", "POST"]
    taken, *_, answered, called = [made[f"wfpush-production: {name}"] for name in names]
    assert {made[f"wfpush-production: {name}"][0] for name in names} == {TRACE}
    assert (taken[2], called[2]) == (PARENT, answered[1])
    assert {(call.path, call.headers["authorization"]) for call in collector.calls} == {
        ("/callback/v1/traces", "Bearer key")
    }


def _send(there: Installation) -> None:
    event = {"specversion": "1.0", "id": "e-1", "source": "/invoices", "type": "task.assigned", "data": {"task": TASK}}
    headers = {
        "Authorization": f"Bearer {there.engine.token}",
        "Content-Type": "application/json",
        "traceparent": TRACEPARENT,
    }
    address = f"http://127.0.0.1:{there.port}/api/v1/events"
    with urlopen(Request(address, json.dumps(event).encode(), headers)) as answer:
        assert answer.status == 202


def _answer(bob: Caller) -> None:
    def item() -> str | None:
        _, answer = bob.insist("GET", "/api/v1/notifications")
        return next((each["id"] for each in answer["items"]), None)

    path = f"/api/v1/notifications/{eventually(item, 'Bob has it')}/responses"
    status, _ = bob.insist("POST", path, {"action": "approve"})
    assert status == 201
