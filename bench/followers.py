"""One event for all followers of a case, in four languages: until everything is in inboxes and queued, and in how much
memory."""

import asyncio
import re
import sys
import time
from pathlib import Path

import aiohttp
import psutil
import psycopg

from bench.harness import MANAGE, Api, BenchError, Figure, House, Json, Program
from bench.inboxes import BATCH, flood

FEW, MANY = 5_000, 20_000
SECONDS, GROWTH = 20.0, 1.2
PATIENCE_SECONDS = 300.0
ROWS_SECONDS = 300.0
LOOK_SECONDS = 0.05
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)


def measure(house: House) -> list[Figure]:
    """The house's own worker must not run: each count has a cluster of its own, and nothing is sent."""
    house.stop_working()
    _few_seconds, few = asyncio.run(told(house, FEW))
    seconds, many = asyncio.run(told(house, MANY))
    what, flat = f"{MANY:,} followers in four languages", many <= GROWTH * few
    return [
        Figure(
            f"{what}, until all are in inboxes and queued",
            seconds,
            "",
            None,
            "s",
            f"under {SECONDS:g} s",
            seconds < SECONDS,
        ),
        Figure(f"{what}: memory", many, f"of {FEW:,}", few, "MB", f"at most {GROWTH:g} times the peer", flat),
    ]


async def told(house: House, count: int) -> tuple[float, float]:
    """Seconds from the 202 to the commit, and the most megabytes that a process of the cluster has ever had."""
    rows = house.start("followers", sys.executable, "-m", "bench.follower_rows", str(count))
    case = rows.finish(ROWS_SECONDS).strip().splitlines()[-1]
    cluster = house.start("cluster", sys.executable, MANAGE, "cluster")
    async with aiohttp.ClientSession() as session:
        api = Api(session, house.url, house.api_key)
        await api.token_for("clerk", "Clerk")
        await flood(house, api, ["clerk"], f"before-{count}", BATCH)  # all is loaded and compiled
        await api.call("POST", "/events", _milestone(case))
        began = time.monotonic()
        await _until_queued(house, case, count)
        took = time.monotonic() - began
    peak = _peak(cluster)
    cluster.stop()
    return took, peak


def _milestone(case: str) -> Json:
    return {
        "specversion": "1.0",
        "id": case,
        "source": "bench",
        "type": "case.status_changed",
        "data": {"case": {"id": case, "title": "Main Street 5", "status": "approved"}},
    }


async def _until_queued(house: House, case: str, count: int) -> None:
    """Raises BenchError if somebody is left out, or after PATIENCE_SECONDS."""
    end = time.monotonic() + PATIENCE_SECONDS
    async with await psycopg.AsyncConnection.connect(house.database_url, autocommit=True) as connection:
        ended = "SELECT id FROM notifications_event WHERE event_id = %s AND processed_at IS NOT NULL"
        while (row := await (await connection.execute(ended, [case])).fetchone()) is None:
            if time.monotonic() > end:
                raise BenchError(f"{count:,} followers were not told within {PATIENCE_SECONDS:g} s.")
            await asyncio.sleep(LOOK_SECONDS)
        found = await connection.execute(
            "SELECT (SELECT count(*) FROM notifications_notification WHERE event_id = %(id)s),"
            " (SELECT count(DISTINCT language) FROM notifications_notification WHERE event_id = %(id)s),"
            " (SELECT count(*) FROM notifications_delivery WHERE event_id = %(id)s AND due_at IS NOT NULL)",
            {"id": row[0]},
        )
        items = await found.fetchone()
    if items != (count, 4, count):
        raise BenchError(f"Of {count:,} followers in 4 languages, (items, languages, messages) are there: {items}.")


def _peak(cluster: Program) -> float:
    first = psutil.Process(cluster.process.pid)
    return max(_most(process.pid) for process in (first, *first.children(recursive=True)))


def _most(pid: int) -> float:
    """The most resident megabytes so far, as the kernel knows them."""
    found = _PEAK.search(Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    return int(found[1]) / 1000 if found else 0.0
