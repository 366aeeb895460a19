"""The periods of charts and of engagement: 24 hours by the hour, 7 or 30 days by the day, in the reader's time zone."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from notifications.additions import Text
from notifications.admin.desk.intervals import between_words, made_between
from notifications.insight.hourly import HOUR, hour_of
from notifications.insight.models import CountedHour
from notifications.wording.formats import local_hour

HOURS, DAYS = 24, {"week": 7, "month": 30}
NAMES: dict[str, Text] = {
    "day": gettext_lazy("24 hours"),
    "week": gettext_lazy("7 days"),
    "month": gettext_lazy("30 days"),
}


@dataclass(frozen=True)
class Stretch:
    """A column of a chart. `short` is the label below it, empty where there is no room."""

    start: datetime
    end: datetime
    short: str
    words: str

    @property
    def query(self) -> str:
        return made_between(self.start, self.end)


@dataclass(frozen=True)
class Period:
    name: str
    now: datetime

    @property
    def words(self) -> str:
        return str(NAMES[self.name])

    @property
    def by_hour(self) -> bool:
        return self.name == "day"

    @cached_property
    def stretches(self) -> list[Stretch]:
        """The columns, one for each hour or day. The last one is not over yet."""
        if self.by_hour:
            first = hour_of(self.now) - (HOURS - 1) * HOUR
            return [_hour(first + number * HOUR) for number in range(HOURS)]
        days = DAYS[self.name]
        starts = [local_hour(self.now, number - days + 1) for number in range(days + 1)]
        return [_day(starts[number], starts[number + 1], days) for number in range(days)]

    @property
    def start(self) -> datetime:
        return self.stretches[0].start

    @property
    def end(self) -> datetime:
        return self.stretches[-1].end

    @property
    def query(self) -> str:
        return made_between(self.start, self.end)

    @cached_property
    def counted(self) -> bool:
        """Return whether a worker has counted anything in the period; without counts the charts are hidden."""
        return CountedHour.objects.filter(hour__gte=self.start).exists()


def period_of(name: str, now: datetime) -> Period:
    """Return the period that the address names; the last 24 hours for any other name."""
    return Period(name if name in NAMES else "day", now)


def _hour(start: datetime) -> Stretch:
    local = timezone.localtime(start)
    end = start + HOUR
    return Stretch(start, end, f"{local:%H}" if local.hour % 3 == 0 else "", between_words(start, end))


def _day(start: datetime, end: datetime, days: int) -> Stretch:
    monday_or_few = days <= DAYS["week"] or start.weekday() == 0
    short = date_format(start, "D" if days <= DAYS["week"] else "j.n.") if monday_or_few else ""
    return Stretch(start, end, short, date_format(start, _("D, j M")))
