"""The shifts of a rota, by turns, overrides and swaps. Pure: no Django.

Times of day are in the rota's zone. Where an hour occurs twice, the first counts; changes in an hour that a clock skips
happen when the clock is changed.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from wfpush import zones

MAX_PERIOD = timedelta(days=400)
"""The longest time whose shifts are computed at once."""
MOST_LAYERS, MOST_PEOPLE = 10, 100
INSTANT = timedelta(microseconds=1)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Shift:
    """A person, by key, from an instant until another."""

    begins: datetime
    ends: datetime
    who: int


@dataclass(frozen=True, slots=True)
class Layer:
    """`people` take turns of `days` days from the hand-over on the day `begins` on. None is a turn of nobody.

    The layer holds on `weekdays` only (0 is Monday; none: any), and from one time of day until another; a window that
    ends not later than it begins ends on the day after.
    """

    position: int
    people: tuple[int | None, ...]
    begins: date
    hand_over: time
    days: int
    weekdays: frozenset[int] = frozenset()
    from_time: time | None = None
    until_time: time | None = None

    @property
    def is_partial(self) -> bool:
        return bool(self.weekdays or self.from_time or self.until_time)


@dataclass(frozen=True, slots=True)
class Override:
    """An override. `layer`: the position of the layers that it changes; None: of all. `who`: None for nobody."""

    layer: int | None
    begins: datetime
    ends: datetime
    who: int | None


@dataclass(frozen=True, slots=True)
class SwapHalf:
    """Half of a swap: `by` is on duty in place of `who`."""

    begins: datetime
    ends: datetime
    who: int
    by: int


@dataclass(frozen=True)
class Definition:
    """Layers in their order: the first with somebody on duty counts. The calendar's shifts go before all of them.

    Overrides are applied in their order, and swaps after them in theirs.
    """

    zone: ZoneInfo
    layers: tuple[Layer, ...] = ()
    overrides: tuple[Override, ...] = ()
    swaps: tuple[SwapHalf, ...] = ()
    feed: tuple[Shift, ...] = ()


# --- queries ----------------------------------------------------------------------------------------------------------
def shifts(rota: Definition, begins: datetime, ends: datetime) -> list[Shift]:
    """Return the shifts that touch the time, cut to it, adjacent ones of a person as one. Spans MAX_PERIOD at most."""
    ends = min(ends, begins + MAX_PERIOD)
    timeline: list[Shift] = []
    for each in reversed(_columns(rota, begins, ends)):
        timeline = _over(each, timeline)
    return list(_joined(timeline))


def gaps(timeline: Sequence[Shift], begins: datetime, ends: datetime) -> list[tuple[datetime, datetime]]:
    """Return the times without anybody on duty."""
    edges = [begins, *(edge for shift in timeline for edge in (shift.begins, shift.ends)), ends]
    return [(first, second) for first, second in zip(edges[::2], edges[1::2], strict=True) if first < second]


def on_duty(rota: Definition, at: datetime) -> list[int]:
    """Return the people on duty: the first counts, those of later layers where the first cannot be notified."""
    columns = _columns(rota, at, at + INSTANT)
    return list(dict.fromkeys(shift.who for column in columns for shift in column))


# --- columns: the calendar's, then each layer's, or one override of all of them ---------------------------------------
def _columns(rota: Definition, begins: datetime, ends: datetime) -> list[list[Shift]]:
    own = [_painted([], ((each.begins, each.ends, each.who) for each in rota.feed), begins, ends)]
    for layer in rota.layers:
        changes = [each for each in rota.overrides if each.layer == layer.position]
        own.append(
            _painted(
                _of_layer(layer, rota.zone, begins, ends),
                ((each.begins, each.ends, each.who) for each in changes),
                begins,
                ends,
            )
        )
    of_all: list[Shift] = []
    for each in (each for each in rota.overrides if each.layer is None):
        change = [(each.begins, each.ends, each.who)]
        of_all = _painted(of_all, change, begins, ends)
        own = [_painted(column, [(each.begins, each.ends, None)], begins, ends) for column in own]
    return [_swapped(column, rota.swaps) for column in (of_all, *own)]


def _of_layer(layer: Layer, zone: ZoneInfo, begins: datetime, ends: datetime) -> list[Shift]:
    turns = [each for each in _turns(layer, zone, begins, ends) if each.begins < each.ends]
    if not layer.is_partial:
        return turns
    parts, windows, at = [], list(_windows(layer, zone, begins, ends)), 0
    for turn in turns:
        while at < len(windows) and windows[at][1] <= turn.begins:
            at += 1
        for window_begins, window_ends in windows[at:]:
            if window_begins >= turn.ends:
                break
            parts.append(replace(turn, begins=max(turn.begins, window_begins), ends=min(turn.ends, window_ends)))
    return parts


def _turns(layer: Layer, zone: ZoneInfo, begins: datetime, ends: datetime) -> Iterator[Shift]:
    if not layer.people:
        return
    length, first = timedelta(days=layer.days), datetime.combine(layer.begins, layer.hand_over)

    def start(number: int) -> datetime:
        return zones.first_instant(zone, first + number * length)

    number = max((begins.astimezone(zone).replace(tzinfo=None) - first) // length - 1, 0)
    while (turn_begins := start(number)) < ends:
        turn_ends, who = start(number + 1), layer.people[number % len(layer.people)]
        if who is not None and turn_ends > begins:
            yield Shift(max(turn_begins, begins), min(turn_ends, ends), who)
        number += 1


def _windows(layer: Layer, zone: ZoneInfo, begins: datetime, ends: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the times when the layer holds, in order. None is longer than a day, so they do not overlap."""
    day, last = begins.astimezone(zone).date() - DAY, ends.astimezone(zone).date()
    from_time, until_time = layer.from_time or time(), layer.until_time or time()
    nights = DAY if until_time <= from_time else timedelta()
    while day <= last:
        if not layer.weekdays or day.weekday() in layer.weekdays:
            yield (
                zones.first_instant(zone, datetime.combine(day, from_time)),
                zones.first_instant(zone, datetime.combine(day + nights, until_time)),
            )
        day += DAY


