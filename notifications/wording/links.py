"""Links that engines send: only http and https links are shown."""

from typing import Any
from urllib.parse import urlsplit

from notifications.reasons import BAD_LINK, Reason
from notifications.types import Json


def is_web_link(value: Any) -> bool:
    """True for an absolute http or https address without control characters."""
    if not isinstance(value, str) or not value.isprintable():
        return False
    try:
        parts = urlsplit(value.strip())
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def without_bad_links(data: Json) -> tuple[Json, list[Reason]]:
    """Return the event's data without links that are not http or https, and a note for each removed link."""
    dropped: list[str] = []
    return _cleaned(data, "", dropped), [BAD_LINK(path=path) for path in dropped]


def _cleaned(value: Any, path: str, dropped: list[str]) -> Any:
    if isinstance(value, list):
        return [_cleaned(item, f"{path}.{index}", dropped) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    result = {}
    for name, item in value.items():
        here = f"{path}.{name}".lstrip(".")
        if name == "url" and isinstance(item, str) and item and not is_web_link(item):
            dropped.append(here)
            result[name] = ""
        else:
            result[name] = _cleaned(item, here, dropped)
    return result
