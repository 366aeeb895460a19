"""Spans as the places see them that make one, whether OpenTelemetry is there or not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from wfpush.net.trace_context import NAME

Kind = Literal["server", "client", "producer", "consumer", "internal"]
Attributes = Mapping[str, str | int]


class Span:
    """A span that is under way. This one stands for none."""

    traceparent = ""
    """Of what follows from the span; empty for none."""

    @property
    def headers(self) -> dict[str, str]:
        """The header that hands the trace on with a request."""
        return {NAME: self.traceparent} if self.traceparent else {}

    def answered(self, status: int, *, failed: bool) -> None:
        """Set the status of the HTTP response."""


@dataclass(frozen=True, slots=True)
class Start:
    """The beginning of a span: the traceparent of its parent, and those of other traces that it is part of."""

    parent: str
    attributes: Attributes = field(default_factory=dict)
    links: Sequence[str] = ()
