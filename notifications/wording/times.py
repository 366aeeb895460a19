"""Times in the words of people, in the person's time zone: relative and exact together."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from babel.dates import format_date, format_skeleton
from django.utils import timezone

from notifications.wording import formats
from notifications.wording.sentences import say

SOON = timedelta(hours=2)
"""Time left from which an item counts as due soon."""

DAYS_FROM = timedelta(hours=48)
"""Durations from here on are in days, shorter ones in hours."""

MINUTES_UNTIL = timedelta(hours=10)
"""Durations up to here have minutes."""

Urgency = Literal["ontime", "soon", "overdue"]


@dataclass(frozen=True)
class Due:
    """The time at which an answer is due: its text, the same in short for a row of the list, the exact time for a
    title, and its urgency."""

    at: datetime
    text: str
    short: str
    exact: str
    urgency: Urgency

    @property
    def icon(self) -> str:
        """The icon that says the same as the colour (static/wfpush/icons.svg)."""
        return "clock" if self.urgency == "ontime" else self.urgency


def due(at: datetime, now: datetime) -> Due:
    """Return `due today 17:00 · 2 h 10 min left`, in short `today 17:00`; or `overdue by 10 min · due today 17:00`, in
    short `10 min late`."""
    left = at - now
    if left < timedelta():
        text = f"{_span('over', -left)} · {_due_at(at, now)}"
        return Due(at, text, _late(-left), exact(at), "overdue")
    text = f"{_due_at(at, now)} · {_span('left', left)}"
    return Due(at, text, _due_in_short(at, now), exact(at), "soon" if left <= SOON else "ontime")


def _due_at(at: datetime, now: datetime) -> str:
    here, today = timezone.localtime(at), timezone.localtime(now).date()
    clock, days = hour(here), (here.date() - today).days
    sentence_key = {0: "due_today", 1: "due_tomorrow", -1: "due_yesterday"}.get(days)
    if sentence_key:
        return say(sentence_key, time=clock)
    if 1 < days < 7:
        return say("due_weekday", weekday=_weekday(here), time=clock)
    return say("due_date", date=day(here.date(), today), time=clock)


def _due_in_short(at: datetime, now: datetime) -> str:
    """Return `today 17:00`, `tomorrow 17:00`, `Friday 17:00` or `4 December`."""
    here, today = timezone.localtime(at), timezone.localtime(now).date()
    days = (here.date() - today).days
    if days < 2:
        return say("today" if days == 0 else "tomorrow", time=hour(here))
    return f"{_weekday(here)} {hour(here)}" if days < 7 else day(here.date(), today)


def _late(span: timedelta) -> str:
    """Return `10 min late`, `5 h late` or `3 d late`."""
    minutes = int(span.total_seconds() // 60)
    if span >= DAYS_FROM:
        return say("late_days", d=span.days)
    return say("late_hours", h=minutes // 60) if minutes >= 60 else say("late_minutes", m=max(minutes, 1))


def _span(kind: Literal["left", "over"], span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    if minutes < 1:
        return say(f"{kind}_moment")
    if minutes < 60:
        return say(f"{kind}_minutes", m=minutes)
    if span >= DAYS_FROM:
        return say(f"{kind}_days", d=span.days)
    if minutes % 60 and span < MINUTES_UNTIL:
        return say(f"{kind}_hours_minutes", h=minutes // 60, m=minutes % 60)
    return say(f"{kind}_hours", h=minutes // 60)


def hour(here: datetime) -> str:
    """Return `17:00`, or `5:00 PM` for readers in a country that counts so."""
    return formats.hour(here, formats.active_locale())


def day(value: date, today: date) -> str:
    """Return `25 November`, with the year when it is another one."""
    if value.year != today.year:
        return formats.day(value, formats.active_locale())
    return format_skeleton("MMMMd", value, locale=formats.locale_for_days(formats.active_locale()))


def short_time(at: datetime, now: datetime) -> str:
    """Return a time in the past, in short: `14:02`, `yesterday 14:02`, `24 November`."""
    here, today = timezone.localtime(at), timezone.localtime(now).date()
    clock, days = hour(here), (today - here.date()).days
    if days == 0:
        return clock
    return say("yesterday", time=clock) if days == 1 else day(here.date(), today)


def when(at: datetime, now: datetime) -> str:
    """Return a time in the past, as part of a sentence: `at 14:02`, `on 24 November at 14:02`."""
    here, today = timezone.localtime(at), timezone.localtime(now).date()
    clock = hour(here)
    if here.date() == today:
        return say("at_time", time=clock)
    return say("at_date", date=day(here.date(), today), time=clock)


def moment(at: datetime, now: datetime) -> str:
    """Return `Friday, 4 December, 17:00`."""
    here = timezone.localtime(at)
    between = " " if formats.active_locale().language == "fr" else ", "
    return f"{_weekday(here)}{between}{day(here.date(), timezone.localtime(now).date())}, {hour(here)}"


def exact(at: datetime) -> str:
    """Return the full date with its zone, for titles."""
    here = timezone.localtime(at)
    return f"{_weekday(here)}, {formats.day(here, formats.active_locale())}, {hour(here)} {here.tzname()}"


def _weekday(value: date) -> str:
    return format_date(value, "EEEE", locale=formats.locale_for_days(formats.active_locale()))
