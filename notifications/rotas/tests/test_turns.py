"""Turns, windows, overrides and swaps, compared with a clock that is read minute by minute over nights in which it
changes."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifications.rotas.turns import (
    MAX_PERIOD,
    Definition,
    Layer,
    Override,
    Shift,
    SwapHalf,
    gaps,
    on_duty,
    shifts,
)
from wfpush import zones

pytestmark = pytest.mark.soak

LONG = os.environ.get("WFPUSH_SOAK") == "long"
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
BERLIN = zones.zone("Europe/Berlin")
ALICE, BOB, CAROL = 1, 2, 3


def berlin(text: str) -> datetime:
    """Of an hour that occurs twice the first."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


def weekly(*people: int | None, **more: object) -> Layer:
    """From Monday, 5 October 2026, at 8:00."""
    return Layer(1, people, date(2026, 10, 5), time(8), 7, **more)  # type: ignore[arg-type]


def said(found: list[Shift]) -> list[tuple[str, str, int]]:
    return [
        (f"{each.begins.astimezone(BERLIN):%a %d %H:%M}", f"{each.ends.astimezone(BERLIN):%a %d %H:%M}", each.who)
        for each in found
    ]


# --- by hand ----------------------------------------------------------------------------------------------------------
def test_turns_are_handed_over_at_the_same_time_of_day_when_clocks_change() -> None:
    rota = Definition(BERLIN, (weekly(ALICE, BOB),))

    assert said(shifts(rota, berlin("2026-10-12T08:00"), berlin("2026-11-02T08:00"))) == [
        ("Mon 12 08:00", "Mon 19 08:00", BOB),
        ("Mon 19 08:00", "Mon 26 08:00", ALICE),
        ("Mon 26 08:00", "Mon 02 08:00", BOB),
    ]
    assert on_duty(rota, berlin("2026-10-26T07:59")) == [ALICE]
    assert on_duty(rota, berlin("2026-10-26T08:00")) == [BOB]
    assert on_duty(rota, berlin("2026-10-05T07:59")) == []


def test_a_later_layer_fills_what_earlier_ones_leave_open() -> None:
    office = weekly(ALICE, weekdays=frozenset(range(5)), from_time=time(9), until_time=time(17))
    nights = Layer(2, (BOB,), date(2026, 10, 5), time(), 1, frozenset({0, 1, 2, 3}), time(20), time(6))
    rota = Definition(BERLIN, (office, nights))
    begins, ends = berlin("2026-10-08T00:00"), berlin("2026-10-10T00:00")

    found = shifts(rota, begins, ends)

    assert said(found) == [
        ("Thu 08 00:00", "Thu 08 06:00", BOB),
        ("Thu 08 09:00", "Thu 08 17:00", ALICE),
        ("Thu 08 20:00", "Fri 09 06:00", BOB),
        ("Fri 09 09:00", "Fri 09 17:00", ALICE),
    ]
    empty = [" ".join(f"{edge.astimezone(BERLIN):%d-%H}" for edge in gap) for gap in gaps(found, begins, ends)]
    assert empty == ["08-06 08-09", "08-17 08-20", "09-06 09-09", "09-17 10-00"]


def test_a_turn_of_somebody_who_is_gone_is_a_gap_and_others_keep_theirs() -> None:
    rota = Definition(BERLIN, (weekly(ALICE, None, CAROL),))
    found = shifts(rota, berlin("2026-10-05T08:00"), berlin("2026-10-26T08:00"))

    assert [each.who for each in found] == [ALICE, CAROL]
    assert said(found)[1][0] == "Mon 19 08:00"


def test_a_swap_exchanges_the_turns_of_two() -> None:
    given = SwapHalf(berlin("2026-10-12T08:00"), berlin("2026-10-14T08:00"), ALICE, CAROL)
    back = SwapHalf(berlin("2026-10-05T08:00"), berlin("2026-10-12T08:00"), CAROL, ALICE)
    rota = Definition(BERLIN, (weekly(CAROL, ALICE),), swaps=(given, back))

    assert said(shifts(rota, berlin("2026-10-05T08:00"), berlin("2026-10-19T08:00"))) == [
        ("Mon 05 08:00", "Mon 12 08:00", ALICE),
        ("Mon 12 08:00", "Wed 14 08:00", CAROL),
        ("Wed 14 08:00", "Mon 19 08:00", ALICE),
    ]


