"""Working time: as a clock watched minute by minute counts it, and as it must be by any calendar."""

import json
import subprocess
import sys
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from escalations.calendars.working_time import BadCalendar, Calendar, NoWorkingTime
from tests.support.length import LONG
from tests.vectors import reckoning

VECTORS = json.loads(reckoning.FILE.read_text(encoding="utf-8"))
CALENDARS = {name: Calendar.from_dict(said) for name, said in VECTORS["calendars"].items()}
MUNICH = VECTORS["calendars"]["munich office"]
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOTHING = timedelta()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


# --- the published rows -----------------------------------------------------------------------------
@pytest.mark.parametrize("row", VECTORS["rows"], ids=lambda row: f"{row['calendar']} {row['start']} {row['seconds']}")
def test_adding(row: dict[str, Any]) -> None:
    assert CALENDARS[row["calendar"]].add(at(row["start"]), timedelta(seconds=row["seconds"])) == at(row["due"])


@pytest.mark.parametrize("row", VECTORS["between"], ids=lambda row: f"{row['calendar']} {row['start']} {row['end']}")
def test_between(row: dict[str, Any]) -> None:
    assert CALENDARS[row["calendar"]].between(at(row["start"]), at(row["end"])) == timedelta(seconds=row["seconds"])


@pytest.fixture
def packaged_zones() -> Iterator[None]:
    before = zoneinfo.TZPATH
    zoneinfo.reset_tzpath(())
    zoneinfo.ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath(before)
    zoneinfo.ZoneInfo.clear_cache()


def test_the_rows_are_as_the_reckoning_makes_them(packaged_zones: None) -> None:
    assert reckoning.made(reckoning.WATCHED) == VECTORS


# --- any calendar -----------------------------------------------------------------------------------
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana", "Asia/Kolkata", "Pacific/Apia"]

times = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 1, 15, 30, 59]))
hours = st.lists(st.tuples(times, times).map(list), max_size=3)
days = st.dates(date(2025, 1, 1), date(2026, 12, 31))
calendars = st.fixed_dictionaries(
    {"timezone": st.sampled_from(ZONES), "week": st.dictionaries(st.sampled_from(reckoning.WEEKDAYS), hours)},
    optional={
        "holidays": st.sampled_from([{"country": "DE", "subdivision": "BY"}, {"country": "US"}, None]),
        "days": st.dictionaries(days.map(date.isoformat), hours, max_size=5),
    },
)
instants = st.datetimes(datetime(2025, 2, 1), datetime(2026, 11, 30), timezones=st.just(UTC))
durations = st.timedeltas(timedelta(microseconds=1), timedelta(hours=300))


def working(said: dict[str, Any]) -> Calendar:
    """With hours in every week; holidays may take one of them."""
    assume(any(said["week"].values()))
    return Calendar.from_dict(said)


@given(calendars, instants, durations)
def test_adding_and_measuring_give_the_duration_back(
    said: dict[str, Any], start: datetime, duration: timedelta
) -> None:
    calendar = working(said)

    due = calendar.add(start, duration)
    before = calendar.add(start, -duration)

    assert calendar.between(start, due) == duration
    assert calendar.between(start, due - timedelta(microseconds=1)) < duration, "it is the earliest such instant"
    assert calendar.between(before, start) == duration
    assert calendar.between(before + timedelta(microseconds=1), start) < duration, "it is the latest such instant"


@given(calendars, instants, durations, durations)
def test_adding_is_additive(said: dict[str, Any], start: datetime, one: timedelta, other: timedelta) -> None:
    calendar = working(said)

    assert calendar.add(calendar.add(start, one), other) == calendar.add(start, one + other)
    assert calendar.add(calendar.add(start, -one), -other) == calendar.add(start, -one - other)


@given(calendars, instants, instants, durations)
def test_who_begins_later_is_not_due_earlier(
    said: dict[str, Any], one: datetime, other: datetime, duration: timedelta
) -> None:
    calendar = working(said)
    first, last = sorted([one, other])

    for each in (duration, NOTHING, -duration):
        assert calendar.add(first, each) <= calendar.add(last, each)


