"""`python -m bench.escalation_clock WHAT [ROWS]`: measures the clock by itself; prints the results as JSON.

`calendar`: seconds of one `Calendar.add`. `steps`: steps a second, together and one by one. `rows`: makes tasks that
are late within a minute, and prints from when on. `claim`: seconds of a claim of 500, and of a tick with nothing due.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wfpush.settings")
    django.setup()

from django.utils import timezone

from bench import escalation_rows
from bench.harness import Json, median
from escalations.calendars.working_time import Calendar
from escalations.clocks import due_steps
from wfpush.processes.garbage import tune_garbage_collection
from wfpush.queue import outbox

OFFICE = [["09:00", "12:30"], ["13:30", "18:00"]]
MUNICH: Json = {
    "timezone": "Europe/Berlin",
    "week": dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), OFFICE),
    "holidays": {"country": "DE", "subdivision": "BY"},
}
BEFORE_CHRISTMAS = datetime(2026, 12, 21, 14, tzinfo=UTC)
ADDS = 20_000
STEPS, SINGLY = 3_000, 300
CLAIMED, CLAIMS, TICKS = 500, 15, 200
DUE = CLAIMED * (CLAIMS + 2)
AHEAD, WITHIN = timedelta(seconds=8), timedelta(seconds=60)


def calendar() -> Json:
    """Forty hours over Christmas, in a year that was computed before, as it is after the first call."""
    made, duration = Calendar.from_dict(MUNICH), timedelta(hours=40)
    made.add(BEFORE_CHRISTMAS, duration)
    return {"seconds": _seconds(lambda: made.add(BEFORE_CHRISTMAS, duration), ADDS)}


def steps() -> Json:
    """Steps of one worker that does nothing else; each tells a manager."""
    now = timezone.now()
    escalation_rows.tasks(STEPS + SINGLY, escalation_rows.policy(), escalation_rows.people(), [now] * (STEPS + SINGLY))
    tune_garbage_collection()  # as the cluster does
    due_steps.tick(now)  # warm
    began, taken = time.perf_counter(), 0
    while taken < STEPS - due_steps.BATCH:
        taken += due_steps.tick(now)
    together = taken / (time.perf_counter() - began)
    due_steps.BATCH = 1
    began, taken = time.perf_counter(), 0
    while taken < SINGLY:
        taken += due_steps.tick(now)
    return {"together": together, "singly": taken / (time.perf_counter() - began)}


def rows(count: int) -> Json:
    first = timezone.now() + AHEAD + timedelta(seconds=count / 1000)
    due = [first + WITHIN * number / count for number in range(count)]
    escalation_rows.tasks(count, escalation_rows.policy(), escalation_rows.people(), due)
    return {"due": [each.timestamp() for each in due]}


def claim(count: int) -> Json:
    """A claim from a table with so many clocks, some of them due."""
    now = timezone.now()
    escalation_rows.tasks(DUE, escalation_rows.policy(), escalation_rows.people(), [now] * DUE)
    if count > DUE:
        escalation_rows.many_more(count - DUE)
    before = now - timedelta(hours=1)
    idle = _seconds(lambda: due_steps.tick(before), TICKS)
    took = []
    for _ in range(CLAIMS):
        began = time.perf_counter()
        claimed = outbox.claim(due_steps.due(), limit=CLAIMED, lease=due_steps.LEASE * 100, now=now)
        took.append(time.perf_counter() - began)
        assert len(claimed) == CLAIMED
    return {"claim": median(took), "idle": idle}


def _seconds(act: Callable[[], object], times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        act()
    return (time.perf_counter() - began) / times


WHAT: dict[str, Callable[..., Json]] = {"calendar": calendar, "steps": steps, "rows": rows, "claim": claim}


def main(what: str, *numbers: Any) -> None:
    print(json.dumps(WHAT[what](*(int(number) for number in numbers))))


if __name__ == "__main__":
    main(*sys.argv[1:])
