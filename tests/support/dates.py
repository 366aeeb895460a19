"""`python -m tests.support.dates [--on NAME] [what pytest takes]`: tests on other days than today, on a moved clock.

A test that holds only until a certain day, or only outside the night in which the clocks change, is found here before
that day comes. libfaketime moves the clock of everything that is started: pytest, the processes that tests start, the
embedded PostgreSQL and Valkey. Monotonic clocks, by which time-outs go, stay as they are.

Named tests run on each date; without names all that know time, and on one date all that need no browser.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

TESTS = Path(__file__).resolve().parents[1]
LIBRARY = "libfaketimeMT.so.1"
PLACES = ("usr/lib/*/faketime", "usr/lib64/faketime", "usr/lib/faketime", "usr/local/lib/faketime")
MISSING = f"""\
{LIBRARY} is not installed: no test was run on another date.
Install it (Debian, Ubuntu: apt-get install libfaketime; Fedora: dnf install libfaketime) and run this again."""
BEGINS = "WFPUSH_TESTS_BEGIN"
"""Seconds since 1970 at which each test begins; see `moved.py`."""
REAL = "WFPUSH_TESTS_REAL"
"""What, added to the monotonic clock, makes the real time."""

KNOWS_TIME = re.compile(r"datetime|timezone\.now|timedelta|time_machine|time\.time\(|\bday|_at\b")
ELSEWHERE = ("soak", "browsers", "deploy", "support", "pushlab")
QUIET = ("-q", "-p", "no:cacheprovider", "--show-capture=no", "-m", "not browser and not processes")
BEFORE = timedelta(seconds=10)


@dataclass(frozen=True)
class Moment:
    """When tests are run. `again`: each of them begins there, since a run is long and what matters a moment."""

    name: str
    begins: datetime
    again: bool = False


def moments(now: datetime) -> list[Moment]:
    """The dates that break what depends on dates, after `now`."""
    midnight = (now + timedelta(days=2)).replace(hour=0, minute=0, second=0, microsecond=0)
    edges = {"midnight": midnight}
    for city, zone in (("berlin", ZoneInfo("Europe/Berlin")), ("santiago", ZoneInfo("America/Santiago"))):
        edges |= {f"{city}-{name}": next_change(zone, now, forward) for name, forward in _CHANGES}
    return [
        Moment("tomorrow", now + timedelta(days=1)),
        Moment("month", now + timedelta(days=31)),
        Moment("18-months", now + timedelta(days=540)),
        Moment("leap-day", next_leap_day(now)),
        *(Moment(name, instant - BEFORE, again=True) for name, instant in edges.items()),
    ]


_CHANGES = (("spring", True), ("autumn", False))


def next_change(zone: ZoneInfo, now: datetime, forward: bool) -> datetime:
    """The next instant at which the clocks of a zone are put forward, or back."""
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    for _ in range(24 * 366):
        before, hour = hour, hour + timedelta(hours=1)
        moved = _offset(hour, zone) - _offset(before, zone)
        if moved and (moved > timedelta()) == forward:
            return hour
    raise ValueError(f"The clocks of {zone.key} do not change within a year.")


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta()


def next_leap_day(now: datetime) -> datetime:
    """Noon of the next 29 February."""
    day = now.astimezone(UTC).replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=1)
    while (day.month, day.day) != (2, 29):
        day += timedelta(days=1)
    return day


def library(root: Path = Path("/")) -> Path | None:
    """libfaketime for programs with threads, where distributions put it."""
    return next(
        (found / LIBRARY for place in PLACES for found in root.glob(place) if (found / LIBRARY).is_file()), None
    )


def real_time() -> float:
    """Seconds since 1970, also in a process whose clock is moved."""
    if REAL in os.environ:
        return float(os.environ[REAL]) + time.monotonic()
    return time.time()


def moved(moment: Moment, preload: Path, offsets: Path, environment: dict[str, str]) -> dict[str, str]:
    """An environment whose processes begin at a moment. `offsets`: a file for those that go there `again`."""
    real = real_time()
    untouched = {name: value for name, value in environment.items() if not name.startswith(("FAKETIME", BEGINS))}
    clock = {
        "LD_PRELOAD": str(preload),
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_FORCE_MONOTONIC_FIX": "0",  # else a thread takes 0.1 s to start
        "NO_FAKE_STAT": "1",  # or every compiled module would look older than its source
        REAL: str(real - time.monotonic()),
    }
    offset = f"{moment.begins.timestamp() - real:+.3f}"
    if not moment.again:
        return untouched | clock | {"FAKETIME": offset}
    offsets.write_text(offset)
    offsets.chmod(0o644)  # the servers run as another user
    where = {"FAKETIME_TIMESTAMP_FILE": str(offsets), "FAKETIME_NO_CACHE": "1"}
    return untouched | clock | where | {BEGINS: str(moment.begins.timestamp())}


def files(everything: bool) -> Iterator[str]:
    """The files of tests that need no browser: all, or those that know time."""
    for path in sorted(TESTS.rglob("test_*.py")):
        known = path.relative_to(TESTS).parts[0] not in ELSEWHERE
        if known and (everything or KNOWS_TIME.search(path.read_text(encoding="utf-8"))):
            yield str(path.relative_to(TESTS.parent))


def run(moment: Moment, preload: Path, named: Sequence[str]) -> bool:
    """Run tests at a moment; True if they pass. Its servers have a data folder of their own."""
    sys.stdout.write(f"\n=== {moment.name}: from {moment.begins:%Y-%m-%d %H:%M:%S} UTC\n")
    sys.stdout.flush()
    folder = f"{os.environ.get('WFPUSH_DATA', '.wfpush-test')}-{moment.name}"
    offsets = Path(f"/tmp/wfpush-offset-{os.getpid()}")
    chosen = list(named) or list(files(everything=moment.name == "18-months"))
    command = [sys.executable, "-m", "pytest", "-p", "tests.support.moved", *QUIET, *chosen]
    try:
        environment = moved(moment, preload, offsets, {**os.environ, "WFPUSH_DATA": folder})
        return subprocess.run(command, env=environment, check=False).returncode == 0
    finally:
        offsets.unlink(missing_ok=True)


def main(arguments: list[str]) -> int:
    dates = moments(datetime.now(UTC))
    parser = argparse.ArgumentParser(prog="python -m tests.support.dates", description="Run tests on other dates.")
    parser.add_argument(
        "--on", action="append", choices=[each.name for each in dates], help="this date only; repeatable"
    )
    options, named = parser.parse_known_args(arguments)
    if (preload := library()) is None:
        sys.stderr.write(f"{MISSING}\n")
        return 2
    failed = [each.name for each in dates if each.name in (options.on or [each.name]) and not run(each, preload, named)]
    sys.stdout.write(f"\nFailed on: {', '.join(failed)}\n" if failed else "\nPassed on every date.\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
