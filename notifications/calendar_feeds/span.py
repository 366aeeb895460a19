"""Times away. Pure: no Django."""

from dataclasses import dataclass
from datetime import datetime, timedelta

LONGEST_ABSENCE = timedelta(days=2 * 365)
"""Also how far ahead one may begin: people who are away for longer are deactivated instead."""


@dataclass(frozen=True, order=True)
class Span:
    """A time away."""

    begins_at: datetime
    ends_at: datetime
