"""One trace leads from an engine's call to a person and back, in spans that name nobody."""

import json
import os
import socket
import subprocess
import sys
import time
from typing import Any

import pytest
from django.utils import timezone
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from escalations.clocks import due_steps
from escalations.models import Policy, PolicyStep, StepTarget
from notifications.models import Category, Template
from notifications.routing import pipeline
from tests.flows.conftest import world
from tests.support.documentation import blocks
from tests.support.world import World
from wfpush.observability import tracing

__all__ = ["world"]
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
TASK = {"id": "T-42", "name": "Approve invoice 4711", "assignee": "bob", "actions": ["approve"]}


@pytest.fixture
def engine_world(world: World) -> World:
    Category.objects.update(channels=["live", "email"])
    return world


def send(world: World, traceparent: str | None = TRACEPARENT, **task: Any) -> None:
    if traceparent:
        world.client.defaults["HTTP_TRACEPARENT"] = traceparent
    world.send("task.assigned", {"task": TASK | task})
    world.client.defaults.pop("HTTP_TRACEPARENT", None)


def named(exported: InMemorySpanExporter, name: str) -> ReadableSpan:
    (span,) = [span for span in exported.get_finished_spans() if span.name == name]
    return span


def identity(span: ReadableSpan) -> str:
    return f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-01"


def parent(span: ReadableSpan) -> str:
    assert span.parent is not None
    return f"{span.parent.span_id:016x}"


def tree(exported: InMemorySpanExporter, above: str, depth: int = 0) -> list[str]:
    """The names of the spans below one, as the documentation draws them."""
    lines: list[str] = []
    below = [span for span in exported.get_finished_spans() if parent(span) == above]
    for span in sorted(below, key=lambda span: span.name):
        lines += ["    " * depth + span.name, *tree(exported, f"{span.context.span_id:016x}", depth + 1)]
    return lines


def test_one_trace_leads_to_people_and_back(engine_world: World, exported: InMemorySpanExporter) -> None:
    send(engine_world)
    engine_world.respond("bob", "approve", "The secret comment")

    names = ["POST /api/v1/events", "process events", "send email", "answer task", "POST"]
    taken, processed, sent, answered, called = spans = [named(exported, name) for name in names]
    assert {f"{span.context.trace_id:032x}" for span in spans} == {TRACE}
    assert parent(taken) == PARENT
    assert {parent(span) for span in (processed, sent, answered)} == {f"{taken.context.span_id:016x}"}
    assert parent(called) == f"{answered.context.span_id:016x}"
    (call,) = engine_world.receiver.calls
    assert call.headers["traceparent"] == identity(called)
    assert json.loads(call.body)["traceparent"] == identity(answered)
    assert tree(exported, PARENT) == blocks("docs/operations/tracing.md", "text")[0].splitlines()
    assert [span.kind.name for span in spans] == ["SERVER", "CONSUMER", "PRODUCER", "INTERNAL", "CLIENT"]
    assert all(span.status.status_code == StatusCode.UNSET for span in spans)


def test_attributes_have_the_names_of_the_conventions_and_name_nobody(
    engine_world: World, exported: InMemorySpanExporter
) -> None:
    send(engine_world)
    engine_world.respond("bob", "approve", "The secret comment")

    attributes = {span.name: dict(span.attributes or {}) for span in exported.get_finished_spans()}
    port = attributes["POST"].pop("server.port")
    ids = [attributes[name].pop("messaging.message.id") for name in ("process events", "send email")]
    assert len(set(ids)) == 2 and str(port) in engine_world.receiver.url
    assert attributes == {
        "POST /api/v1/events": {
            "http.request.method": "POST",
            "http.route": "/api/v1/events",
            "url.scheme": "http",
            "http.response.status_code": 202,
        },
        "process events": {
            "messaging.system": "wfpush",
            "messaging.destination.name": "events",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "cloudevents.event_type": "task.assigned",
        },
        "send email": {
            "messaging.system": "email",
            "messaging.destination.name": "localhost",
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
        },
        "answer task": {"wfpush.answer.via": "api"},
        "POST": {"http.request.method": "POST", "server.address": "127.0.0.1", "http.response.status_code": 204},
    }


def test_a_call_without_a_trace_begins_one(engine_world: World, exported: InMemorySpanExporter) -> None:
    send(engine_world, None)
    taken, sent = (named(exported, name) for name in ("POST /api/v1/events", "send email"))
    assert taken.parent is None and sent.context.trace_id == taken.context.trace_id


