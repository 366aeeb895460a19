"""How fast the clock reckons, claims and tells; and how late people hear when many tasks run late at once."""

import json
import sys
import time

import psycopg

from bench.harness import MANAGE, BenchError, Figure, House, Json, percentile

LATE, PATIENCE = 10_000, 240.0
LOOK_SECONDS = 0.05
FEW, MANY = 10_000, 1_000_000
LARGE_SECONDS = 900.0
RATE, LATEST, ADDED = 500.0, 5.0, 50.0
IDLE_MS, CLAIM_MS, GROWTH = 5.0, 30.0, 2.0


def measure() -> list[Figure]:
    with House(works=False) as house:
        added = _ask(house, "calendar")["seconds"] * 1e6
        rates = _ask(house, "steps")
    with House(works=False) as house:
        late = lateness(house)
    return [
        Figure("40 business hours over Christmas added", added, "", None, "µs", f"under {ADDED:g} µs", added < ADDED),
        Figure(
            "Steps taken and told of by one worker",
            rates["together"],
            "the same, one by one",
            rates["singly"],
            "steps/s",
            f"at least {RATE:g}/s",
            rates["together"] >= RATE,
        ),
        Figure(f"{LATE:,} tasks late within a minute: due to told, p50", percentile(late, 0.5), "", None, "s"),
        Figure(
            f"{LATE:,} tasks late within a minute: due to told, p99",
            percentile(late, 0.99),
            "",
            None,
            "s",
            f"under {LATEST:g} s",
            percentile(late, 0.99) < LATEST,
        ),
    ]


def measure_large() -> list[Figure]:
    """With a million clocks, beside ten thousand."""
    found = []
    for count in (FEW, MANY):
        with House(works=False) as house:
            found.append(_ask(house, "claim", str(count)))
    few, many = found
    idle, claim, beside = (1000 * each for each in (many["idle"], many["claim"], few["claim"]))
    return [
        Figure(f"A tick with {MANY:,} clocks, none due", idle, f"with {FEW:,}", 1000 * few["idle"], "ms",
               f"under {IDLE_MS:g} ms", idle < IDLE_MS),
        Figure(f"500 claimed of {MANY:,} clocks", claim, f"of {FEW:,}", beside, "ms",
               f"under {CLAIM_MS:g} ms, at most {GROWTH:g} times the peer",
               claim < CLAIM_MS and claim <= GROWTH * beside),
    ]  # fmt: skip


def _ask(house: House, *words: str) -> Json:
    program = house.start("clock", sys.executable, "-m", "bench.escalation_clock", *words)
    said: Json = json.loads(program.finish(LARGE_SECONDS).strip().splitlines()[-1])
    program.stop()
    return said


def lateness(house: House) -> list[float]:
    """Seconds from each task's due time to the commit of its step, with the worker as usual."""
    due: list[float] = _ask(house, "rows", str(LATE))["due"]
    worker = house.start("worker", sys.executable, MANAGE, "worker", "--grace", "3")
    late: list[float] = []
    end = time.time() + PATIENCE
    with psycopg.connect(house.database_url, autocommit=True) as connection:
        while len(late) < LATE:
            row = connection.execute("SELECT count(*) FROM escalations_steprun").fetchone()
            now = time.time()
            late += [max(now - due[place], 0.0) for place in range(len(late), int(row[0]) if row else 0)]
            if now > end:
                raise BenchError(f"Only {len(late)} of {LATE} steps were taken within {PATIENCE:g} s.")
            time.sleep(LOOK_SECONDS)
    worker.stop()
    return late
