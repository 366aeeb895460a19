"""Values against their form: the first fault of each field, as a sentence in the reader's language."""

from typing import Any

import pytest
from django.utils import translation

from notifications.forms import checking, recorded_values
from notifications.forms.fields import Form, form_of, marked
from notifications.types import Json
from notifications.wording.formats import locale_of
from tests.notifications.forms.invoice import APPROVED, VARIABLES, invoice_form, read
from tests.notifications.forms.rows import GIVEN, delivery_form


def form() -> Form:
    return read(invoice_form(), VARIABLES)


def faults(**values: Any) -> Json:
    known = checking.normal(form(), {**APPROVED, **values})
    return {fault.field.name: fault.in_english() for fault in checking.faults_of(form(), known)}


def test_what_fits_has_no_faults() -> None:
    assert faults() == {}


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("amount", None, "Fill this in."),
        ("amount", -1, "Enter €0.00 or more."),
        ("amount", 5000.01, "Enter €5,000.00 or less."),
        ("amount", 900.555, "Enter an amount with two decimal places at most."),
        ("amount", "900", "This is not the required kind of value."),
        ("amount", True, "This is not the required kind of value."),
        ("amount", 1e300, "Enter €5,000.00 or less."),
        ("account", "", "Choose one."),
        ("account", "food", "This is not one of the choices."),
        ("cost_center", "41000", "This does not have the required format."),
        ("cost_center", "٤١٠٠", "This does not have the required format."),
        ("cost_center", "4" * 5000, "This does not have the required format."),
        ("pay_on", "2026-10-31", "Choose 1 November 2026 or a later day."),
        ("pay_on", "2026-02-30", "Enter a day, such as 2026-11-30."),
        ("checks", ["price"], "Choose at least 2."),
        ("checks", ["price", "colour"], "This is not one of the choices."),
        ("asset", 1, "This is not the required kind of value."),
        ("pieces", 2.5, "Enter a whole number."),
        ("pieces", 0, "Enter 1 or more."),
        ("note", "x" * 201, "Shorten it to 200 characters."),
        ("iban", "x" * 4001, "Shorten it to 4,000 characters."),
    ],
)
def test_each_rule_has_its_sentence(name: str, value: Any, sentence: str) -> None:
    assert faults(**{name: value}) == {name: sentence}


def test_sentences_are_in_the_readers_language() -> None:
    (fault,) = checking.faults_of(form(), checking.normal(form(), {**APPROVED, "amount": 6000}))
    with translation.override("de"):
        assert fault.words(locale_of("de")) == "Höchstens 5.000,00 €."


def test_nothing_invisible_is_kept_and_nothing_empty() -> None:
    said = {"amount": 3.0, "note": "a\u202eb\r\n", "cost_center": " ", "checks": [], "account": None, "pieces": 4.0}
    assert checking.normal(form(), said) == {"amount": 3, "note": "ab", "pieces": 4}


def test_defaults_are_the_tasks_variables_then_the_schemas() -> None:
    said = invoice_form()
    said["schema"]["properties"]["pieces"]["default"] = 7
    said["schema"]["properties"]["account"]["default"] = "unknown"
    said["ui"]["fields"]["note"]["from"] = "order.remark"
    variables = {**VARIABLES, "amount": "1000.50", "order": {"remark": "Soon"}, "asset": "perhaps"}
    found = read(said, variables)
    assert {field.name: field.default for field in found if field.default is not None} == {
        "amount": 1000.5,
        "cost_center": "4100",
        "pieces": 7,
        "note": "Soon",
        "iban": "DE02",
    }


def table() -> Form:
    return read(delivery_form(), GIVEN)


def test_a_table_begins_with_the_variables_rows_and_never_with_a_part_of_them() -> None:
    (lines, _note) = table()
    assert [column.name for column in lines.columns] == ["article", "pieces", "price", "state"]
    assert lines.default == [{"article": "Pump", "pieces": 2, "price": 30}, {"article": "Valve", "price": 12.5}]
    assert lines.as_value([{"article": "Pump"}] * 51) is None and lines.as_value("Pump") is None