@given(calendars, st.lists(instants, min_size=3, max_size=3).map(sorted))
def test_time_between_adds_up(said: dict[str, Any], three: list[datetime]) -> None:
    calendar = Calendar.from_dict(said)
    first, middle, last = three

    assert calendar.between(first, middle) + calendar.between(middle, last) == calendar.between(first, last)
    assert calendar.between(last, first) == NOTHING


@given(calendars, instants)
def test_nothing_added_waits_for_the_next_opening(said: dict[str, Any], start: datetime) -> None:
    calendar = working(said)

    opens = calendar.add(start, NOTHING)

    assert calendar.between(start, opens) == NOTHING
    assert calendar.between(opens, opens + timedelta(microseconds=1)) == timedelta(microseconds=1)


@given(calendars, instants, st.timedeltas(NOTHING, timedelta(days=500)))
def test_openings_are_what_is_between(said: dict[str, Any], start: datetime, length: timedelta) -> None:
    calendar = Calendar.from_dict(said)

    openings = list(calendar.openings(start, start + length))

    assert sum((closes - opens for opens, closes in openings), NOTHING) == calendar.between(start, start + length)
    assert all(closes < opens for (_, closes), (opens, _) in pairwise(openings))


@settings(max_examples=40 if LONG else 15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(calendars, st.dates(date(2025, 2, 1), date(2026, 11, 1)))
@example({"timezone": "America/Havana", "week": {"sun": [["00:15", "00:45"], ["23:30", "00:30"]]}}, date(2025, 10, 30))
@example(
    {"timezone": "America/Havana", "week": {"sat": [["23:30", "00:30"]], "sun": [["00:30", "00:59"]]}}, date(2025, 3, 5)
)
@example(
    {"timezone": "Australia/Lord_Howe", "week": {"sun": [["01:30", "01:59"], ["01:45", "02:15"]]}}, date(2026, 3, 30)
)
def test_any_calendar_is_as_the_clock_on_the_wall(packaged_zones: None, said: dict[str, Any], day: date) -> None:
    first = datetime(day.year, day.month, day.day, tzinfo=UTC)
    minutes = reckoning.working_minutes(said, first, first + 10 * DAY)

    found = [
        opens + timedelta(minutes=number)
        for opens, closes in Calendar.from_dict(said).openings(first, first + 10 * DAY)
        for number in range((closes - opens) // timedelta(minutes=1))
    ]
    assert found == minutes


def test_calendars_need_no_django() -> None:
    loaded = "import sys, escalations.calendars.working_time; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", loaded], check=False).returncode == 0


# --- edges ------------------------------------------------------------------------------------------
def test_naive_moments_are_no_instants() -> None:
    calendar = CALENDARS["munich office"]

    for ask in (
        lambda: calendar.add(NOON.replace(tzinfo=None), HOUR),
        lambda: calendar.between(NOON, datetime(2026, 1, 1)),
    ):
        with pytest.raises(ValueError, match="without a time zone"):
            ask()


def test_moments_of_any_zone_are_the_instants_that_they_are() -> None:
    calendar, berlin = CALENDARS["berlin nights"], zoneinfo.ZoneInfo("Europe/Berlin")
    first, second = (datetime(2026, 10, 25, 2, 15, tzinfo=berlin, fold=fold) for fold in (0, 1))

    assert calendar.between(first, second) == HOUR
    assert calendar.add(first, HOUR) == second.astimezone(UTC)
    assert calendar.add(first, HOUR).tzinfo is UTC


def test_a_holiday_of_the_subdivision_is_none_elsewhere() -> None:
    everywhere = MUNICH | {"holidays": {"country": "DE", "subdivision": None}}
    epiphany = at("2027-01-06T08:00:00Z")

    assert Calendar.from_dict(MUNICH).between(epiphany, epiphany + DAY / 2) == NOTHING
    assert Calendar.from_dict(everywhere).between(epiphany, epiphany + DAY / 2) == 8 * HOUR


