"""Time as the engine writes it down."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The present instant, with its zone."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """`moment` in UTC as ISO 8601 with microseconds and `Z`, so that stamps sort as text."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
