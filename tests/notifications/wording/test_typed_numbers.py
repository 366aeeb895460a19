"""Numbers are read in the reader's language; what could mean two of them is refused with both."""

from decimal import Decimal

import pytest

from notifications.wording.formats import locale_of
from notifications.wording.typed_numbers import UnreadableNumber, plain, read_number, write_number


@pytest.mark.parametrize(
    ("language", "text", "number"),
    [
        ("de", "10.000", "10000"),
        ("en", "10,000", "10000"),
        ("en", "10,000.00", "10000"),
        ("de", "1.234.567,5 €", "1234567.5"),
        ("fr", "10 000,5", "10000.5"),
        ("de-CH", "10’000.50", "10000.5"),
        ("en", "-0.125", "-0.125"),
        ("de", " 12 ", "12"),
    ],
)
def test_a_number_is_read_as_its_writer_means_it(language: str, text: str, number: str) -> None:
    assert plain(read_number(text, language)) == number


@pytest.mark.parametrize(
    ("language", "text", "sentence"),
    [
        ("en", "10.000", "“10.000” may be 10,000 or 10: enter 10000 or 10.0000."),
        ("de", "10,000", "“10,000” may be 10.000 or 10: enter 10000 or 10,0000."),
        ("en", "1,5", "“1,5” may be 15 or 1.5: enter 15 or 1.5."),
        ("de", "1.5", "“1.5” may be 15 or 1,5: enter 15 or 1,5."),
        ("de", "0.500", "“0.500” may be 500 or 0,5: enter 500 or 0,5."),
        ("en", "much", "Enter a number, such as 1,200.5."),
        ("en", "1e5", "Enter a number, such as 1,200.5."),
        ("de", "9" * 16, "Enter a number, such as 1.200,5."),
        ("en", "١٢", "Enter a number, such as 1,200.5."),
        ("en", "", "Enter a number, such as 1,200.5."),
    ],
)
def test_what_may_be_two_numbers_or_is_none_is_refused(language: str, text: str, sentence: str) -> None:
    with pytest.raises(UnreadableNumber) as refused:
        read_number(text, language)
    assert str(refused.value) == sentence


@pytest.mark.parametrize("language", ["en", "de", "fr", "de-CH", "sv", "pl", "nl"])
@pytest.mark.parametrize("number", ["0", "-1200.5", "10.125", "10000", "1234567.891", "0.1", "999.999"])
def test_what_is_shown_is_read_as_the_same_number(language: str, number: str) -> None:
    assert read_number(write_number(Decimal(number), locale_of(language)), language) == Decimal(number)
