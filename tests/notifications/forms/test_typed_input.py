"""Numbers as people type them: read in their language; what could mean two numbers is refused."""

from decimal import Decimal

import pytest
from django.http import QueryDict

from notifications.forms import typed_input
from notifications.forms.typed_input import TypedForm
from notifications.wording.formats import locale_of
from notifications.wording.typed_numbers import marks_of, write_number
from tests.notifications.forms.invoice import VARIABLES, invoice_form
from tests.notifications.forms.invoice import read as form_in


def read(language: str, **fields: str | list[str]) -> TypedForm:
    form = form_in(invoice_form(), VARIABLES)
    posted = QueryDict(mutable=True)
    for name, value in fields.items():
        posted.setlist(f"value-{name}", value if isinstance(value, list) else [value])
    return typed_input.read(form, posted, locale_of(language))


@pytest.mark.parametrize(
    ("language", "text", "number"),
    [
        ("en", "1,200.50", 1200.5),
        ("en", "€1,200.5 ", 1200.5),
        ("en", "EUR 900", 900),
        ("en", "0.125", 0.125),
        ("en", "−3", -3),
        ("de", "1.200,50 EUR", 1200.5),
        ("de", "10.000", 10_000),
        ("de", "1200,5", 1200.5),
        ("fr", "1 200,50", 1200.5),
        ("de-CH", "1’200.50", 1200.5),
        ("ar", "1200", 1200),
    ],
)
def test_a_number_is_read_as_its_writer_writes_it(language: str, text: str, number: float) -> None:
    assert read(language, amount=text).values == {"amount": number}


@pytest.mark.parametrize(
    ("language", "text", "sentence"),
    [
        ("en", "1.200,50", "Enter a number, such as 1,200.5."),
        ("en", "1e5", "Enter a number, such as 1,200.5."),
        ("en", "12,34", "Enter a number, such as 1,200.5."),
        ("de", "0.500", "Enter a number, such as 1.200,5."),
        ("en", "nine", "Enter a number, such as 1,200.5."),
        ("en", "9" * 16, "Enter a number, such as 1,200.5."),
        ("en", "10.000", "Is it 10000 or 10.0000? Write it unambiguously."),
        ("de", "10,000", "Is it 10000 or 10,0000? Write it unambiguously."),
    ],
)
def test_what_is_none_or_could_be_two_is_refused(language: str, text: str, sentence: str) -> None:
    found = read(language, amount=text)
    assert found.values == {} and [fault.words(locale_of(language)) for fault in found.faults] == [sentence]
    assert found.texts["amount"] == [text]


@pytest.mark.parametrize("language", ["en", "de", "fr", "de-CH", "sv", "pl"])
@pytest.mark.parametrize("number", ["0", "-1200.5", "10.125", "1234567.891", "0.1", "999"])
def test_what_we_write_into_a_field_is_read_as_the_same_number(language: str, number: str) -> None:
    text = write_number(Decimal(number), locale_of(language), 2)
    assert read(language, amount=text).values == {"amount": float(number)}, (text, marks_of(locale_of(language)))


def test_other_kinds_are_read_from_what_browsers_send() -> None:
    found = read(
        "de", account="travel", checks=["price", "tax"], asset="no", pay_on="2026-12-01", note="a\r\nb", iban=""
    )
    assert found.values == {
        "account": "travel",
        "checks": ["price", "tax"],
        "asset": False,
        "pay_on": "2026-12-01",
        "note": "a\nb",
    }


@pytest.mark.parametrize(
    ("amount", "value", "text"),
    [
        (401.34999999999997, 401.35, "401.35"),
        (0.1 + 0.2, 0.3, "0.30"),
        ("401.34999999999997", 401.35, "401.35"),
        (0.00345, 0.00345, "0.00345"),
        (-0.0, 0, "0.00"),
        (1e-7, 1e-7, "0.0000001"),
        (12345678901234.56, 12345678901234.56, "12,345,678,901,234.56"),
        (10**14, 10**14, "100,000,000,000,000.00"),
        (1e21, None, None),
        (10**40, None, None),
    ],
)
def test_an_amount_of_the_engine_is_proposed_as_the_decimal_that_it_is(
    amount: object, value: object, text: str | None
) -> None:
    form = form_in(invoice_form(), {**VARIABLES, "amount": amount})
    field = next(each for each in form if each.name == "amount")

    assert field.default == value
    assert typed_input.texts_of(field, field.default, locale_of("en")) == ([text] if text else [])
