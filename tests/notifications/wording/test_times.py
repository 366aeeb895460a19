from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone, translation

from notifications.wording.times import due, exact, moment, short_time, when

NOW = datetime(2026, 11, 25, 14, 0, tzinfo=UTC)  # a Wednesday


@pytest.mark.parametrize(
    ("left", "text", "urgency"),
    [
        (timedelta(hours=2, minutes=10, seconds=59), "due today 16:10 · 2 h 10 min left", "ontime"),
        (timedelta(hours=2), "due today 16:00 · 2 h left", "soon"),
        (timedelta(minutes=59, seconds=59), "due today 14:59 · 59 min left", "soon"),
        (timedelta(minutes=1), "due today 14:01 · 1 min left", "soon"),
        (timedelta(seconds=59), "due today 14:00 · less than a minute left", "soon"),
        (timedelta(0), "due today 14:00 · less than a minute left", "soon"),
        (timedelta(hours=9, minutes=59), "due today 23:59 · 9 h 59 min left", "ontime"),
        (timedelta(hours=10, minutes=30), "due tomorrow 00:30 · 10 h left", "ontime"),
        (timedelta(hours=47, minutes=59), "due Friday 13:59 · 47 h left", "ontime"),
        (timedelta(hours=48), "due Friday 14:00 · 2 days left", "ontime"),
        (timedelta(days=6), "due Tuesday 14:00 · 6 days left", "ontime"),
        (timedelta(days=7), "due 2 December 14:00 · 7 days left", "ontime"),
        (timedelta(days=40), "due 4 January 2027 14:00 · 40 days left", "ontime"),
        (timedelta(seconds=-1), "just overdue · due today 13:59", "overdue"),
        (timedelta(minutes=-10), "overdue by 10 min · due today 13:50", "overdue"),
        (timedelta(hours=-20), "overdue by 20 h · due yesterday 18:00", "overdue"),
        (timedelta(days=-3), "overdue by 3 days · due 22 November 14:00", "overdue"),
    ],
)
def test_a_due_time_says_when_and_how_long_that_is(left: timedelta, text: str, urgency: str) -> None:
    said = due(NOW + left, NOW)

    assert (said.text, said.urgency) == (text, urgency)


def test_today_is_the_readers_today() -> None:
    late_in_london = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)

    with timezone.override("Europe/Berlin"):
        assert due(late_in_london, NOW).text == "due tomorrow 00:30 · 9 h 30 min left"


def test_the_exact_time_names_day_and_zone() -> None:
    with timezone.override("Europe/Berlin"):
        assert exact(NOW) == "Wednesday, 25 November 2026, 15:00 CET"
        with translation.override("de"):
            assert exact(NOW) == "Mittwoch, 25. November 2026, 15:00 CET"


def test_the_shape_says_what_the_colour_says() -> None:
    shapes = [due(NOW + timedelta(hours=hours), NOW).icon for hours in (5, 1, -1)]

    assert shapes == ["clock", "soon", "overdue"]


def test_german_counts_in_german() -> None:
    with translation.override("de"):
        assert due(NOW + timedelta(hours=2, minutes=10), NOW).text == "fällig heute 16:10 · noch 2 Std. 10 Min."
        assert due(NOW - timedelta(days=3), NOW).text == "seit 3 Tagen überfällig · fällig 22. November 14:00"
        assert due(NOW + timedelta(days=2), NOW).text == "fällig Freitag 14:00 · noch 2 Tage"


@pytest.mark.parametrize(
    ("ago", "short", "in_a_sentence"),
    [
        (timedelta(minutes=5), "13:55", "at 13:55"),
        (timedelta(days=1), "yesterday 14:00", "on 24 November at 14:00"),
        (timedelta(days=30), "26 October", "on 26 October at 14:00"),
        (timedelta(days=365), "25 November 2025", "on 25 November 2025 at 14:00"),
    ],
)
def test_what_has_happened_is_said_as_short_as_it_stays_clear(ago: timedelta, short: str, in_a_sentence: str) -> None:
    assert (short_time(NOW - ago, NOW), when(NOW - ago, NOW)) == (short, in_a_sentence)


def test_no_comma_follows_a_weekday_in_french() -> None:
    with translation.override("fr"):
        assert moment(NOW, NOW) == "mercredi 25 novembre, 14:00"
    with translation.override("es"):
        assert moment(NOW, NOW) == "miércoles, 25 de noviembre, 14:00"
