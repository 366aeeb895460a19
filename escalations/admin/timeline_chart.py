"""The picture of the coming time: working time, named days off, due dates, and steps.

The picture is computed here in whole pixels; templates/admin/desk/simulator_drawing.html writes the SVG.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from functools import cached_property

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from escalations.admin import calendar_words
from escalations.admin.simulation_words import ForeseenStep
from escalations.calendars.working_time import Calendar
from notifications.admin.desk.display import Tone, short
from wfpush.zones import first_instant

WIDTH, EDGE = 900, 26
LETTER = 7
"""Approximate width of a letter of a label, in pixels."""
MARK, LANE, STACK = 24, 28, 4
MIN_DISTANCE = 38
"""Pixels between two steps. Nearer ones are drawn above each other; more than STACK of them share one mark."""
LATE_BY = timedelta(days=3)
"""The longest delay that is drawn. A due date that passed earlier is named at the edge."""
A_DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NIGHTS = 12
"""Pixels. Days narrower than this are drawn without nights."""


@dataclass(frozen=True)
class Tick:
    x: int
    label: str
    is_day: bool


@dataclass(frozen=True)
class DayOff:
    """A public holiday, or a special day of the calendar."""

    x: int
    width: int
    label: str
    label_x: int
    label_y: int


@dataclass(frozen=True)
class Mark:
    """The mark of one step, or of several that are close to each other, such as 3–9."""

    x: int
    y: int
    width: int
    text: str
    tone: Tone
    title: str

    @property
    def left(self) -> int:
        return self.x - self.width // 2

    @property
    def top(self) -> int:
        return self.y - MARK // 2

    @property
    def radius(self) -> int:
        """Return the radius of the corners. Marks of steps that reach nobody are nearly square."""
        return 3 if self.tone == "bad" else MARK // 2


@dataclass(frozen=True)
class Flag:
    """An instant with a label below the axis: now, or the due date."""

    x: int
    y: int
    label: str
    anchor: str

    @property
    def text_x(self) -> int:
        return self.x - 6 if self.anchor == "end" else self.x + 6


@dataclass
class Drawing:
    now: datetime
    deadline: datetime
    steps: Sequence[ForeseenStep]
    calendar: Calendar | None = None
    """None if no step or due date counts working time."""
    notes: Mapping[date, str] = field(default_factory=dict)

    width = WIDTH
    left = EDGE
    inner = WIDTH - 2 * EDGE

    # --- the scale --------------------------------------------------------------------------------------------------
    @cached_property
    def start(self) -> datetime:
        return min(self.now, self.deadline) if self.now - self.deadline <= LATE_BY else self.now

    @cached_property
    def end(self) -> datetime:
        last = max([self.now + HOUR, self.deadline, *(step.at for step in self.steps)])
        return last + (last - self.start) / 20

    def x(self, instant: datetime) -> int:
        inside = min(max(instant, self.start), self.end)
        return EDGE + round((inside - self.start) / (self.end - self.start) * self.inner)

    @property
    def _day(self) -> float:
        """Return the width of a day in pixels."""
        return A_DAY / (self.end - self.start) * self.inner

    @cached_property
    def ticks(self) -> list[Tick]:
        hours, days = self._hours(), list(self._days())
        first = self.x(days[0][0]) if days else WIDTH
        if first > EDGE + 90:
            days.insert(0, (self.start, _day_label(timezone.localtime(self.start).date())))
        labels = [(self.x(at), label) for at, label in days]
        day_ticks = [Tick(x, label if x + len(label) * LETTER < WIDTH else "", True) for x, label in labels]
        return [*day_ticks, *(Tick(self.x(at), date_format(timezone.localtime(at), "H:i"), False) for at in hours)]

    def _days(self) -> Iterator[tuple[datetime, str]]:
        """Yield labelled midnights: of every day or second day, of Mondays, or of the first of months, as there is
        room."""
        for day in _dates(self.start, self.end):
            at = _midnight(timezone.get_current_timezone(), day)
            if self.start <= at < self.end and self._is_named(day):
                yield at, _day_label(day) if self._day * 7 > 90 else date_format(day, pgettext("a month", "M Y"))

    def _is_named(self, day: date) -> bool:
        if self._day >= 78:
            return True
        if self._day >= 39:
            return day.toordinal() % 2 == 0
        if self._day * 7 > 90:
            return day.weekday() == 0
        return day.day == 1 and (self._day * 30 > 66 or day.month % 3 == 1)

    def _hours(self) -> list[datetime]:
        """Return full hours between midnights, if days are wide enough; else none."""
        every = next((hours for hours in (1, 2, 3, 6, 12) if self._day * hours / 24 >= 44), 0)
        zone = timezone.get_current_timezone()
        return [
            at
            for day in (_dates(self.start, self.end) if every else ())
            for hour in range(every, 24, every)
            if self.start <= (at := first_instant(zone, datetime(day.year, day.month, day.day, hour))) < self.end
        ]

    # --- working time -----------------------------------------------------------------------------------------------
    @cached_property
    def openings(self) -> list[tuple[int, int]]:
        """Return start and width of each stretch of working time, and of whole days where nights would be too
        narrow."""
        if self.calendar is None:
            return []
        stretches, zone = list(self.calendar.openings(self.start, self.end)), self.calendar.data.zone
        if self._day < NIGHTS:
            days = sorted({opens.astimezone(zone).date() for opens, _closes in stretches})
            stretches = [(_midnight(zone, day), _midnight(zone, day + A_DAY)) for day in days]
        spans: list[tuple[int, int]] = []
        for opens, closes in stretches:
            left, right = self.x(opens), self.x(closes)
            if spans and sum(spans[-1]) >= left:
                left = spans.pop()[0]
            spans.append((left, max(right - left, 1)))
        return spans

    @cached_property
    def days_off(self) -> list[DayOff]:
        marks: list[DayOff] = []
        ends = [0] * 4
        for day in self.named_days:
            assert self.calendar is not None  # else no days are named
            left, right = (self.x(_midnight(self.calendar.data.zone, at)) for at in (day.date, day.date + A_DAY))
            if right <= left:
                continue
            wide = len(day.why) * LETTER
            at = max(EDGE, min(left + 2, WIDTH - EDGE - wide))
            lane = next((lane for lane, end in enumerate(ends) if end <= at), None)
            if lane is not None:
                ends[lane] = at + wide + 2 * LETTER
            y = 0 if lane is None else self._labels_top + lane * 17
            marks.append(DayOff(left, right - left, day.why, at, y))
        return marks

    @cached_property
    def named_days(self) -> list[calendar_words.Day]:
        if self.calendar is None:
            return []
        zone = self.calendar.data.zone
        first, last = self.start.astimezone(zone).date(), self.end.astimezone(zone).date()
        days = calendar_words.days(self.calendar.data, self.notes, first, (last - first).days + 1)
        return [day for day in days if day.why]

    @property
    def days_in_words(self) -> list[tuple[str, str, str]]:
        """Return the date, the reason and the hours of each special day."""
        return [(_day_label(day.date), day.why, day.hours) for day in self.named_days]

    # --- vertical layout --------------------------------------------------------------------------------------------
    @property
    def _labels_top(self) -> int:
        return 54 if any(not tick.is_day for tick in self.ticks) else 38

    @cached_property
    def top(self) -> int:
        return max([self._labels_top - 8, *(day.label_y + 8 for day in self.days_off)])

    @cached_property
    def height(self) -> int:
        """Return the height of the part between the upper and the lower labels."""
        tallest = max([1, *(min(len(group), STACK) for group in self._groups if len(group) <= STACK)])
        return 34 + tallest * LANE

    @property
    def bottom(self) -> int:
        return self.top + self.height

    @cached_property
    def whole_height(self) -> int:
        return self.bottom + 8 + 18 * len({flag.y for flag in self.flags})

    # --- steps and due date -----------------------------------------------------------------------------------------
    @cached_property
    def _groups(self) -> list[list[ForeseenStep]]:
        groups: list[list[ForeseenStep]] = []
        for step in self.steps:
            if groups and self.x(step.at) - self.x(groups[-1][0].at) < MIN_DISTANCE:
                groups[-1].append(step)
            else:
                groups.append([step])
        return groups

    @cached_property
    def marks(self) -> list[Mark]:
        return [mark for group in self._groups for mark in self._marks(group)]

    def _marks(self, group: list[ForeseenStep]) -> Iterator[Mark]:
        for lane, steps in enumerate([group] if len(group) > STACK else [[step] for step in group]):
            text = str(steps[0].number) if len(steps) == 1 else f"{steps[0].number}–{steps[-1].number}"
            tones = [step.tone for step in steps]
            tone = next((tone for tone in ("bad", "ok") if tone in tones), tones[0])
            title = "\n".join(f"{step.number}. {short(step.at)}: {step.what} {step.result}".rstrip() for step in steps)
            y = self.bottom - 12 - MARK // 2 - lane * LANE
            yield Mark(self.x(steps[0].at), y, max(len(text) * 8 + 10, MARK), text, tone, title)

    @cached_property
    def flags(self) -> list[Flag]:
        now = _("now") if self.start < self.now else _("now: %(time)s") % {"time": short(self.now)}
        due = _("was due %(time)s") if self.deadline < self.start else _("due %(time)s")
        labels = [(self.x(self.now), now), (self.x(self.deadline), due % {"time": short(self.deadline)})]
        clash = abs(labels[0][0] - labels[1][0]) < sum(len(label) for _x, label in labels) * LETTER
        heights = (self.bottom + 18, self.bottom + (36 if clash else 18))
        anchors = ["end" if x + len(label) * LETTER > WIDTH - EDGE else "start" for x, label in labels]
        return [Flag(x, y, label, anchor) for (x, label), y, anchor in zip(labels, heights, anchors, strict=True)]

    @property
    def has_bad(self) -> bool:
        return any(step.tone == "bad" for step in self.steps)

    # --- text for readers without the picture -----------------------------------------------------------------------
    @property
    def title(self) -> str:
        return _("The time from %(start)s to %(end)s") % {"start": short(self.start), "end": short(self.end)}

    @property
    def in_short(self) -> str:
        count = len(self.steps)
        steps = ngettext("%(count)d step", "%(count)d steps", count) % {"count": count}
        parts = [_("due %(time)s") % {"time": short(self.deadline)}, steps]
        if nobody := sum(step.tone == "bad" for step in self.steps):
            parts.append(ngettext("%(count)d reaches nobody", "%(count)d reach nobody", nobody) % {"count": nobody})
        days = [f"{day} {why}" for day, why, _hours in self.days_in_words]
        return "; ".join([*parts, *days]) + ". " + _("The list below says the same in words.")


def _day_label(day: date) -> str:
    return date_format(day, pgettext("a date", "D j M"))


def _dates(start: datetime, end: datetime) -> Iterator[date]:
    day, last = timezone.localtime(start).date(), timezone.localtime(end).date()
    while day <= last:
        yield day
        day += A_DAY


def _midnight(zone: tzinfo, day: date) -> datetime:
    return first_instant(zone, datetime(day.year, day.month, day.day))
