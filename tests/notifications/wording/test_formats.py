"""Bob reads English in Berlin, Carol German in Vienna, and every instant is the same."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from notifications.wording import formats
from notifications.wording.formats import as_instant, as_number, clock, day, locale_of, moment, money, number, zone_of

FOUR_PM_UTC = datetime(2026, 11, 25, 16, 0, tzinfo=UTC)
IN_BERLIN = FOUR_PM_UTC.astimezone(zone_of("Europe/Berlin"))


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "€1,200.50"),
        ("de", "1.200,50 €"),
        ("de-AT", "€ 1.200,50"),
        ("de_DE", "1.200,50 €"),
        ("fr", "1 200,50 €"),
        ("tlh", "€1,200.50"),
        ("", "€1,200.50"),
    ],
)
def test_money_is_written_as_the_language_writes_it(language: str, said: str) -> None:
    assert money(Decimal("1200.5"), "EUR", locale_of(language)) == said


def test_a_currency_nobody_knows_follows_the_number() -> None:
    assert money(Decimal(1200), "Points", locale_of("de")) == "1.200,00 Points"
    assert money(Decimal(1200), "", locale_of("en")) == "1,200.00"
    assert money(Decimal(5), "jpy", locale_of("en")) == "¥5"


def test_numbers_have_at_most_three_places() -> None:
    assert number(Decimal("1234567.8916"), locale_of("en")) == "1,234,567.892"
    assert number(Decimal("1234567.8916"), locale_of("de")) == "1.234.567,892"


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Wed, 25 Nov 2026, 17:00 CET"),
        ("de", "Mi., 25. Nov. 2026, 17:00 CET"),
        ("en-US", "Wed, Nov 25, 2026, 5:00 PM CET"),
        ("en-GB", "Wed, 25 Nov 2026, 17:00 CET"),
    ],
)
def test_a_moment_has_its_weekday_and_its_zone(language: str, said: str) -> None:
    assert moment(IN_BERLIN, locale_of(language)) == said


def test_the_zone_is_named_where_a_winter_becomes_a_summer() -> None:
    summer = datetime(2026, 7, 1, 22, 30, tzinfo=UTC).astimezone(zone_of("Europe/Berlin"))

    assert clock(summer, locale_of("de")) == "00:30 CEST"
    assert day(summer, locale_of("de")) == "2. Juli 2026"


def test_an_unknown_zone_is_utc() -> None:
    assert clock(FOUR_PM_UTC.astimezone(zone_of("Middle/Earth")), locale_of("en")) == "16:00 UTC"
    assert zone_of("../../etc/passwd") is UTC


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (12, Decimal(12)),
        (1200.5, Decimal("1200.5")),
        ("1200.50", Decimal("1200.50")),
        (" -3 ", Decimal(-3)),
        (True, None),
        (None, None),
        ("twelve", None),
        ("NaN", None),
        (float("inf"), None),
        (10**15, None),
        ("9" * 100, None),
        ([1], None),
    ],
)
def test_a_number_is_a_finite_one_of_reasonable_size(value: Any, found: Decimal | None) -> None:
    assert as_number(value) == found


@pytest.mark.parametrize(
    "value", ["2026-11-25T16:00:00Z", "2026-11-25T17:00:00+01:00", "2026-11-25T16:00:00", " 2026-11-25T16:00:00.000Z"]
)
def test_an_instant_is_iso_8601(value: str) -> None:
    assert as_instant(value) == FOUR_PM_UTC


@pytest.mark.parametrize("value", ["tomorrow", "", 1764086400, None, "0001-01-01T00:00:00+14:00", "x" * 100, {}])
def test_anything_else_is_no_instant(value: Any) -> None:
    assert as_instant(value) is None


def test_whatever_the_language_is_called_there_is_a_locale() -> None:
    for language in ("de-DE-1996", "x" * 500, "de--", "_", "../de", "\0"):
        assert locale_of(language).language in ("de", "en")
    assert locale_of("pt_BR") != formats.FALLBACK
