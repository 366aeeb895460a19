"""Reads a calendar in a process of its own: no stranger's data is computed, or stored, in one of ours.

The child limits itself (`sandbox.py`). This module limits the time of waiting for it, and interprets its end.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from notifications import reasons
from notifications.calendar_feeds.content import Span
from notifications.reasons import Reason
from wfpush.config import places

WALL_SECONDS = 10.0
PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME")
"""Variables with which Python is found. No others: the child needs no secret."""
COMMAND = (sys.executable, "-m", "notifications.calendar_feeds.sandbox")


class Unreadable(Exception):
    """Raised for an answer that is no readable calendar. `service_state`: the state of its server that follows
    (wfpush/observability/services.py); empty: it answered. `service_reason`: the reason for operators."""

    def __init__(self, reason: Reason, service_state: str = "", service_reason: Reason | None = None) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.service_state = service_state
        self.service_reason = service_reason or reason


@dataclass(frozen=True)
class CalendarEvent:
    """An event of a calendar: texts as they were written, addresses of attendees with `mailto:`."""

    begins_at: datetime
    ends_at: datetime
    summary: str
    attendees: Sequence[str]


def events_in(body: str, zone: tzinfo, now: datetime) -> list[CalendarEvent]:
    """Return the events of the coming time, in order. Days begin at midnight in the zone. Raise Unreadable."""
    [occurrences] = _ask(body, zone, now)
    if isinstance(occurrences, Reason):
        raise Unreadable(occurrences)
    return [CalendarEvent(*_times(begins, ends), summary, who) for begins, ends, summary, who in occurrences]


def spans_in(body: str, takes: str, zone: tzinfo, now: datetime) -> list[Span]:
    """Return when the calendar's person is away in the coming time; `takes`: which entries count, as in `absent_times`.
    Overlapping and adjacent times are merged. Raise Unreadable."""
    [spans] = spans_by_choice(body, [takes], zone, now)
    if isinstance(spans, Reason):
        raise Unreadable(spans)
    return spans


def spans_by_choice(body: str, takes: Sequence[str], zone: tzinfo, now: datetime) -> list[list[Span] | Reason]:
    """Return the absences for each choice of `takes`, or the reason why they cannot be read."""
    return [
        occurrences if isinstance(occurrences, Reason) else [Span(*_times(*span)) for span in occurrences]
        for occurrences in _ask(body, zone, now, *takes)
    ]


def _times(begins: str, ends: str) -> tuple[datetime, datetime]:
    return datetime.fromisoformat(begins), datetime.fromisoformat(ends)


def _ask(body: str, zone: tzinfo, now: datetime, *takes: str) -> list[Any]:
    """Return the child's answers to the questions. Questions that ended it before an answer are too much for it."""
    lines = map(json.loads, _run([str(zone), now.isoformat(), *takes], body.encode()))
    answers = [
        reasons.CODES[line["fault"]](**line["arguments"]) if "fault" in line else line["found"] for line in lines
    ]
    return answers + [reasons.FEED_TOO_MUCH()] * (max(1, len(takes)) - len(answers))


def _run(arguments: Sequence[str], body: bytes) -> list[bytes]:
    """Return the whole lines that the child wrote. Raise RuntimeError if it could not even begin."""
    try:
        ended = subprocess.run(
            [*COMMAND, *arguments],
            input=body,
            capture_output=True,
            cwd=places.PACKAGES,
            env=environment(os.environ),
            timeout=WALL_SECONDS,
            process_group=0,  # a cluster ends when one of its own group is killed
        )
    except subprocess.TimeoutExpired as late:
        return _whole_lines(late.output or b"")
    if ended.returncode > 0:  # not by a signal
        last_line = ended.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2][:300]
        raise RuntimeError(f"the reader of calendars ended with {ended.returncode}: {last_line}")
    return _whole_lines(ended.stdout)


def environment(ours: Mapping[str, str]) -> dict[str, str]:
    return {name: ours[name] for name in PASSED_ON if name in ours}


def _whole_lines(output: bytes) -> list[bytes]:
    return output[: output.rfind(b"\n") + 1].splitlines()
