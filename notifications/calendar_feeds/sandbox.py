"""The process in which one calendar is read: it has limits and no secrets, and all that it keeps ends with it.

    python -m notifications.calendar_feeds.sandbox ZONE NOW [TAKES …]

It reads a calendar from its standard input and writes a line of JSON for each question: when the events are, or, for
each of TAKES, when the person is away. Django is not imported, which would take longer than to read a calendar.
"""

import json
import resource
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from functools import cache, partial
from typing import Any

from notifications.calendar_feeds import absent_times, content
from notifications.calendar_feeds.content import IDENTITY, TIMES, Refused
from notifications.calendar_feeds.occurrences import occurrences_in, values_of
from wfpush import zones

CPU_SECONDS = 5
MEMORY_BYTES = 512 * 1024 * 1024
NAMES = TIMES | IDENTITY | {"SUMMARY", "ATTENDEE", "X-WR-TIMEZONE"}
MAX_TEXT, MAX_ATTENDEES = 1_000, 10
"""Characters of a summary or an address, and addresses of an event, that are handed on."""

_parsed = cache(content.parsed)
"""The parsed content, once for all questions."""


def main(arguments: Sequence[str]) -> None:
    limit()
    zone, now, takes = zones.zone(arguments[0]), datetime.fromisoformat(arguments[1]), arguments[2:]
    body = sys.stdin.buffer.read().decode("utf-8-sig", "replace")
    questions = [partial(_times_away, body, each, zone, now) for each in takes]
    for question in questions or [partial(_events, body, zone, now)]:
        sys.stdout.write(f"{_answer(question)}\n")
        sys.stdout.flush()


def limit() -> None:
    """Limit processor time and memory of this process. The parent limits the time of waiting for it."""
    _limit(resource.RLIMIT_CPU, CPU_SECONDS)
    if sys.platform != "darwin":  # macOS refuses it
        _limit(resource.RLIMIT_AS, MEMORY_BYTES)


def _limit(kind: int, value: int) -> None:
    hard = resource.getrlimit(kind)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))


def _answer(question: Callable[[], Any]) -> str:
    try:
        return json.dumps({"found": question()})
    except Refused as refused:
        return json.dumps({"fault": refused.code, "arguments": refused.arguments})
    except (MemoryError, RecursionError):
        return json.dumps({"fault": "feed_too_much", "arguments": {}})
    except Exception:  # libraries raise anything over what a stranger wrote
        return json.dumps({"fault": "feed_broken", "arguments": {}})


def _events(body: str, zone: tzinfo, now: datetime) -> list[Any]:
    events = []
    for event, begins, ends in occurrences_in(_parsed(body, NAMES).reduced(now), zone, now):
        attendees = [str(address)[:MAX_TEXT] for address in values_of(event, "ATTENDEE")[:MAX_ATTENDEES]]
        events.append((begins.isoformat(), ends.isoformat(), str(event.get("SUMMARY", ""))[:MAX_TEXT], attendees))
    return events


def _times_away(body: str, takes: str, zone: tzinfo, now: datetime) -> list[Any]:
    spans = absent_times.spans_in(_parsed(body, absent_times.NAMES), takes, zone, now)
    return [(span.begins_at.isoformat(), span.ends_at.isoformat()) for span in spans]


if __name__ == "__main__":
    main(sys.argv[1:])
