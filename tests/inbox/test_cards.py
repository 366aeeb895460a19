import re

import pytest
from django.test import Client
from django.utils import timezone

from notifications.inbox.cards import buttons, card
from notifications.types import Action
from tests.factories import DECISIONS, EngineFactory, NotificationFactory, RecipientFactory, TaskFactory

pytestmark = pytest.mark.django_db


def action(name: str, effect: str = "final", comment: str = "none") -> Action:
    return Action(name, name.title(), effect, comment)  # type: ignore[arg-type]


def test_one_button_stands_out_and_it_is_the_one_that_moves_the_work_on() -> None:
    found = buttons([Action.from_json(each) for each in DECISIONS])

    assert [each.label for each in found] == ["Approve", "Reject…", "Ask for information…", "Acknowledge"]
    assert [each.primary for each in found] == [True, False, False, False]


def test_taking_away_is_never_what_stands_out() -> None:
    only_reject = buttons([action("reject"), action("acknowledge", "acknowledge")])

    assert [(each.action.name, each.primary) for each in only_reject] == [("acknowledge", True), ("reject", False)]
    assert [each.primary for each in buttons([action("reject"), action("delete")])] == [False, False]


def test_who_has_acknowledged_is_not_asked_to_do_so_again() -> None:
    bob, carol = RecipientFactory(ref="bob"), RecipientFactory(ref="carol")
    said = {"action": "acknowledge", "by": bob.as_person(), "at": timezone.now().isoformat(), "engine": "delivered"}
    task = TaskFactory(state="acknowledged", outcome=said)

    names = {
        person.ref: [each.action.name for each in card(copy, person, timezone.now()).buttons]
        for person in (bob, carol)
        for copy in [NotificationFactory(recipient=person, task=task, outcome=said)]
    }

    assert "acknowledge" not in names["bob"]
    assert "acknowledge" in names["carol"]


def test_a_card_says_for_whom_it_is_if_not_for_the_reader() -> None:
    bob, carol = RecipientFactory(ref="bob", name="Bob"), RecipientFactory(ref="carol")

    own, for_bob = (
        card(NotificationFactory(recipient=carol, on_behalf_of=who), carol, timezone.now()) for who in (None, bob)
    )

    assert (own.lines, for_bob.lines) == ([], ["for Bob"])


def test_the_page_shows_facts_text_and_origin_without_scripts_too(client: Client) -> None:
    bob = RecipientFactory(ref="bob", timezone="Europe/Berlin")
    facts = [["Amount", "money", 1200.5, "EUR"], ["Supplier", "text", "<b>Acme</b>"], ["Paid", "date", "2026-12-03"]]
    task = TaskFactory(engine=EngineFactory(name="Invoices"))
    copy = NotificationFactory(recipient=bob, task=task, body="Chairs.\n\nMore.", details={"key_facts": facts})
    client.force_login(bob.user)

    for page in (client.get("/"), client.get(f"/n/{copy.pk}")):
        content = re.sub(r"\s+", " ", page.content.decode())
        assert '<span class="visually-hidden"><span data-slot="first-label">Amount</span>: </span>' in content
        assert '<span data-slot="first" dir="auto">€1,200.50</span>' in content
        assert "&lt;b&gt;Acme&lt;/b&gt; · Paid 3 December 2026</span>" in content
        assert "Invoices · Approval" in content
    assert '<dt dir="auto">Paid</dt><dd dir="auto">3 December 2026</dd>' in content


def test_a_card_of_before_key_facts_shows_its_amount_all_the_same() -> None:
    older = NotificationFactory(details={"variables": {"amount": 5, "currency": "EUR"}}, body="Approve invoice 4711.")
    shown = card(older, older.recipient, timezone.now())

    assert (shown.first_label, shown.glance["first"], shown.listed, shown.glance["text"]) == ("Amount", "€5.00", [], "")
