"""`python -m tests.vectors.reckoning`: writes business_time.json, by a reckoning of its own.

It watches a clock on a wall, minute by minute, and counts. It uses nothing of escalations/calendars/working_time.py,
and never turns a wall time into an instant.
"""

import json
import random
import zoneinfo
from bisect import bisect_left
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import holidays

FILE = Path(__file__).with_name("business_time.json")
SEED = 20261125
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
OFFICE = [["09:00", "12:30"], ["13:30", "18:00"]]
AROUND = [["00:00", "00:00"]]


def every(names: tuple[str, ...], hours: list[list[str]]) -> dict[str, list[list[str]]]:
    return {name: list(hours) for name in names}


CALENDARS: dict[str, dict[str, Any]] = {
    "munich office": {
        "timezone": "Europe/Berlin",
        "week": {**every(WEEKDAYS[:4], OFFICE), "fri": [["09:00", "14:00"]]},
        "holidays": {"country": "DE", "subdivision": "BY"},
        "days": {"2026-12-24": [["09:00", "12:00"]], "2026-12-31": []},
    },
    "berlin nights": {
        "timezone": "Europe/Berlin",
        "week": {**every(WEEKDAYS[:5], [["22:00", "06:00"]]), "sun": [["01:30", "02:30"], ["23:15", "02:45"]]},
    },
    "new york desk": {
        "timezone": "America/New_York",
        "week": every(WEEKDAYS[:5], [["08:30", "17:15"]]) | {"sun": [["00:00", "02:30"]]},
        "holidays": {"country": "US", "subdivision": None},
    },
    "kolkata plant": {
        "timezone": "Asia/Kolkata",
        "week": every(WEEKDAYS[:6], [["14:00", "22:00"], ["06:00", "14:00"]]),
        "holidays": {"country": "IN", "subdivision": "KA"},
    },
    "lord howe": {
        "timezone": "Australia/Lord_Howe",
        "week": every(WEEKDAYS, [["01:45", "02:15"], ["10:00", "16:00"]]),
    },
    "havana around the clock": {"timezone": "America/Havana", "week": every(WEEKDAYS, AROUND)},
    "havana mornings": {
        "timezone": "America/Havana",
        "week": every(WEEKDAYS, [["00:00", "00:30"], ["23:30", "00:15"], ["08:00", "12:00"]]),
    },
    "apia that lost a day": {
        "timezone": "Pacific/Apia",
        "week": every(WEEKDAYS[:5], [["08:00", "16:00"]]) | {"sat": [["20:00", "04:00"]]},
        "days": {"2011-12-30": [["00:00", "12:00"], ["18:00", "02:00"]]},
    },
    "tokyo half days": {
        "timezone": "Asia/Tokyo",
        "week": every(WEEKDAYS[:5], [["10:00", "19:00"]]) | {"sat": [["10:00", "13:00"]]},
        "holidays": {"country": "JP"},
        "days": {"2028-02-29": [["10:00", "12:00"]], "2026-01-02": []},
    },
}
"""Each by what is special about it."""

Watch = tuple[str, str, str]
WATCHED: list[Watch] = [
    ("munich office", "2026-03-20", "2026-04-20"),
    ("munich office", "2026-10-15", "2027-01-20"),
    ("berlin nights", "2026-03-20", "2026-04-12"),
    ("berlin nights", "2026-10-15", "2026-11-12"),
    ("new york desk", "2026-03-01", "2026-03-25"),
    ("new york desk", "2026-10-25", "2027-01-10"),
    ("kolkata plant", "2027-12-20", "2028-03-10"),
    ("lord howe", "2026-03-28", "2026-04-12"),
    ("lord howe", "2026-09-28", "2026-10-12"),
    ("havana around the clock", "2025-03-05", "2025-03-17"),
    ("havana around the clock", "2025-10-27", "2025-11-09"),
    ("havana mornings", "2025-03-05", "2025-03-17"),
    ("havana mornings", "2025-10-27", "2025-11-09"),
    ("apia that lost a day", "2011-12-20", "2012-01-15"),
    ("tokyo half days", "2025-12-20", "2026-01-25"),
    ("tokyo half days", "2028-02-15", "2028-03-20"),
]
"""Which days of which calendars: changes of the clock, holidays, ends of years, leap days."""
ROWS_EACH, BETWEEN_EACH = 18, 6


class Shift(NamedTuple):
    day: date
    number: int


# --- the clock on the wall ----------------------------------------------------------------------------
def working_minutes(calendar: dict[str, Any], first: datetime, last: datetime) -> list[datetime]:
    """The minutes of working time from `first` up to `last`, in order."""
    opened, closed = occurrences(calendar, first - 3 * DAY, last + 3 * DAY)
    worked: set[datetime] = set()
    for shift, minutes in opened.items():
        minute = minutes[0]  # the first time the clock shows it
        while minute < closed[shift][-1]:  # the last time
            worked.add(minute)
            minute += MINUTE
    return sorted(minute for minute in worked if first <= minute < last)


