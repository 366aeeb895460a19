"""Being written."""
from typing import Any


def configure(level: str, fmt: str) -> dict[str, Any]:
    return {"version": 1, "disable_existing_loggers": False}
