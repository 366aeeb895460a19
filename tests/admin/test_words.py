"""How the desk says times, durations, states and data."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone, translation

from notifications.admin.desk.display import (
    ago,
    due_words,
    inner_quotes,
    mark,
    moment,
    pretty,
    short,
    shortened,
    since,
    span,
    there,
    took,
    with_why,
)
from notifications.admin.desk.fields import is_language
from wfpush.identifiers import lowest_id, uuid7

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(seconds=0), "0 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(minutes=3, seconds=59), "3 min"),
        (timedelta(hours=2, minutes=10), "2 h 10 min"),
        (timedelta(days=3, hours=4), "3 d 4 h"),
        (timedelta(days=30), "30 d"),
        (timedelta(minutes=-5), "5 min"),
    ],
)
def test_durations_are_said_in_their_two_largest_units(length: timedelta, said: str) -> None:
    assert span(length) == said


@time_machine.travel(NOON, tick=False)
def test_times_are_relative_with_the_exact_one_in_the_title() -> None:
    early = NOON - timedelta(minutes=12)
    assert ">12 min ago<" in ago(early)
    assert 'title="Wed 25 Nov 2026 11:48:00 UTC"' in ago(early)
    assert ">in 12 min<" in ago(NOON + timedelta(minutes=12))
    assert ">12 min<" in since(early)
    assert "–" in ago(None)
    assert "–" in since(None)


@time_machine.travel(NOON, tick=False)
def test_tables_have_one_style_of_date() -> None:
    last_year = NOON - timedelta(days=330)
    assert 'title="Wed 25 Nov 2026 12:00:00 UTC" class="">Wed 25 Nov 12:00<' in moment(NOON)
    assert due_words(NOON, still_matters=False) == moment(NOON)
    assert [short(NOON), short(last_year)] == ["Wed 25 Nov 12:00", "30 Dec 2025 12:00"]
    with timezone.override("Europe/Berlin"):
        assert there(NOON) == "Wed 25 Nov 13:00 CET"
    with translation.override("de"):
        assert [short(NOON), short(last_year)] == ["Mi 25. Nov 12:00", "30. Dez 2025 12:00"]
    assert "–" in moment(None)


@time_machine.travel(NOON, tick=False)
def test_late_is_said_by_how_much_as_long_as_it_matters() -> None:
    early = NOON - timedelta(hours=2)
    assert ">late by 2 h 0 min<" in due_words(early)
    assert ">due in 2 h 0 min<" in due_words(NOON + timedelta(hours=2))
    assert "late" not in due_words(early, still_matters=False)
    assert "–" in due_words(None)


def test_processing_times_are_exact_below_a_minute() -> None:
    assert took(NOON, NOON + timedelta(milliseconds=1234)) == "1.23 s"
    with translation.override("de"):
        assert took(NOON, NOON + timedelta(milliseconds=1234)) == "1,23 s"
    assert took(NOON, NOON + timedelta(milliseconds=59.6)) == "0.06 s", "rounded, and not cut off"
    assert took(NOON, NOON + timedelta(milliseconds=300)) == "0.30 s"
    assert took(NOON, NOON + timedelta(minutes=5)) == "5 min"
    assert took(NOON, None) == ""


def test_whatever_is_shown_is_escaped() -> None:
    attack = "<script>alert(1)</script>"
    shown = [mark("bad", attack, attack), shortened(attack), shortened(attack * 20), pretty({attack: attack})]
    shown.append(with_why(mark("ok", "fine"), attack))
    assert not [each for each in shown if "<script>" in each]


def test_long_text_is_cut_with_the_whole_in_the_title() -> None:
    assert shortened("a" * 91).startswith('<span title="' + "a" * 91)
    assert shortened("a" * 90) == "a" * 90
    assert with_why(mark("ok", "fine"), "") == mark("ok", "fine")


@pytest.mark.parametrize(
    ("text", "fine"),
    [("de", True), ("pt-BR", True), ("zh-Hant", True), ("", False), ("d", False), ("Deutsch!", False), ("de_AT", True)],
)
def test_languages_are_told_from_other_words(text: str, fine: bool) -> None:
    assert is_language(text) is fine


def test_an_ids_time_bounds_the_ids_made_since() -> None:
    before = datetime.now(UTC)
    made = uuid7()
    assert lowest_id(before - timedelta(milliseconds=1)) <= made
    assert lowest_id(before + timedelta(hours=1)) > made


def test_quotes_within_quotes_are_single() -> None:
    assert inner_quotes("“Approve invoice 9” has not been answered") == "‘Approve invoice 9’ has not been answered"
    assert inner_quotes("„Rechnung 9“ ist offen") == "‚Rechnung 9‘ ist offen"
