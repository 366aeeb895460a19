"""What the inbox shows of an item besides title and text, in its reader's words, on pages, by API and in frames."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone, translation

from notifications.items.inbox_json import InboxTexts, inbox_json
from notifications.models import Notification, NotificationState, Recipient
from notifications.reasons import COMPLETED, LEAD, MANAGER
from tests.factories import BrandFactory, EngineFactory, NotificationFactory, RecipientFactory
from wfpush.postgres import bulk

pytestmark = pytest.mark.django_db
FIELD_WORK = {
    "location": {"address": "Marktplatz 1"},
    "customer": {"name": "Erin", "phone": "+49 89 123456"},
}


def facts(details: dict[str, Any]) -> list[Any]:
    return [(each["label"], each["parts"]) for each in inbox_json(NotificationFactory(details=details))["facts"]]


def test_facts_are_labelled_and_open_what_they_name() -> None:
    assert facts(FIELD_WORK) == [
        ("Where", [{
            "text": "Marktplatz 1",
            "url": "https://www.google.com/maps/search/?api=1&query=Marktplatz%201",
            "hint": "opens in maps",
        }]),
        ("Customer", [
            {"text": "Erin", "url": "", "hint": ""},
            {"text": "Call +49 89 123456", "url": "tel:+4989123456", "hint": ""},
        ]),
    ]  # fmt: skip


def test_documents_and_the_engines_page_are_facts_too() -> None:
    documents = [{"title": "Plan", "url": "https://engine.example/plan.pdf"}, {"url": "https://engine.example/b.pdf"}]
    copy = NotificationFactory(details={"documents": documents}, url="https://engine.example/tasks/42")

    assert [(each["icon"], each["label"], each["parts"]) for each in inbox_json(copy)["facts"]] == [
        ("document", "Documents", [
            {"text": "Plan", "url": "https://engine.example/plan.pdf", "hint": ""},
            {"text": "https://engine.example/b.pdf", "url": "https://engine.example/b.pdf", "hint": ""},
        ]),
        ("out", "Source system", [{"text": "Open in Invoices", "url": "https://engine.example/tasks/42", "hint": ""}]),
    ]  # fmt: skip


def test_a_fact_has_no_link_that_runs_something() -> None:
    documents = [{"title": "Trap", "url": "javascript:alert(1)"}]
    copy = NotificationFactory(details={"documents": documents}, url="javascript:alert(1)")

    assert [each["parts"] for each in inbox_json(copy)["facts"]] == [[{"text": "Trap", "url": "", "hint": ""}]]


@pytest.mark.parametrize("details", [{}, {"location": {}, "customer": {}}, {"location": None, "customer": []}])
def test_what_is_not_known_is_no_fact(details: dict[str, Any]) -> None:
    assert facts(details) == []


def test_it_is_said_in_the_readers_language_whoever_asks() -> None:
    bob, carol = RecipientFactory(name="Bob"), RecipientFactory(locale="de-AT")
    copy = NotificationFactory(recipient=carol, on_behalf_of=bob, details=FIELD_WORK)

    with translation.override("en"):
        shown = inbox_json(copy)

    assert (shown["lines"], shown["facts"][0]["label"]) == (["für Bob"], "Wo")


@pytest.mark.parametrize("state", ["open", "answered", "expired", "info"])
def test_only_what_is_withdrawn_says_why(state: str) -> None:
    withdrawn = NotificationFactory(state="withdrawn", reason_fact=COMPLETED().as_json())

    assert inbox_json(withdrawn)["ended"] == "No longer waiting for you: completed."
    assert inbox_json(NotificationFactory(state=state))["ended"] == ""


# --- texts of many -----------------------------------------------------------------------------------------------
def copies_of(blank: Notification, people: list[Recipient]) -> Iterator[Notification]:
    """A copy for each, as the fan-out makes them, and others that differ in one thing."""
    for seq, person in enumerate(people, 1):
        yield bulk.another(blank, recipient=person, seq=seq)
        yield bulk.another(blank, recipient=person, seq=seq + 100, reason_fact=LEAD(name="Finance").as_json())
        yield bulk.another(
            blank, recipient=person, seq=seq + 200, escalated=True, reason_fact=MANAGER(name="X").as_json()
        )
        yield bulk.another(blank, recipient=person, seq=seq + 300, on_behalf_of=people[0])
        yield bulk.another(blank, recipient=person, seq=seq + 400, read_at=timezone.now())
        yield bulk.another(blank, recipient=person, seq=seq + 500, brand=BrandFactory(name=f"Brand {seq}"))
        withdrawn = {"state": NotificationState.WITHDRAWN, "reason_fact": COMPLETED().as_json()}
        yield bulk.another(blank, recipient=person, seq=seq + 600, **withdrawn)


@pytest.mark.parametrize("escalated", [[], [{"ref": "carol", "name": "Carol", "at": "2026-11-02T09:00:00Z"}]])
def test_the_text_of_each_of_many_is_its_own(escalated: list[Any]) -> None:
    blank = NotificationFactory(details=FIELD_WORK)
    assert blank.task is not None
    blank.task.escalated = escalated
    people = [
        RecipientFactory(ref="carol"),
        RecipientFactory(),
        RecipientFactory(locale="de"),
        RecipientFactory(engine=EngineFactory()),
        RecipientFactory(brand=BrandFactory(name="Acme")),
    ]
    rows, texts = list(copies_of(blank, people)), InboxTexts()
    for row in rows:
        assert list(json.loads(texts.text_of(row)).items()) == list(inbox_json(row).items())
    assert escalated or len(texts._rests) < len(rows)