# --- lists of shifts: in order, without overlaps ----------------------------------------------------------------------
def _painted(
    timeline: list[Shift], changes: Iterable[tuple[datetime, datetime, int | None]], begins: datetime, ends: datetime
) -> list[Shift]:
    """Return the timeline with each change in place of the shifts in its time."""
    for change_begins, change_ends, who in changes:
        first, second = max(change_begins, begins), min(change_ends, ends)
        if first >= second:
            continue
        before = [replace(each, ends=min(each.ends, first)) for each in timeline if each.begins < first]
        after = [replace(each, begins=max(each.begins, second)) for each in timeline if each.ends > second]
        timeline = [*before, *([Shift(first, second, who)] if who is not None else []), *after]
    return timeline


def _over(above: Sequence[Shift], below: Sequence[Shift]) -> list[Shift]:
    """Return the shifts of `above`, and the parts of `below` that they leave open."""
    timeline, at = list(above), 0
    for each in below:
        begins = each.begins
        while at < len(above) and above[at].ends <= begins:
            at += 1
        for cover in above[at:]:
            if cover.begins >= each.ends:
                break
            if begins < cover.begins:
                timeline.append(replace(each, begins=begins, ends=cover.begins))
            begins = max(begins, cover.ends)
        if begins < each.ends:
            timeline.append(replace(each, begins=begins))
    return sorted(timeline, key=lambda each: each.begins)


def _swapped(column: list[Shift], swaps: Iterable[SwapHalf]) -> list[Shift]:
    for swap in swaps:
        column = [part for each in column for part in (_parts(each, swap) if each.who == swap.who else (each,))]
    return column


def _parts(shift: Shift, swap: SwapHalf) -> Iterator[Shift]:
    first, second = max(shift.begins, swap.begins), min(shift.ends, swap.ends)
    if first >= second:
        yield shift
        return
    if shift.begins < first:
        yield replace(shift, ends=first)
    yield Shift(first, second, swap.by)
    if second < shift.ends:
        yield replace(shift, begins=second)


def _joined(timeline: Iterable[Shift]) -> Iterator[Shift]:
    last: Shift | None = None
    for each in timeline:
        if last is not None and last.who == each.who and last.ends == each.begins:
            last = replace(last, ends=each.ends)
            continue
        if last is not None:
            yield last
        last = each
    if last is not None:
        yield last
