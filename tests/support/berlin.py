"""Times of day in Berlin."""

from datetime import datetime

from wfpush import zones

BERLIN = zones.zone("Europe/Berlin")


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)
