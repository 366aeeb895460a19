"""Spans of OpenTelemetry: one trace leads from an engine's call through this product, to people, and back.

They are made if the extra `otel` is installed and the environment says where they go (docs/operations/tracing.md).
Without that, nothing of OpenTelemetry is imported here. What happens later, in another process, continues the stored
traceparent. Spans have no texts of people or engines; of an error, only its type.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

import structlog

from wfpush.net.trace_context import NAME
from wfpush.observability.spans import Attributes, Kind, Span, Start

log = structlog.get_logger(__name__)

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
NOTHING: AbstractContextManager[Span] = nullcontext(Span())


def is_switched_on(environment: Mapping[str, str]) -> bool:
    """Return whether the environment asks for spans, by the variables of OpenTelemetry's specification."""
    disabled = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    exporters = environment.get("OTEL_TRACES_EXPORTER", "").split(",")
    return not disabled and ("otlp" in exporters or (exporters == [""] and any(map(environment.get, ENDPOINTS))))


@cache
def _exporter() -> Any:
    """Return the module that makes spans, loaded with the first one in each process; None if there are none."""
    if not is_switched_on(os.environ):
        return None
    try:
        return import_module("wfpush.observability.span_export")
    except ModuleNotFoundError as error:
        log.warning("spans_need_the_extra_otel", missing=error.name)
        return None


def is_on() -> bool:
    return _exporter() is not None


def span(
    name: str, kind: Kind, parent: str, attributes: Attributes, links: Sequence[str] = ()
) -> AbstractContextManager[Span]:
    """Make a span, which is the current one of this context. Only a request that comes in begins a trace: without the
    traceparent of a parent there is no span for anything else. An exception that leaves it is recorded."""
    exporter = _exporter()
    if exporter is None or not (parent or kind == "server"):
        return NOTHING
    made: AbstractContextManager[Span] = exporter.span(name, kind, Start(parent, attributes, links))
    return made


def spans(name: str, kind: Kind, starts: Sequence[Start]) -> AbstractContextManager[Any]:
    """Make spans of work that is done together, none of them current."""
    exporter = _exporter()
    return NOTHING if exporter is None else exporter.spans(name, kind, [start for start in starts if start.parent])


def request(method: str, url: str, parent: str) -> AbstractContextManager[Span]:
    """Make a span of a request to another system. Of its address, only host and port are told: the rest may be
    secret."""
    if not (parent and is_on()):
        return NOTHING
    address = urlsplit(url)
    port = address.port or (443 if address.scheme == "https" else 80)
    attributes: dict[str, str | int] = {
        "http.request.method": method,
        "server.address": address.hostname or "",
        "server.port": port,
    }
    return span(method, "client", parent, attributes)


def current() -> dict[str, str]:
    """Return the member with the traceparent of the current span; empty if there is none."""
    exporter = _exporter()
    traceparent: str = exporter.traceparent() if exporter is not None else ""
    return {NAME: traceparent} if traceparent else {}
