"""Makes spans by OpenTelemetry's SDK, and exports them by OTLP over HTTP. Only `tracing` loads this.

SDK and exporter read the rest of the environment, such as the sampler, limits, headers and certificates. Spans go out
in batches, by a thread that the SDK starts again in forked processes. The provider is no global one: libraries that
make spans of their own are not asked what they write into them.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.util import Finalize, register_after_fork

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind, Status, StatusCode, get_current_span, set_span_in_context, use_span
from opentelemetry.trace import Span as OtelSpan
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

import wfpush
from wfpush.net.trace_context import NAME
from wfpush.observability.spans import Kind, Span, Start

_W3C = TraceContextTextMapPropagator()


def provider_of(processor: SpanProcessor) -> TracerProvider:
    """Return a provider whose spans end at the processor."""
    usual = Resource({"service.name": "wfpush", "service.version": wfpush.VERSION})
    resource = Resource.create().merge(usual).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(processor)
    return provider


def _flush_at_exit(provider: TracerProvider) -> None:
    """Export what waits when this process ends. Processes of `multiprocessing` run no functions of `atexit`."""
    Finalize(None, provider.shutdown, exitpriority=0)


os.environ.setdefault("OTEL_EXPORTER_OTLP_TIMEOUT", "3")  # not 10: a process that ends waits for its last batch
provider = provider_of(BatchSpanProcessor(OTLPSpanExporter()))
_flush_at_exit(provider)
register_after_fork(provider, _flush_at_exit)


class _Recorded(Span):
    def __init__(self, span: OtelSpan) -> None:
        self._span = span
        self.traceparent = _traceparent_of(span)

    def answered(self, status: int, *, failed: bool) -> None:
        self._span.set_attribute("http.response.status_code", status)
        if failed:
            _fail(self._span, str(status))


def traceparent() -> str:
    """Return the traceparent of the current span; empty if there is none."""
    return _traceparent_of(get_current_span())


@contextmanager
def span(name: str, kind: Kind, start: Start) -> Iterator[Span]:
    """Make one span, which is the current one meanwhile."""
    with spans(name, kind, [start]) as (made,), use_span(made, record_exception=False, set_status_on_exception=False):
        yield _Recorded(made)


@contextmanager
def spans(name: str, kind: Kind, starts: Sequence[Start]) -> Iterator[Sequence[OtelSpan]]:
    """Make a span for each start. An exception that leaves them fails them all; its text is nobody's business."""
    tracer = provider.get_tracer("wfpush", wfpush.VERSION)
    made = [
        tracer.start_span(
            name,
            _W3C.extract({NAME: start.parent}),
            SpanKind[kind.upper()],
            dict(start.attributes),
            [Link(get_current_span(_W3C.extract({NAME: each})).get_span_context()) for each in start.links],
        )
        for start in starts
    ]
    try:
        yield made
    except BaseException as error:
        for each in made:
            _fail(each, type(error).__qualname__)
        raise
    finally:
        for each in made:
            each.end()


def _fail(span: OtelSpan, error_type: str) -> None:
    span.set_attribute("error.type", error_type)
    span.set_status(Status(StatusCode.ERROR))


def _traceparent_of(span: OtelSpan) -> str:
    carrier: dict[str, str] = {}
    _W3C.inject(carrier, set_span_in_context(span))
    return carrier.get(NAME, "")