def test_the_trace_of_an_event_counts_before_that_of_its_request(
    engine_world: World, exported: InMemorySpanExporter
) -> None:
    engine_world.send("task.assigned", {"task": TASK}, traceparent=f"00-{'a' * 32}-{'b' * 16}-01")
    assert f"{named(exported, 'process events').context.trace_id:032x}" == "a" * 32


def test_errors_are_on_the_span_by_their_type_alone(
    engine_world: World, exported: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise KeyError("Bob's secret")

    monkeypatch.setattr(pipeline, "advance", fail)
    send(engine_world)
    span = named(exported, "process events")
    assert span.status.status_code == StatusCode.ERROR and not span.status.description and not span.events
    assert (span.attributes or {})["error.type"] == "KeyError"


def test_a_call_that_the_engine_does_not_take_is_an_error(engine_world: World, exported: InMemorySpanExporter) -> None:
    engine_world.receiver.answer(503)
    send(engine_world)
    engine_world.respond("bob", "approve")
    span = named(exported, "POST")
    assert span.status.status_code == StatusCode.ERROR
    assert ((span.attributes or {})["error.type"], (span.attributes or {})["http.response.status_code"]) == ("503", 503)


def test_messages_of_sla_steps_belong_to_the_trace_of_the_task(
    engine_world: World, exported: InMemorySpanExporter
) -> None:
    policy = Policy.objects.create(name="Approvals", time="wall")
    words = {"template": Template.objects.get(slug="task-late"), "category": Category.objects.get(slug="approvals")}
    PolicyStep.objects.create(policy=policy, time="wall", target=StepTarget.MANAGER, **words)
    send(engine_world, due_at="2026-11-02T10:00:00Z")
    exported.clear()
    due_steps.tick(timezone.now())
    engine_world.run()
    assert f"{named(exported, 'send email').context.trace_id:032x}" == TRACE


def test_a_digest_is_part_of_the_traces_of_its_messages(exported: InMemorySpanExporter) -> None:
    with tracing.span("send email", "producer", TRACEPARENT, {}, [f"00-{'a' * 32}-{'b' * 16}-01"]):
        pass
    (link,) = named(exported, "send email").links
    assert f"{link.context.trace_id:032x}" == "a" * 32


def test_work_without_a_trace_has_no_span(exported: InMemorySpanExporter) -> None:
    with tracing.span("process events", "consumer", "", {}), tracing.request("GET", "http://engine.example/", ""):
        assert tracing.current() == {}
    assert exported.get_finished_spans() == ()


@pytest.mark.parametrize(
    ("environment", "is_on"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, False),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "otlp"}, False),
    ],
)
def test_the_environment_switches_it_on(environment: dict[str, str], is_on: bool) -> None:
    assert tracing.is_switched_on(environment) == is_on


WITHOUT = """
import sys
sys.modules["opentelemetry.sdk"] = None
from wfpush.observability import tracing
with tracing.span("GET /", "server", "", {}):
    print(tracing.is_on(), [name for name in sys.modules if name.startswith("opentelemetry.")])
"""


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "False ['opentelemetry.sdk']"),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, "spans_need_the_extra_otel"),
    ],
)
def test_without_the_extra_there_are_no_spans(environment: dict[str, str], said: str) -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], env=environment, capture_output=True, text=True, check=True)
    assert said in done.stdout and "False" in done.stdout


STARTED = """
import sys, django
django.setup()
extra = "opentelemetry.sdk", "opentelemetry.exporter"
print([name for name, module in sys.modules.items() if name.startswith(extra) and module is not None])
"""


def test_a_start_loads_nothing_of_the_extra() -> None:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "wfpush.settings"}
    done = subprocess.run([sys.executable, "-c", STARTED], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


ENDING = """
from wfpush.observability import tracing
with tracing.span("GET /", "server", "", {}):
    pass
"""


def test_a_collector_that_hangs_does_not_hold_up_the_end_of_a_process() -> None:
    with socket.create_server(("127.0.0.1", 0)) as collector:
        environment = {tracing.ENDPOINTS[0]: f"http://127.0.0.1:{collector.getsockname()[1]}"}
        began = time.monotonic()
        done = subprocess.run([sys.executable, "-c", ENDING], env=environment, capture_output=True, text=True)
        seconds = time.monotonic() - began
        collector.settimeout(0)
        collector.accept()
    assert done.returncode == 0 and "Failed to export spans" in done.stderr + done.stdout
    assert seconds < 9, "the exporter's own timeout is 10"
