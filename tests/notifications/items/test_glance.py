"""What Bob's card says: the amount, who gets it, who asks, one line that says more, and where it comes from."""

import json
from typing import Any

import pytest
from django.utils import translation

from notifications.items.glance import context_of, glance_of
from notifications.items.inbox_json import InboxTexts, inbox_json
from notifications.models import Notification, Recipient
from notifications.wording.key_facts import KeyFact, WrittenFact
from tests.factories import CaseFactory, EngineFactory, NotificationFactory, RecipientFactory, TaskFactory

pytestmark = pytest.mark.django_db

FACTS = [
    ["Amount", "money", 1200.5, "EUR"],
    ["Supplier", "text", "Acme GmbH"],
    ["Asked by", "person", "Alice"],
    ["Paid", "datetime", "2026-12-03T23:30:00Z"],
]
WRITTEN = [
    WrittenFact(KeyFact("Amount", "money", 1200.5, "EUR"), "Amount", "€1,200.50"),
    WrittenFact(KeyFact("By", "person", "Al"), "By", "Al"),
]


def bobs(**said: Any) -> Notification:
    engine = EngineFactory(name="Invoices")
    task = TaskFactory(engine=engine, kind=said.pop("kind", "approval"))
    copy: Notification = NotificationFactory(recipient=RecipientFactory(ref="bob"), task=task, **said)
    return copy


def test_a_card_says_each_thing_once() -> None:
    body = "Approve invoice 4711: Acme GmbH.\n\nOffice furniture for the new floor.\n\nAs agreed."
    copy = bobs(details={"key_facts": FACTS[:3]}, body=body)

    assert glance_of(copy) == {
        "first": "€1,200.50",
        "others": "Acme GmbH · Asked by Alice",
        "number": "4711",
        "text": "Office furniture for the new floor.",
        "origin": "Invoices · Approval",
    }


@pytest.mark.parametrize(
    ("title", "number"),
    [
        ("Approve invoice 4803", "4803"),
        ("Rechnung RE-2026/17 freigeben", ""),
        ("Pay RE-2026/17", "RE-2026/17"),
        ("4803", ""),
        ("Approve the chairs", ""),
        ("See https://engine.example/17", ""),
    ],
)
def test_a_short_number_at_the_end_of_a_title_is_known(title: str, number: str) -> None:
    assert glance_of(bobs(title=title))["number"] == number


@pytest.mark.parametrize(("state", "text"), [("answered", "Please review it."), ("withdrawn", ""), ("expired", "")])
def test_nobody_is_asked_by_an_item_that_is_withdrawn(state: str, text: str) -> None:
    assert glance_of(bobs(body="Please review it.", state=state))["text"] == text


def test_a_name_or_an_address_is_never_large() -> None:
    glance = glance_of(bobs(details={"key_facts": [FACTS[1], FACTS[0]]}))

    assert (glance["first"], glance["others"]) == ("", "Acme GmbH · €1,200.50")


@pytest.mark.parametrize(
    ("title", "body", "line"),
    [
        ("Approve 4711", "Approve 4711", ""),
        ("Approve 4711", "approve 4711.", ""),
        ("Approve 4711", "APPROVE 4711 – it is\nurgent", "it is urgent"),
        ("Approve 4711", "Approve 47110 now", "Approve 47110 now"),
        ("Approve 4711", "Amount: €1,200.50", ""),
        ("Approve 4711", "Amount: €1,200.50\n\nby Al", ""),
        ("Approve 4711", "Amount: €1,200.50\n\nby Bea", "by Bea"),
        ("Approve 4711", "", ""),
        ("Approve 4711", "\n\n— \n\n…", ""),
        ("Approve 4711", "x" * 5_000, "x" * 199 + "…"),
        ("", "Something", "Something"),
    ],
)
def test_the_line_of_context_repeats_neither_title_nor_facts(title: str, body: str, line: str) -> None:
    assert context_of(title, body, WRITTEN) == line


@pytest.mark.parametrize(
    ("kind", "language", "origin"),
    [
        ("approval", "de", "Invoices · Genehmigung"),
        ("field", "en", "Invoices · Field work"),
        ("audit\u202e review", "en", "Invoices · Audit review"),
        ("", "en", "Invoices"),
    ],
)
def test_it_tells_the_system_and_the_kind_of_task(kind: str, language: str, origin: str) -> None:
    with translation.override(language):
        assert glance_of(bobs(kind=kind))["origin"] == origin


def test_an_update_tells_the_system_of_its_case_and_a_customer_is_told_neither() -> None:
    case = CaseFactory(engine=EngineFactory(name="Orders"))

    assert glance_of(NotificationFactory(task=None, case=case))["origin"] == "Orders"
    assert glance_of(NotificationFactory(task=None, case=None))["origin"] == ""
    erin = RecipientFactory(ref="erin", engine=case.engine)
    assert glance_of(NotificationFactory(task=None, case=case, recipient=erin))["origin"] == ""


def test_the_api_has_the_facts_typed_and_written() -> None:
    said = inbox_json(bobs(details={"key_facts": [FACTS[0], [*FACTS[1], "", 1]]}))

    assert said["key_facts"] == [
        {"label": "Amount", "kind": "money", "value": 1200.5, "currency": "EUR", "text": "€1,200.50"},
        {"label": "Supplier", "kind": "text", "value": "Acme GmbH", "currency": None, "text": "Acme GmbH"},
    ]


def test_frames_of_many_have_each_persons_time() -> None:
    """Texts of frames are shared by copies that differ in their people only."""
    zones = ["Europe/Berlin", "America/New_York", "Europe/Berlin"]
    details, task = {"key_facts": FACTS}, TaskFactory()
    people: list[Recipient] = [RecipientFactory(timezone=zone) for zone in zones]
    copies = [NotificationFactory(task=task, recipient=person, details=details) for person in people]
    texts = InboxTexts()
    said = [json.loads(texts.text_of(copy)) for copy in copies]

    assert [each["key_facts"][3]["text"] for each in said] == [
        "Fri, 4 Dec 2026, 00:30 CET",
        "Thu, 3 Dec 2026, 18:30 EST",
        "Fri, 4 Dec 2026, 00:30 CET",
    ]
    assert said == [inbox_json(copy) for copy in copies]
