"""W3C trace context (https://www.w3.org/TR/trace-context/). The `traceparent` of an event is passed on with everything
that follows from it, so that one trace leads from an engine through this product and back."""

import json
import re
from collections.abc import Mapping
from typing import Any

NAME = "traceparent"
"""The name of the HTTP header, and of the CloudEvents attribute (the extension “Distributed Tracing”)."""

_FORM = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def valid(value: object) -> str:
    """Return the value if it is a traceparent, else an empty string."""
    return value if isinstance(value, str) and _FORM.fullmatch(value) else ""


def traceparent_of(extensions: Mapping[str, Any]) -> str:
    """Return the valid traceparent among an event's extension attributes; empty if there is none."""
    return valid(extensions.get(NAME))


def attribute(extensions: Mapping[str, Any]) -> dict[str, str]:
    """Return the member with the traceparent among an event's extension attributes; empty if there is no valid one."""
    trace = traceparent_of(extensions)
    return {NAME: trace} if trace else {}


def traceparent_in(body: bytes) -> str:
    """Return the valid traceparent of a CloudEvent in JSON; empty if it has none."""
    return valid(json.loads(body).get(NAME)) if NAME.encode() in body else ""
