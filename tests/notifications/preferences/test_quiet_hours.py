"""Quiet hours, against a model that looks at the wall clock of every quarter of an hour."""

import os
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifications.preferences.quiet_hours import A_DAY, Quiet, Window, hours_left
from wfpush.zones import zone

pytestmark = pytest.mark.soak

BERLIN = zone("Europe/Berlin")
NIGHT = Window(frozenset(range(7)), time(22), time(7))
WEEKEND = Window(frozenset({5, 6}), time(), time())
EXAMPLES = 2_000 if os.environ.get("WFPUSH_SOAK") == "long" else 40
STEP = timedelta(minutes=15)
LONGEST = timedelta(days=8)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-27 21:59", None),
        ("2026-11-27 22:00", "2026-11-28 07:00"),
        ("2026-11-28 06:59", "2026-11-28 07:00"),
        ("2026-11-28 07:00", None),
        ("2026-10-24 23:00", "2026-10-25 07:00"),  # the night that summer time ends: ten hours
        ("2026-03-28 23:00", "2026-03-29 07:00"),  # and the one that it begins
    ],
)
def test_a_night_ends_in_the_morning_of_the_wall_clock(now: str, until: str | None) -> None:
    assert Quiet(BERLIN, (NIGHT,)).until(at(now)) == (at(until) if until else None)


def test_hours_that_touch_are_one() -> None:
    quiet = Quiet(BERLIN, (NIGHT, WEEKEND))
    assert quiet.until(at("2026-11-27 23:00")) == at("2026-11-30 07:00")  # Friday night until Monday


def test_a_holiday_is_quiet_all_day() -> None:
    christmas = datetime(2026, 12, 25).date()
    quiet = Quiet(BERLIN, (), lambda day: day == christmas)
    assert quiet.until(at("2026-12-25 13:00")) == at("2026-12-26 00:00")
    assert quiet.until(at("2026-12-24 23:59")) is None
    assert quiet.next_until(at("2026-12-20 13:00")) == (at("2026-12-25 00:00"), at("2026-12-26 00:00"))


def test_what_is_left_of_a_week() -> None:
    assert hours_left([NIGHT]) == timedelta(hours=7 * 15)
    assert hours_left([Window(frozenset(range(7)), time(6), time(6))]) == timedelta()


windows = st.builds(
    Window,
    st.frozensets(st.integers(0, 6), min_size=1),
    *[st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))] * 2,
)
MOMENTS = st.integers(0, 4 * 7 * 24 * 4).map(
    lambda each: datetime(2026, 3, 15, tzinfo=UTC) + each * STEP
) | st.integers(0, 4 * 7 * 24 * 4).map(lambda each: datetime(2026, 10, 11, tzinfo=UTC) + each * STEP)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.lists(windows, max_size=3).map(tuple),
    MOMENTS,
    st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata"]),
)
def test_it_is_as_the_clock_on_the_wall_shows(chosen: tuple[Window, ...], now: datetime, name: str) -> None:
    """Where the wall clock shows a time twice, quiet hours that end then end the second time, and those that begin
    then begin the first time: such instants are left out of the comparison."""
    quiet, here = Quiet(zone(name), chosen), zone(name)
    found = quiet.until(now)
    assert (found is not None) == _is_quiet(chosen, now, here) or _is_twice(now, here)
    if found is None or found - now > LONGEST:
        return
    instants = [now + each * STEP for each in range(int((found - now) / STEP))]
    assert all(_is_quiet(chosen, each, here) or _is_twice(each, here) for each in instants)
    assert not _is_quiet(chosen, found, here) or _is_twice(found, here)


def _is_quiet(chosen: tuple[Window, ...], instant: datetime, here: object) -> bool:
    wall = instant.astimezone(here).replace(tzinfo=None)  # type: ignore[arg-type]
    for window in chosen:
        for day in (wall.date() - A_DAY, wall.date()):
            ends = day if window.ends > window.begins else day + A_DAY
            inside = datetime.combine(day, window.begins) <= wall < datetime.combine(ends, window.ends)
            if day.weekday() in window.days and inside:
                return True
    return False


def _is_twice(instant: datetime, here: object) -> bool:
    """Near a change of the clock."""
    offsets = {(instant + each * timedelta(hours=1)).astimezone(here).utcoffset() for each in (-1, 0, 1)}  # type: ignore[arg-type]
    return len(offsets) > 1
