"""The backlog of events: whether they come faster than they are processed, and when the queue will be empty.

The rates are read from the rows, so all processes return the same. They are those of the later half of the time for
which the oldest due event has waited. Events of a burst's beginning are no longer in that half, and the workers had
work all the time. At most ROWS rows are read for each rate.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from notifications.models import Event
from wfpush.identifiers import lowest_id
from wfpush.numbers import number

MIN_PERIOD, MAX_PERIOD = timedelta(seconds=2), timedelta(minutes=1)
"""The shortest and the longest time over which rates are taken."""
ROWS = 10_000
"""The most rows that a rate is taken from. If more came within that time, the rate is that of the latest ones."""
BATCH_SIZE = 100
"""The events of one batch. Fewer are no backlog, such as those that wait behind one that fails."""
LONG = timedelta(seconds=10)
SAME = 0.5
"""The smallest difference of rates that counts, in events a second."""


@dataclass(frozen=True)
class Backlog:
    """Due events, and the numbers of events that came and were processed each second."""

    waiting: int
    oldest: timedelta
    rate_in: float
    rate_out: float

    @property
    def growth(self) -> float:
        """Return by how many events a second the backlog grows."""
        return self.rate_in - self.rate_out

    @property
    def empty_in(self) -> float:
        """Return the seconds until nothing waits, at the present rates; infinite if the backlog does not shrink. Events
        that have just come are no backlog yet: for them it is the time that as many took before."""
        if not self.waiting:
            return 0.0
        if self.oldest <= LONG:
            return self.waiting / self.rate_out if self.rate_out else LONG.total_seconds()
        return self.waiting / -self.growth if self.growth < 0 else float("inf")

    def sentence(self) -> str:
        """Return a sentence about the backlog, in the reader's language."""
        beginning = _("%(count)s events wait, the oldest for %(time)s") % {
            "count": number(self.waiting),
            "time": in_words(self.oldest.total_seconds()),
        }
        return f"{beginning}; {self._outlook()}"

    def _outlook(self) -> str:
        if self.growth <= -SAME:
            return _("at the current rate all are processed in about %(time)s.") % {"time": in_words(self.empty_in)}
        if self.growth >= SAME:
            return _("more arrive than are processed: the backlog grows by about %(rate)s a second.") % {
                "rate": number(self.growth)
            }
        return _("at the current rate the backlog does not shrink.")


def of_events(now: datetime) -> Backlog:
    return _with_rates(*_due(now), now)


def find_large(now: datetime) -> Backlog | None:
    """Return the backlog, if many events wait and the oldest has waited long."""
    waiting, oldest = _due(now)
    return _with_rates(waiting, oldest, now) if waiting > BATCH_SIZE and oldest > LONG else None


def notes(now: datetime) -> list[str]:
    events = find_large(now)
    with translation.override("en"):
        return [events.sentence()] if events is not None else []


def _due(now: datetime) -> tuple[int, timedelta]:
    due = Event.backlog(now).aggregate(count=Count("pk"), since=Min("due_at"))
    return due["count"], now - (due["since"] or now)


def _with_rates(waiting: int, oldest: timedelta, now: datetime) -> Backlog:
    since = now - (min(max(oldest / 2, MIN_PERIOD), MAX_PERIOD) if waiting else MAX_PERIOD)
    rows = Event.objects.order_by()
    came = rows.filter(pk__gte=lowest_id(since)).order_by("-pk").values("received_at")
    went = rows.filter(processed_at__gt=since).order_by("-processed_at").values("processed_at")
    return Backlog(waiting, oldest, _rate(came, "received_at", since, now), _rate(went, "processed_at", since, now))


def _rate(rows: Any, moment: str, since: datetime, now: datetime) -> float:
    """Return the rows a second since `since`, or those of the latest ROWS."""
    totals = rows[:ROWS].aggregate(count=Count("*"), first=Min(moment))
    begin = totals["first"] if totals["count"] == ROWS else since
    return float(totals["count"] / max((now - begin).total_seconds(), 0.1))


def in_words(seconds: float) -> str:
    """Return a time as text, such as 3 minutes."""
    if seconds < 90:
        return ngettext("%(count)s second", "%(count)s seconds", round(seconds)) % {"count": round(seconds)}
    if seconds < 90 * 60:
        minutes = round(seconds / 60)
        return ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": minutes}
    hours = round(seconds / 3600)
    return ngettext("%(count)s hour", "%(count)s hours", hours) % {"count": number(hours)}
