"""Spans of this process, kept in memory."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from wfpush.observability import tracing


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """Tracing is switched on, and spans go here."""
    monkeypatch.setenv(tracing.ENDPOINTS[0], "http://127.0.0.1:9")
    tracing._exporter.cache_clear()
    exporter = InMemorySpanExporter()
    module = tracing._exporter()
    monkeypatch.setattr(module, "provider", module.provider_of(SimpleSpanProcessor(exporter)))
    yield exporter
    tracing._exporter.cache_clear()
