"""Values in the JSON of gateways."""

import json
from typing import Any


def value_at(value: Any, path: str) -> Any:
    """What stands at a path such as `messages.0.id`; None if nothing does."""
    for step in path.split("."):
        if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value


def at_path(value: Any, path: str) -> str:
    """Return the value at a path as text; empty for an object, a list, or no value."""
    part = value_at(value, path)
    if part is None or isinstance(part, dict | list):
        return ""
    return json.dumps(part) if isinstance(part, bool) else str(part)