def test_an_override_of_all_layers_with_nobody_is_a_gap() -> None:
    christmas = Override(None, berlin("2026-12-25T14:00"), berlin("2026-12-26T08:00"), None)
    rota = Definition(BERLIN, (weekly(ALICE), Layer(2, (BOB,), date(2026, 1, 1), time(), 1)), overrides=(christmas,))

    assert on_duty(rota, berlin("2026-12-25T13:59")) == [ALICE, BOB]
    assert on_duty(rota, berlin("2026-12-25T14:00")) == []


def test_an_override_of_a_layer_with_nobody_gives_way_to_the_next_layer() -> None:
    away = Override(1, berlin("2026-12-25T14:00"), berlin("2026-12-26T08:00"), None)
    rota = Definition(BERLIN, (weekly(ALICE), Layer(2, (BOB,), date(2026, 1, 1), time(), 1)), overrides=(away,))

    assert on_duty(rota, berlin("2026-12-25T15:00")) == [BOB]


def test_a_calendar_goes_before_the_layers() -> None:
    feed = (Shift(berlin("2026-10-07T00:00"), berlin("2026-10-08T00:00"), CAROL),)
    rota = Definition(BERLIN, (weekly(ALICE),), feed=feed)

    assert [each.who for each in shifts(rota, berlin("2026-10-06T00:00"), berlin("2026-10-09T00:00"))] == [
        ALICE, CAROL, ALICE,
    ]  # fmt: skip


