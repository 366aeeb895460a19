"""Who is on duty, read minute by minute: a part of the model of `test_peace_random.py`, without the product's code."""

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY_OF_MINUTES = 24 * 60


def walls(begins: datetime, zone: ZoneInfo, count: int) -> list[datetime]:
    """What a clock on the wall shows in each minute, from a day before the story begins."""
    first = begins - timedelta(days=1)
    return [(first + timedelta(minutes=each)).astimezone(zone).replace(tzinfo=None) for each in range(count)]


@dataclass(frozen=True)
class DutyLayer:
    """A turn a day each, from a week before the story; None is nobody's. `window`: at these hours only."""

    people: tuple[str | None, ...]
    hand_over: time
    window: tuple[time, time] | None = None


@dataclass(frozen=True)
class DutyOverride:
    """`layer` counts from 1; None: whatever the layers say."""

    layer: int | None
    first: int
    last: int
    who: str | None


@dataclass
class DutySwap:
    """From `first` until before `last`, and what is given in return."""

    asked_by: str
    asked_of: str
    given: tuple[int, int]
    back: tuple[int, int] | None

    def from_now(self, minute: int) -> None:
        """What has been stays as it was."""
        self.given = (max(self.given[0], minute), self.given[1])
        if self.back is not None:
            self.back = (max(self.back[0], minute), self.back[1])


@dataclass
class Duty:
    latest: list[datetime]
    """The latest time that the rota's clock has shown in each minute: of an hour that occurs twice the first counts."""
    layers: list[DutyLayer] = field(default_factory=list)
    overrides: list[DutyOverride] = field(default_factory=list)
    swaps: list[tuple[int, int, str, str]] = field(default_factory=list)
    """From, until before, whose duty it was, and whose it is."""
    asked: DutySwap | None = None
    looked: int = -1
    seen: str | None = None
    changed_at: int | None = None
    _known: dict[int, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, shown: list[datetime], layers: list[DutyLayer]) -> "Duty":
        latest, most = [], shown[0]
        for wall in shown:
            most = max(most, wall)
            latest.append(most)
        return cls(latest, layers)

    # --- who is on duty -----------------------------------------------------------------------------
    def on_duty(self, minute: int) -> list[str]:
        """The first counts; the others where that one is out."""
        if minute not in self._known:
            self._known[minute] = self._read(minute)
        return self._known[minute]

    def first(self, minute: int) -> str | None:
        return next(iter(self.on_duty(minute)), None)

    def _read(self, minute: int) -> list[str]:
        columns = [self._of_layer(number + 1, each, minute) for number, each in enumerate(self.layers)]
        for each in self.overrides:
            if each.layer is None and each.first <= minute < each.last:
                columns = [each.who]
        for begin, end, who, by in self.swaps:
            if begin <= minute < end:
                columns = [by if each == who else each for each in columns]
        return list(dict.fromkeys(each for each in columns if each is not None))

    def _of_layer(self, number: int, layer: DutyLayer, minute: int) -> str | None:
        who = self._turn(layer, self.latest[minute + DAY_OF_MINUTES])
        for each in self.overrides:
            if each.layer == number and each.first <= minute < each.last:
                who = each.who
        return who

    def _turn(self, layer: DutyLayer, wall: datetime) -> str | None:
        if layer.window is not None:
            begins, ends = layer.window
            inside = begins <= wall.time() < ends if begins < ends else not ends <= wall.time() < begins
            if not inside:
                return None
        began = datetime.combine(self.latest[0].date() - timedelta(days=7), layer.hand_over)
        return layer.people[(wall - began) // timedelta(days=1) % len(layer.people)]

    def stretch(self, minute: int, most: int) -> tuple[int, int]:
        """For how long whoever has duty in that minute has it."""
        who, end = self.first(minute), minute
        while end < minute + most and self.first(end) == who:
            end += 1
        return minute, end

    def next_of(self, who: str, minute: int, most: int) -> tuple[int, int] | None:
        begin = next((each for each in range(minute, minute + most) if self.first(each) == who), None)
        return self.stretch(begin, most) if begin is not None else None

    def has(self, who: str, time: tuple[int, int], now: int) -> bool:
        """All of what is left of that time."""
        left = range(max(time[0], now), time[1])
        return bool(left) and all(self.first(each) == who for each in left)

    # --- what changes it ----------------------------------------------------------------------------
    def changed(self, minute: int) -> None:
        self._known.clear()
        self.changed_at = minute

    def next_look(self, minute: int, last: int) -> int | None:
        """The next minute in which somebody begins or ends, by the clock or by a change."""
        if self.changed_at is not None and self.changed_at >= self.looked:
            return max(minute, self.changed_at + 1)
        ahead = range(max(self.looked + 1, 1), last)
        return next((each for each in ahead if self.first(each) != self.first(each - 1)), None)

    def look(self, minute: int) -> str | None:
        """Who hears that their turn has begun since the look before."""
        before, looked = self.seen, self.looked
        self.looked, self.seen = minute, self.first(minute)
        if looked < 0 or looked == minute or self.seen is None:
            return None
        began = minute
        while began > looked and self.first(began - 1) == self.seen:
            began -= 1
        return self.seen if began > looked or before != self.seen else None