def closed_but_for(day: str) -> Calendar:
    return Calendar.from_dict({"timezone": "UTC", "week": {}, "days": {day: [["12:00", "13:00"]]}})


def test_a_year_and_a_day_of_rest_is_the_longest() -> None:
    calendar = closed_but_for("2027-11-26")

    assert calendar.add(NOON, HOUR) == at("2027-11-26T13:00:00Z")
    assert calendar.add(at("2028-11-26T13:00:00Z"), -HOUR) == at("2027-11-26T12:00:00Z")
    calendar.check(date(2026, 11, 26))
    for start, duration in [(NOON - HOUR, HOUR), (NOON - HOUR, NOTHING), (at("2028-11-26T14:00:01Z"), -HOUR)]:
        with pytest.raises(NoWorkingTime):
            calendar.add(start, duration)


def test_more_than_there_is_ends_in_an_error() -> None:
    with pytest.raises(NoWorkingTime):
        closed_but_for("2026-11-26").add(NOON, 2 * HOUR)
    with pytest.raises(NoWorkingTime):
        closed_but_for("2026-11-24").add(NOON, -2 * HOUR)


def test_a_calendar_without_working_time_is_refused() -> None:
    with pytest.raises(NoWorkingTime, match="366 days"):
        closed_but_for("2026-11-24").check(NOON.date())
    with pytest.raises(NoWorkingTime):
        Calendar.from_dict({"timezone": "UTC", "week": {}}).check(NOON.date())


BAD = [
    ([], "", "An object is needed"),
    ({"week": {}}, "/timezone", "A time zone is needed, such as Europe/Berlin"),
    ({"timezone": "Europe/Minga", "week": {}}, "/timezone", "There is no time zone Europe/Minga"),
    ({"timezone": "../../etc/passwd", "week": {}}, "/timezone", "There is no time zone"),
    (MUNICH | {"hours": []}, "/hours", "There is no such member; there are timezone, week, holidays, days"),
    ({"timezone": "UTC"}, "/week", "An object is needed"),
    (MUNICH | {"week": {"monday": []}}, "/week/monday", "There is no such member; there are mon, tue"),
    (MUNICH | {"week": {"mon": "9-5"}}, "/week/mon", "A list of intervals is needed"),
    (MUNICH | {"week": {"mon": [["09:00"]]}}, "/week/mon/0", "An interval has a start and an end"),
    (MUNICH | {"week": {"mon": [["09:00", "24:00"]]}}, "/week/mon/0/1", "A time is written as 09:30"),
    (MUNICH | {"week": {"mon": [["9:00", "17:00"]]}}, "/week/mon/0/0", "A time is written as 09:30"),
    (MUNICH | {"week": {"mon": [["09:00", "09:01"]] * 49}}, "/week/mon", "At most 48 intervals"),
    (MUNICH | {"holidays": {"country": "XX"}}, "/holidays/country", "No public holidays are known of XX"),
    (MUNICH | {"holidays": {"country": ["DE"]}}, "/holidays/country", "No public holidays are known"),
    (
        MUNICH | {"holidays": {"country": "DE", "subdivision": "TX"}},
        "/holidays/subdivision",
        "DE has no subdivision TX",
    ),
    (MUNICH | {"holidays": {"country": "DE", "subdivision": 9}}, "/holidays/subdivision", "DE has no subdivision 9"),
    (MUNICH | {"days": []}, "/days", "An object is needed here: date to intervals"),
    (MUNICH | {"days": {"24.12.": []}}, "/days/24.12.", "A date is written as 2026-12-24"),
    (MUNICH | {"days": {"2026-02-30": []}}, "/days/2026-02-30", "A date is written as 2026-12-24"),
]


@pytest.mark.parametrize(("said", "pointer", "detail"), BAD, ids=[f"{pointer} {detail}" for _, pointer, detail in BAD])
def test_what_is_no_calendar_is_refused_in_words(said: Any, pointer: str, detail: str) -> None:
    with pytest.raises(BadCalendar) as refused:
        Calendar.from_dict(said)

    assert refused.value.pointer == pointer
    assert detail in refused.value.detail