def test_a_table_with_more_rows_than_fit_is_filled_in_in_the_engine_only() -> None:
    """One row filled in here would replace all of them."""
    for count, shown in ((50, ("lines", "note")), (51, ("note",))):
        form = read(delivery_form(), {"lines": [{"article": "Pump"}] * count})
        assert form.names == shown
        assert [each.words("en") for each in form.unshown] == (["Lines (rows)"] if count > 50 else [])


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ("Pump", {"lines": "This is not the required kind of value."}),
        (["Pump"], {"lines": "This is not the required kind of value."}),
        ([{}], {"lines.0.article": "Fill this in."}),
        ([{"article": "a\u202eb", "price": 3.0}, {"article": " ", "pieces": 1}], {"lines.1.article": "Fill this in."}),
        ([{"article": 5, "price": "3", "state": "lost"}],
         {"lines.0.article": "This is not the required kind of value.",
          "lines.0.price": "This is not the required kind of value.",
          "lines.0.state": "This is not one of the choices."}),
        ([{"article": "A", "price": 0.001}], {"lines.0.price": "Enter an amount with two decimal places at most."}),
        ([{"article": "A"}] * 5, {"lines": "Fill in no more rows than 4."}),
        ([], {}),
    ],
)  # fmt: skip
def test_each_cell_is_checked(rows: Any, found: Json) -> None:
    known = checking.faults_of(table(), checking.normal(table(), {"lines": rows}))
    assert {".".join(str(part) for part in fault.path): fault.in_english() for fault in known} == found


def test_a_record_has_the_rows_and_what_they_were_and_hides_all_of_a_sensitive_table() -> None:
    rows = [{"article": "Pump", "pieces": 2, "price": 30, "state": "whole"}]
    (entry,) = entries = recorded_values.entries_of(table(), {"lines": rows})
    assert recorded_values.values_of(entries) == {"lines": rows} and recorded_values.types_of(entries) == {
        "lines": "json"
    }
    with translation.override("de"):
        (line,) = [each.line for each in recorded_values.shown(entries, "de")]
    assert line.split("\n") == [
        "Lines: 1 Zeile. Summe der Spalte „Price“: 30,00 €",
        "1. Pump · 2 · 30,00 € · Ganz",
        "statt 2 Zeilen. Summe der Spalte „Price“: 42,50 €:",
        "1. Pump · 2 · 30,00 € · –",
        "2. Valve · – · 12,50 € · –",
    ]
    for hidden in (["variables.lines"], ["variables.lines.0.price"]):
        (secret,) = recorded_values.entries_of(table(), {"lines": rows}, hidden)
        assert recorded_values.public_values([secret]) == {"lines": None} and not entry.get("sensitive")


@pytest.mark.parametrize("value", ["nan", "-inf", "1e400", "infinity", "1_000_x", 10**400])
def test_a_variable_that_is_no_number_is_no_default(value: Any) -> None:
    assert next(iter(read(invoice_form(), {"amount": value}))).default is None


def test_what_came_as_form_before_there_were_forms_is_none() -> None:
    assert form_of({"task": {"form": "approve-invoice"}}) is None
    assert form_of({"task": {"form": {"key": "x"}}}) is None
    assert form_of({"task": {}}) is None


def test_final_answers_that_take_nothing_away_take_values() -> None:
    check: Json = {"action": "check", "title": "Check"}
    actions = ["acknowledge", "approve", {"action": "reject", "values": "required"}, check]
    assert marked(actions, None) == ["acknowledge", "approve", {"action": "reject"}, check]
    required = [{"action": "approve", "values": "required"}, {"action": "reject"}, {**check, "values": "required"}]
    assert marked(actions, form()) == ["acknowledge", *required]
    named = read(invoice_form(actions=["reject"]), {})
    assert [named.rule_for(name, "final") for name in ("approve", "reject")] == ["none", "required"]


def test_a_record_says_what_was_changed_and_hides_what_is_sensitive() -> None:
    entries = recorded_values.entries_of(form(), APPROVED, hidden=["variables.cost_center"])
    assert recorded_values.values_of(entries) == APPROVED
    assert recorded_values.types_of(entries) == {"amount": "double", "pay_on": "date", "checks": "json"}
    assert (
        recorded_values.public_values(entries)["iban"] is recorded_values.public_values(entries)["cost_center"] is None
    )
    with translation.override("de"):
        lines = [each.line for each in recorded_values.shown(entries, "de")]
    assert lines[:4] == [
        "Betrag: 900,50 € (statt 1.000,00 €)",
        "Account: Büro",
        "Cost centre: angegeben, wird nicht gezeigt",
        "Pay on: 1. Dezember 2026",
    ]
