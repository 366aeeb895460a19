"""Filling in a task's form on the item's page, without JavaScript: labels, faults at their fields, nothing lost."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from notifications.models import Response
from tests.factories import action_token
from tests.inbox.browser import Page, get, signed_in
from tests.notifications.forms.invoice import ask, invoice_form
from tests.notifications.forms.rows import GIVEN, delivery_form
from tests.support.story import Story

pytestmark = pytest.mark.django_db

FILLED: dict[str, Any] = {
    "value-amount": "900.50",
    "value-account": "office",
    "value-checks": ["price", "tax"],
    "value-asset": "no",
    "value-pay_on": "2026-12-01",
    "value-note": "Nine came.",
    "value-iban": "DE99",
}


@pytest.fixture
def story(story: Story) -> Story:
    ask(story, candidates=["bob", "carol"], assignee=None)
    return story


def item(story: Story, person: Any = None, query: str = "") -> Page:
    return get(signed_in(person or story.bob), f"/n/{story.copy(person or story.bob).pk}{query}")


def answers(page: Page) -> list[str]:
    """The buttons of the open item."""
    return [each.text_content().strip() for each in page.tree.xpath("//article//*[@data-slot='buttons']/*")]


def value_of(page: Page, name: str) -> Any:
    return page.tree.xpath(f"//*[@name='value-{name}']")[0].get("value")


def test_every_field_has_a_label_and_its_default(story: Story) -> None:
    page = item(story)

    for field in page.tree.xpath("//*[@data-slot='form']//*[starts-with(@name, 'value-')]"):
        named = page.tree.xpath("//label[@for=$id]", id=field.get("id")) or field.xpath("ancestor::label")
        assert named and named[0].text_content().strip(), field.get("name")
    assert value_of(page, "amount") == "1,000.00" and value_of(page, "cost_center") == "4100"
    assert "Amount EUR" in page.part("form") and "Note (optional)" in page.part("form")
    assert "Of this invoice." in page.part("value-amount-help")
    first = [each.get("name") for each in page.tree.xpath("//*[@data-slot='form']//*[@name]")]
    wanted = ["amount", "account", "cost_center", "pay_on", "checks", "asset", "pieces", "note", "iban"]
    assert list(dict.fromkeys(first)) == [f"value-{name}" for name in wanted]
    assert answers(page)[:2] == ["Approve", "Reject…"]


def test_bob_approves_less_and_everybody_sees_how_much(story: Story) -> None:
    page = item(story).press("Approve", comment="See the note.", **FILLED)

    assert page.part("outcome") == "Approved. Invoices has not confirmed it yet."
    assert {each["name"]: each["value"] for each in Response.objects.get().values}["amount"] == 900.5
    for told in (page.part("history"), item(story, story.carol).part("history")):
        assert "Amount: €900.50 (instead of €1,000.00)" in told
        assert "Account: Office" in told and "See the note." in told
        assert "IBAN: given, not shown" in told and "DE99" not in told


def test_what_is_wrong_is_said_at_once_and_at_its_field_and_nothing_is_lost(story: Story) -> None:
    page = item(story).press("Approve", comment="Nine.", **{**FILLED, "value-amount": "1.000,00", "value-account": ""})

    assert page.status == 422 and not Response.objects.exists()
    summary = page.tree.xpath("//*[@class='fault-summary']")[0]
    assert summary.get("autofocus") is not None and summary.get("tabindex") == "-1"
    links = {link.get("href"): link.text_content() for link in summary.iter("a")}
    assert links == {
        "#value-amount": "Amount: Enter a number, such as 1,200.5.",
        "#value-account-0": "Account: Choose one.",
    }
    field = page.tree.xpath("//*[@id='value-amount']")[0]
    assert field.get("aria-invalid") == "true" and field.get("value") == "1.000,00"
    assert "value-amount-fault" in field.get("aria-describedby").split()
    assert page.part("value-amount-fault") == "Enter a number, such as 1,200.5."
    assert page.tree.xpath("//*[@id='value-note']")[0].text == "Nine came."
    assert page.tree.xpath("//textarea[@id='remark' or @id='comment']")[0].text == "Nine."
    ticked = page.tree.xpath("//input[@name='value-checks'][@checked]")
    assert [box.get("value") for box in ticked] == ["price", "tax"]

    page.press("Approve", **{"value-amount": "900", "value-account": "travel"})
    assert Response.objects.get().comment == "Nine."


def test_a_german_reads_and_writes_german_numbers(story: Story) -> None:
    story.bob.locale = "de"
    story.bob.save()
    page = item(story)
    assert value_of(page, "amount") == "1.000,00" and "Betrag EUR" in page.part("form")

    page = page.press("Genehmigen", **{**FILLED, "value-amount": "9.000,50"})
    assert page.part("value-amount-fault") == "Höchstens 5.000,00 €."
    page = page.press("Genehmigen", **{"value-amount": "900,50"})
    assert "Betrag: 900,50 € (statt 1.000,00 €)" in page.part("history")


def test_rejecting_asks_why_and_not_how_much(story: Story) -> None:
    page = item(story).follow("Reject…")
    assert page.part("form") == ""
    page.press("Reject", comment="Not ours.")
    assert Response.objects.get().values == []


def test_an_answer_that_needs_a_comment_too_takes_both(story: Story) -> None:
    ask(story, "T-43", actions=[{"action": "approve", "title": "Approve", "comment": "required"}])
    page = get(signed_in(story.bob), f"/n/{story.copy(story.bob, 'T-43').pk}").follow("Approve…")
    assert value_of(page, "amount") == "1,000.00"

    page = page.press("Approve", **{**FILLED, "value-cost_center": "x", "comment": "Nine."})
    assert page.part("value-cost_center-fault") == "This does not have the required format."
    page.press("Approve", **{"value-cost_center": "4100"})
    assert Response.objects.get().comment == "Nine."


def test_what_is_asked_under_circumstances_says_so_and_is_not_required_otherwise(story: Story) -> None:
    form = invoice_form()
    form["schema"]["required"].append("note")
    form["ui"]["fields"]["note"]["when"] = {"field": "account", "is": ["travel"]}
    ask(story, "T-43", form=form)
    page = get(signed_in(story.bob), f"/n/{story.copy(story.bob, 'T-43').pk}")
    assert "Only for Account: Travel." in page.part("form")
    assert page.tree.xpath("//*[@id='value-note']")[0].get("required") is None

    page = page.press("Approve", **{"value-account": "travel"})
    assert page.part("value-note-fault") == "Fill this in."
    page.press("Approve", **{"value-account": "office", "value-note": "Nobody asked."})
    assert "note" not in {each["name"] for each in Response.objects.get().values}


def test_what_was_filled_in_too_late_stays_on_the_page(story: Story) -> None:
    page = item(story)
    story.answer(story.carol, "reject", "Not ours.")
    page = page.press("Approve", comment="Nine.", **FILLED)

    assert page.status == 409
    assert "Amount: 900.50" in page.part("unsent") and "Nine." in page.part("unsent")


def test_a_card_leads_to_the_form(story: Story) -> None:
    page = get(signed_in(story.bob), "/")
    assert page.buttons()[0] == "Approve…"
    address = page.link("Approve…")
    assert address == f"/n/{story.copy(story.bob).pk}?answer=approve#form"
    opened = page.follow("Approve…")
    assert opened.tree.xpath("//*[@id='value-amount']")[0].get("autofocus") is not None
    assert answers(opened)[:1] == ["Approve"]


def test_a_form_of_optional_fields_is_opened_before_it_is_answered(story: Story) -> None:
    form = invoice_form()
    form["schema"]["required"] = []
    ask(story, "T-43", form=form)
    copy = story.copy(story.bob, "T-43")
    assert [each["values"] for each in copy.actions if each["action"] == "approve"] == ["optional"]
    page = get(signed_in(story.bob), "/")
    assert "Approve" not in page.buttons() and page.link("Approve…").endswith("?answer=approve#form")
    page = get(signed_in(story.bob), f"/several?n={copy.pk}")
    assert "Open these to answer them: they have forms" in page.text

    get(signed_in(story.bob), f"/n/{copy.pk}").press("Approve")
    assert Response.objects.get().notification_id == copy.pk


def test_a_mail_leads_to_the_inbox_even_where_it_may_answer(story: Story) -> None:
    copy = story.copy(story.bob)
    copy.answer_from_email = True
    copy.save()
    address = reverse("inbox:email", args=[action_token(copy, expires_at=timezone.now().replace(year=2100))])
    page = get(Client(), address)

    assert "This task has a form, which you fill in in the inbox." in page.text
    assert "Approve" not in page.buttons() and "Sign in to approve" in page.text
    Client().post(address, {"action": "approve"})
    assert not Response.objects.exists()


def test_several_are_answered_without_those_that_have_a_form(story: Story) -> None:
    story.assign("T-43")
    plain, formed = story.copy(story.bob, "T-43"), story.copy(story.bob)
    page = get(signed_in(story.bob), f"/several?n={plain.pk}&n={formed.pk}")
    assert "Open these to answer them: they have forms" in page.text

    page = page.press("Approve")
    assert [answer.notification_id for answer in Response.objects.all()] == [plain.pk]
    page = get(signed_in(story.bob), f"/several?n={formed.pk}")
    assert f"/n/{formed.pk}" in page.link("Approve invoice 4711")


def test_a_long_list_of_choices_opens_and_optional_ones_can_be_left_out(story: Story) -> None:
    form = invoice_form()
    form["schema"]["properties"]["account"] = {"type": "string", "enum": [f"A{number}" for number in range(9)]}
    ask(story, "T-43", form=form)
    page = get(signed_in(story.bob), f"/n/{story.copy(story.bob, 'T-43').pk}")

    assert [option.text for option in page.tree.xpath("//select[@name='value-account']/option")][:2] == [
        "Choose…",
        "A0",
    ]
    page.press("Approve", **{"value-account": "A3"})
    values = {each["name"]: each["value"] for each in Response.objects.get().values}
    assert values["account"] == "A3" and "asset" not in values


def lines_of(page: Page) -> list[list[str]]:
    """What stands in each row of the table, an empty row too."""
    rows = page.tree.xpath("//*[@id='value-lines']//tbody/tr")
    return [[each.get("value") or "" for each in row.xpath(".//input | .//select/option[@selected]")] for row in rows]


def test_rows_are_filled_in_without_javascript(story: Story) -> None:
    ask(story, "T-43", form=delivery_form(), variables=GIVEN)
    page = get(signed_in(story.bob), f"/n/{story.copy(story.bob, 'T-43').pk}?answer=approve")

    assert lines_of(page) == [
        ["Pump", "2", "30.00", ""],
        ["Valve", "", "12.50", ""],
        ["", "", "", ""],
        ["", "", "", ""],
    ]
    assert "Sum of the column “Price”: €42.50" in page.part("value-lines")
    names = [each.get("aria-labelledby") for each in page.tree.xpath("//*[starts-with(@name, 'value-lines.1.')]")]
    told = [
        " ".join(page.tree.xpath("//*[@id=$id]", id=id)[0].text_content().strip() for id in each.split())
        for each in names
    ]
    assert told == ["Article Row 2", "Pieces (optional) Row 2", "Price EUR (optional) Row 2", "State (optional) Row 2"]

    wrong = {"value-lines.1.article": "", "value-lines.1.pieces": "0", "value-lines.3.price": "twelve"}
    page = page.press("Approve", **wrong)
    assert page.status == 422 and not Response.objects.filter(action="approve").exists()
    links = page.tree.xpath("//*[@class='fault-summary']//a")
    assert {link.get("href"): link.text_content() for link in links} == {
        "#value-lines.1.article": "Lines, Row 2, Article: Fill this in.",
        "#value-lines.1.pieces": "Lines, Row 2, Pieces: Enter 1 or more.",
        "#value-lines.3.article": "Lines, Row 4, Article: Fill this in.",
        "#value-lines.3.price": "Lines, Row 4, Price: Enter a number, such as 1,200.5.",
    }
    assert page.tree.xpath("//*[@id='value-lines.3.price']")[0].get("value") == "twelve"
    assert page.part("value-lines.1.pieces-fault") == "Enter 1 or more."

    right = {
        "value-lines.1.article": "Tap",
        "value-lines.1.pieces": "1",
        "value-lines.3.price": "",
        "value-lines.0.state": "whole",
    }
    page = page.press("Approve", **right)
    (values,) = Response.objects.values_list("values", flat=True)
    assert values[0]["value"] == [
        {"article": "Pump", "pieces": 2, "price": 30, "state": "whole"},
        {"article": "Tap", "pieces": 1, "price": 12.5},
    ]
    history = page.part("history")
    total = "Sum of the column “Price”: €42.50"
    assert f"Lines: 2 rows. {total} 1. Pump · 2 · €30.00 · Whole 2. Tap · 1 · €12.50 · –" in history
    assert f"instead of 2 rows. {total}: 1. Pump · 2 · €30.00 · – 2. Valve · – · €12.50 · –" in history


def test_rows_that_were_there_can_all_be_taken_away(story: Story) -> None:
    ask(story, "T-43", form=delivery_form(), variables=GIVEN)
    page = get(signed_in(story.bob), f"/n/{story.copy(story.bob, 'T-43').pk}?answer=approve")
    empty = {f"value-lines.{row}.{column}": "" for row in (0, 1) for column in ("article", "pieces", "price")}

    page = page.press("Approve", **empty)
    assert "Lines: no rows" in page.part("history")
    (values,) = Response.objects.values_list("values", flat=True)
    assert values[0]["value"] == []