def test_no_time_is_too_long_to_answer() -> None:
    """Ten layers of a hundred people, each with a window a day, for ever."""
    layers = tuple(
        Layer(key, tuple(range(1, 101)), date(2000, 1, 1), time(8), 1, from_time=time(key), until_time=time(key, 30))
        for key in range(10)
    )
    begins = datetime(2026, 1, 1, tzinfo=UTC)

    found = shifts(Definition(BERLIN, layers), begins, begins + 100 * MAX_PERIOD)

    assert found[-1].ends <= begins + MAX_PERIOD
    assert len(found) <= 10 * (MAX_PERIOD // DAY + 2) + MAX_PERIOD // DAY


@pytest.mark.parametrize("people", [(), (None,)])
def test_a_layer_without_people_has_nobody(people: tuple[int | None, ...]) -> None:
    assert on_duty(Definition(BERLIN, (weekly(*people),)), berlin("2026-10-08T00:00")) == []


# --- against a clock that is read minute by minute ----------------------------------------------------------------
NIGHTS = [
    ("Europe/Berlin", datetime(2026, 3, 28, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 24, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, tzinfo=UTC)),
    ("America/Santiago", datetime(2026, 9, 5, tzinfo=UTC)),  # its clocks skip midnight
]
SPAN = timedelta(days=3)
times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
sometimes = st.one_of(st.none(), times)
people = st.one_of(st.none(), st.integers(1, 3))
minutes = st.integers(-600, int(SPAN / MINUTE) + 600)


@st.composite
def rotas(draw: Callable[..., object]) -> tuple[Definition, datetime]:
    name, begins = draw(st.sampled_from(NIGHTS))  # type: ignore[misc]
    first = begins.date()

    def some(strategy: st.SearchStrategy[object], most: int) -> Iterator[object]:
        return iter(draw(st.lists(strategy, max_size=most)))  # type: ignore[call-overload, no-any-return]

    def between(a: int, b: int) -> tuple[datetime, datetime]:
        return begins + min(a, b) * MINUTE, begins + (max(a, b) + 1) * MINUTE

    layers = st.builds(
        Layer,
        position=st.just(0),
        people=st.lists(people, max_size=3).map(tuple),
        begins=st.integers(-9, 2).map(lambda days: first + days * DAY),
        hand_over=times,
        days=st.sampled_from([1, 2, 7]),
        weekdays=st.frozensets(st.integers(0, 6), max_size=6),
        from_time=sometimes,
        until_time=sometimes,
    )
    numbered = [
        Layer(*(getattr(each, name) if name != "position" else key for name in Layer.__slots__))  # type: ignore[arg-type]
        for key, each in enumerate(some(layers, 3))
    ]
    overrides = st.builds(
        lambda layer, a, b, who: Override(layer, *between(a, b), who),
        st.one_of(st.none(), st.integers(0, 2)), minutes, minutes, people,
    )  # fmt: skip
    swaps = st.builds(
        lambda a, b, who, by: SwapHalf(*between(a, b), who, by), minutes, minutes, st.integers(1, 3), st.integers(1, 3)
    )
    feed = st.builds(lambda a, b, who: Shift(*between(a, b), who), minutes, minutes, st.integers(1, 3))
    zone = zones.zone(name)
    return Definition(
        zone, tuple(numbered), tuple(some(overrides, 4)), tuple(some(swaps, 3)), tuple(some(feed, 2))  # type: ignore[arg-type]
    ), begins  # fmt: skip


class Naive:
    """Reads the rota at one minute after another. `latest` is the latest time that the clock on the wall has shown: of
    an hour that it shows twice, the first counts."""

    def __init__(self, rota: Definition, begins: datetime) -> None:
        self.rota, self.at = rota, begins - 2 * DAY
        self.latest = self.wall()

    def wall(self) -> datetime:
        return self.at.astimezone(self.rota.zone).replace(tzinfo=None)

    def until(self, at: datetime) -> None:
        while self.at < at:
            self.at += MINUTE
            self.latest = max(self.latest, self.wall())

    def on_duty(self) -> int | None:
        found: int | None = None
        columns = [self.of_feed(), *(self.of_layer(each) for each in self.rota.layers)]
        for override in self.rota.overrides:
            if override.layer is None and override.begins <= self.at < override.ends:
                columns = [override.who]
        for who in columns:
            found = who if found is None else found
        for swap in self.rota.swaps:
            if swap.begins <= self.at < swap.ends and found == swap.who:
                found = swap.by
        return found

    def of_feed(self) -> int | None:
        there = [each.who for each in self.rota.feed if each.begins <= self.at < each.ends]
        return there[-1] if there else None

    def of_layer(self, layer: Layer) -> int | None:
        who = self.turn(layer)
        for each in self.rota.overrides:
            if each.layer == layer.position and each.begins <= self.at < each.ends:
                who = each.who
        return who

    def turn(self, layer: Layer) -> int | None:
        since = self.latest - datetime.combine(layer.begins, layer.hand_over)
        if not layer.people or since < timedelta() or not self.holds(layer):
            return None
        return layer.people[since // timedelta(days=layer.days) % len(layer.people)]

    def holds(self, layer: Layer) -> bool:
        if not (layer.weekdays or layer.from_time or layer.until_time):
            return True
        from_time, until_time = layer.from_time or time(), layer.until_time or time()
        for day in (self.latest.date(), self.latest.date() - DAY):
            begins = datetime.combine(day, from_time)
            ends = datetime.combine(day + DAY if until_time <= from_time else day, until_time)
            if begins <= self.latest < ends and (not layer.weekdays or day.weekday() in layer.weekdays):
                return True
        return False


@settings(max_examples=400 if LONG else 12, deadline=None)
@given(rotas())
def test_shifts_are_those_of_a_clock_read_minute_by_minute(drawn: tuple[Definition, datetime]) -> None:
    rota, begins = drawn
    found = shifts(rota, begins, begins + SPAN)
    naive, at = Naive(rota, begins), 0

    for minute in range(int(SPAN / MINUTE)):
        instant = begins + minute * MINUTE
        naive.until(instant)
        while at < len(found) and found[at].ends <= instant:
            at += 1
        who = found[at].who if at < len(found) and found[at].begins <= instant else None
        assert who == naive.on_duty(), instant
        if minute % 97 == 0:
            assert next(iter(on_duty(rota, instant)), None) == who

    edges = [edge for each in found for edge in (each.begins, each.ends)]
    assert edges == sorted(edges)
    assert all(a.ends < b.begins or a.who != b.who for a, b in pairwise(found))
