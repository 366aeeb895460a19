"""One event for all followers of a case, in four languages: until everything is in inboxes and queued, and in how much
memory."""

import asyncio
import re
import sys
import time
from pathlib import Path

import aiohttp
import psutil

from bench.api import Api
from bench.harness import MANAGE, PATIENCE_SECONDS, BenchError, Figure, House, Json, Program, bounded, compared, until
from bench.inboxes import BATCH, flood

FEW, MANY = 5_000, 20_000
SECONDS, GROWTH = 20.0, 1.2
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)
_COUNTS = """
SELECT (SELECT count(*) FROM notifications_notification WHERE event_id = event.id),
    (SELECT count(DISTINCT language) FROM notifications_notification WHERE event_id = event.id),
    (SELECT count(*) FROM notifications_delivery WHERE event_id = event.id AND due_at IS NOT NULL)
FROM notifications_event event WHERE event.event_id = %s AND processed_at IS NOT NULL
"""


def measure() -> list[Figure]:
    """Each count has a cluster of its own, and nothing is sent."""
    with House(works=False) as house:
        _few_seconds, few = asyncio.run(told(house, FEW))
        seconds, many = asyncio.run(told(house, MANY))
    what = f"{MANY:,} followers in four languages"
    return [
        bounded(f"{what}, until all are in inboxes and queued", seconds, "s", SECONDS),
        compared(f"{what}: memory", many, f"of {FEW:,}", few, "MB", most=GROWTH),
    ]


async def told(house: House, count: int) -> tuple[float, float]:
    """Seconds from the 202 to the commit, and the most megabytes that a process of the cluster has ever had.

    Raises BenchError if somebody is left out.
    """
    case = house.inside("follower_rows", str(count), within=PATIENCE_SECONDS)
    cluster = house.start("cluster", sys.executable, MANAGE, "cluster")
    async with aiohttp.ClientSession() as session:
        api = Api(session, house.url, house.api_key)
        await api.token_for("clerk", "Clerk")
        await flood(house, api, ["clerk"], f"before-{count}", BATCH)  # all is loaded and compiled
        await api.call("POST", "/events", _milestone(case))
    began = time.monotonic()
    until(lambda: house.rows(_COUNTS, case), f"{count:,} followers are told")
    seconds = time.monotonic() - began
    if (counts := house.rows(_COUNTS, case)[0]) != (count, 4, count):
        raise BenchError(f"Of {count:,} followers in 4 languages, (items, languages, messages) are there: {counts}.")
    peak = _peak(cluster)
    cluster.stop()
    return seconds, peak


def _milestone(case: str) -> Json:
    data = {"case": {"id": case, "title": "Main Street 5", "status": "approved"}}
    return {"specversion": "1.0", "id": case, "source": "bench", "type": "case.status_changed", "data": data}


def _peak(cluster: Program) -> float:
    """The most resident megabytes that one of its processes has had so far, as the kernel knows them."""
    first = psutil.Process(cluster.process.pid)
    statuses = [
        Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
        for process in (first, *first.children(recursive=True))
    ]
    return max(int(match[1]) / 1_000 for match in map(_PEAK.search, statuses) if match)