def occurrences(
    calendar: dict[str, Any], first: datetime, last: datetime
) -> tuple[dict[Shift, list[datetime]], dict[Shift, list[datetime]]]:
    """When the clock shows the beginning of each shift, and its end: at that minute, or as it jumps over it."""
    zone = zoneinfo.ZoneInfo(calendar["timezone"])
    beginnings, endings = written(calendar, (first - 2 * DAY).date(), (last + 2 * DAY).date())
    opened, closed = defaultdict(list), defaultdict(list)
    shown, minute = first.astimezone(zone).replace(tzinfo=None), first
    while minute < last:
        before, shown = shown, minute.astimezone(zone).replace(tzinfo=None)
        wall = min(before + MINUTE, shown)
        while wall <= shown:
            for shift in beginnings.get(wall, ()):
                opened[shift].append(minute)
            for shift in endings.get(wall, ()):
                closed[shift].append(minute)
            wall += MINUTE
        minute += MINUTE
    whole = opened.keys() & closed.keys()
    return {shift: opened[shift] for shift in whole}, {shift: closed[shift] for shift in whole}


def written(
    calendar: dict[str, Any], first: date, last: date
) -> tuple[dict[datetime, list[Shift]], dict[datetime, list[Shift]]]:
    """What the calendar says: which shifts begin and end at which wall time."""
    beginnings, endings = defaultdict(list), defaultdict(list)
    day = first
    while day <= last:
        for number, (start, end) in enumerate(of_day(calendar, day)):
            beginnings[at(day, start)].append(Shift(day, number))
            endings[at(day if end > start else day + DAY, end)].append(Shift(day, number))
        day += DAY
    return beginnings, endings


def of_day(calendar: dict[str, Any], day: date) -> list[list[str]]:
    own = calendar.get("days", {}).get(day.isoformat())
    if own is not None:
        return list(own)
    where = calendar.get("holidays")
    if where and day in holidays.country_holidays(where["country"], subdiv=where.get("subdivision")):
        return []
    return list(calendar["week"].get(WEEKDAYS[day.weekday()], []))


def at(day: date, wall: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{wall}")


# --- counting -----------------------------------------------------------------------------------------
def due(minutes: list[datetime], start: datetime, seconds: int) -> datetime | None:
    """Count on from `start`, or back; None where the minutes do not reach."""
    if seconds < 0:
        return counted_back(minutes, start, -seconds)
    for minute in minutes[max(bisect_left(minutes, start) - 1, 0) :]:
        begins, ends = max(minute, start), minute + MINUTE
        if begins >= ends:
            continue
        here = int((ends - begins).total_seconds())
        if seconds <= here:
            return begins + timedelta(seconds=seconds)
        seconds -= here
    return None


def counted_back(minutes: list[datetime], start: datetime, seconds: int) -> datetime | None:
    for minute in reversed(minutes[: bisect_left(minutes, start)]):
        ends = min(minute + MINUTE, start)
        here = int((ends - minute).total_seconds())
        if seconds <= here:
            return ends - timedelta(seconds=seconds)
        seconds -= here
    return None


def counted(minutes: list[datetime], start: datetime, end: datetime) -> int:
    spans = ((max(minute, start), min(minute + MINUTE, end)) for minute in minutes)
    return sum(int((ends - begins).total_seconds()) for begins, ends in spans if begins < ends)


# --- what is asked ------------------------------------------------------------------------------------
def made(watched: list[Watch]) -> dict[str, Any]:
    chance = random.Random(SEED)
    rows, between = [], []
    for name, first_day, last_day in watched:
        first, last = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (first_day, last_day))
        minutes = working_minutes(CALENDARS[name], first, last)
        rows += some_rows(chance, name, minutes, first, last)
        between += some_between(chance, name, minutes, first, last)
    return {"calendars": CALENDARS, "rows": rows, "between": between}


def some_rows(
    chance: random.Random, name: str, minutes: list[datetime], first: datetime, last: datetime
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    while len(rows) < ROWS_EACH:
        start = some_instant(chance, minutes, first, last)
        seconds = chance.choice([0, 1, 60, 1800, 3600, 7200, 14_400, 28_800, 144_000, chance.randint(1, 300_000)])
        seconds *= chance.choice([1, 1, 1, -1])
        found = due(minutes, start, seconds)
        if found is not None:
            rows.append({"calendar": name, "start": said(start), "seconds": seconds, "due": said(found)})
    return rows


def some_between(
    chance: random.Random, name: str, minutes: list[datetime], first: datetime, last: datetime
) -> list[dict[str, Any]]:
    pairs = [[some_instant(chance, minutes, first, last) for _ in range(2)] for _ in range(BETWEEN_EACH)]
    return [
        {"calendar": name, "start": said(start), "end": said(end), "seconds": counted(minutes, start, end)}
        for start, end in (
            (*sorted(pair),) if chance.random() < 0.9 else (*sorted(pair, reverse=True),) for pair in pairs
        )
    ]


def some_instant(chance: random.Random, minutes: list[datetime], first: datetime, last: datetime) -> datetime:
    """Anywhere, or near the opening or closing of a shift."""
    if chance.random() < 0.5:
        return first + timedelta(seconds=chance.randrange(int((last - first).total_seconds())))
    edges = [minute for minute, before in zip(minutes[1:], minutes, strict=False) if minute - before > MINUTE]
    edge = chance.choice(edges or minutes)
    return edge + timedelta(seconds=chance.choice([-3600, -60, -1, 0, 0, 1, 60, 5400]))


def said(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


if __name__ == "__main__":
    zoneinfo.reset_tzpath(())  # what the tzdata package has, not the machine
    FILE.write_text(json.dumps(made(WATCHED), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
