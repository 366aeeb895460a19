"""The one message that every channel carries, made from Bob's copy."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings
from pytest_django import DjangoAssertNumQueries

from notifications.models import Notification
from notifications.types import Json
from notifications.wording.message import message_of, notice_beside_due
from tests.factories import BrandFactory, CaseFactory, NotificationFactory, RecipientFactory, TaskFactory

pytestmark = pytest.mark.django_db

DUE = datetime(2026, 11, 25, 16, 0, tzinfo=UTC)
FIELD: Json = {
    "variables": {"amount": 1200.5, "currency": "EUR"},
    "location": {"address": "Maximilianstraße 12,\n80539 München", "lat": 48.1},
    "customer": {"ref": "C-9", "name": "Erin", "phone": "+49 89 5550"},
    "documents": [
        {"title": "Floor plan", "url": "https://x.example"},
        {"title": "Photos"},
        {"url": "https://y.example"},
    ],
}


@pytest.fixture
def bobs() -> Any:
    """Makes Bob's copy of “Approve invoice 4711”, with what a test says."""

    def make(**said: Any) -> Notification:
        bob = RecipientFactory(ref="bob", timezone="Europe/Berlin", locale=said.pop("reads", "en"))
        task = (
            TaskFactory(case=None) if "case" not in said else TaskFactory(case=said["case"], engine=said["case"].engine)
        )
        copy: Notification = NotificationFactory(recipient=bob, task=task, **said)
        return copy

    return make


def test_it_says_what_the_copy_says(bobs: Any) -> None:
    copy = bobs(
        body="Please approve.", short_body="Please.", priority="high", url="https://engine.example/42", due_at=DUE
    )
    message = message_of(copy)

    assert (message.title, message.body, message.short_body) == ("Approve invoice 4711", "Please approve.", "Please.")
    assert (message.priority, message.category, message.url) == ("high", "approvals", "https://engine.example/42")
    assert (message.notification_id, message.due_at) == (str(copy.pk), DUE)


@pytest.mark.parametrize(
    ("reads", "notice", "beside_due"),
    [
        ("en", "Reminder: due Wed, 25 Nov 2026, 17:00 CET.", "Reminder."),
        ("de", "Erinnerung: fällig Mi., 25. Nov. 2026, 17:00 CET.", "Erinnerung."),
        ("fr", "Rappel : échéance mer. 25 nov. 2026, 17:00 CET.", "Rappel."),
        ("es", "Recordatorio: vence mié, 25 nov 2026, 17:00 CET.", "Recordatorio."),
        ("en", "Bob has not answered yet. Due Wed, 25 Nov 2026, 17:00 CET.", "Bob has not answered yet."),
        ("en", "We need it by Wed, 25 Nov 2026, 17:00 CET.", "We need it by Wed, 25 Nov 2026, 17:00 CET."),
        ("en", "Reminder: due Thu, 26 Nov 2026, 17:00 CET.", "Reminder: due Thu, 26 Nov 2026, 17:00 CET."),
        ("en", "Erin has written: no hurry.", "Erin has written: no hurry."),
    ],
)
def test_a_notice_does_not_repeat_the_due_time_beside_it(bobs: Any, reads: str, notice: str, beside_due: str) -> None:
    copy = bobs(reads=reads, language=reads, notice=notice, due_at=DUE, short_body="Please.")

    assert notice_beside_due(copy) == beside_due
    assert message_of(copy).body.startswith(beside_due)
    assert message_of(copy, with_facts=False).short_body == f"{notice} Please.", (
        "a lock screen has no other place for it"
    )


def test_a_channels_own_words_go_before(bobs: Any) -> None:
    message = message_of(bobs(body="For all."), words={"title": "By e-mail", "body": "For e-mail."})

    assert (message.title, message.body, message.short_body) == ("By e-mail", "For e-mail.", "")


def test_the_answer_that_moves_the_work_on_comes_first(bobs: Any) -> None:
    assert [action.name for action in message_of(bobs()).actions] == [
        "approve",
        "reject",
        "request_info",
        "acknowledge",
    ]


def test_facts_help_to_decide(bobs: Any) -> None:
    case = CaseFactory(case_id="4711", title="Invoice 4711")
    message = message_of(bobs(case=case, due_at=DUE, priority="urgent", details=FIELD))

    assert message.facts == (
        ("Amount", "€1,200.50"),
        ("Due", "Wed, 25 Nov 2026, 17:00 CET"),
        ("Priority", "urgent"),
        ("Case", "Invoice 4711"),
        ("Location", "Maximilianstraße 12, 80539 München"),
        ("Customer", "Erin, +49 89 5550"),
        ("Documents", "Floor plan, Photos"),
    )


def test_facts_and_answers_speak_the_readers_language(bobs: Any) -> None:
    action = {
        "action": "approve",
        "title": "Approve",
        "effect": "final",
        "comment": "none",
        "labels": {"de": "Freigeben"},
    }
    message = message_of(bobs(reads="de", due_at=DUE, priority="urgent", details=FIELD, actions=[action]))

    assert (message.language, message.frame_language, message.actions[0].title) == ("en", "de", "Freigeben")

    assert message.facts[:3] == (
        ("Betrag", "1.200,50 €"),
        ("Fällig", "Mi., 25. Nov. 2026, 17:00 CET"),
        ("Priorität", "dringend"),
    )


@pytest.mark.parametrize(("language", "label"), [("en", "On behalf of"), ("de", "In Vertretung von")])
def test_a_message_for_who_is_away_says_so_first(bobs: Any, language: str, label: str) -> None:
    carol = RecipientFactory(ref="carol", name="Carol")

    assert message_of(bobs(on_behalf_of=carol, reads=language, priority="urgent")).facts[0] == (label, "Carol")


def test_without_anything_to_say_there_are_no_facts(bobs: Any) -> None:
    assert message_of(bobs()).facts == ()


def test_what_has_another_shape_than_agreed_is_no_fact(bobs: Any) -> None:
    documents = ["plan", {"title": 7}]
    odd = {"variables": {"amount": "much"}, "location": "there", "customer": ["Erin"], "documents": documents}

    assert message_of(bobs(details=odd)).facts == ()


@pytest.mark.parametrize(
    ("title", "said"), [("Invoice 4711", "Invoice 4711"), ("Furniture", "Furniture (4711)"), ("", "4711")]
)
def test_a_case_is_called_by_title_and_number(bobs: Any, title: str, said: str) -> None:
    assert message_of(bobs(case=CaseFactory(case_id="4711", title=title))).facts == (("Case", said),)


def test_messages_of_a_task_belong_together_and_so_do_those_of_a_case(bobs: Any) -> None:
    copy = bobs()
    update = NotificationFactory(recipient=copy.recipient, task=None, case=CaseFactory())
    alone = NotificationFactory(recipient=copy.recipient, task=None, case=None)

    assert message_of(copy).thread == f"task-{copy.task_id}"
    assert message_of(update).thread == f"case-{update.case_id}"
    assert message_of(alone).thread == ""


def test_it_comes_under_the_brand_of_the_route_else_of_the_person_else_ours(bobs: Any) -> None:
    house = {"from_email": "n@nordwind.example", "reply_to": "care@nordwind.example"}
    copy = bobs(brand=BrandFactory(name="Nordwind", accent="#ffcc00", domain="https://nordwind.example", **house))
    copy.recipient.brand = BrandFactory(name="Acme")
    assert message_of(copy).brand == {
        "name": "Nordwind", "logo_url": "", "accent": "#ffcc00", "accent_dark": "#a8c7fa",
        **house, "base_url": "https://nordwind.example", "contact": "",
    }  # fmt: skip

    copy.brand = None
    assert message_of(copy).brand["name"] == "Acme"

    copy.recipient.brand = None
    assert (message_of(copy).brand["name"], message_of(copy).brand["base_url"]) == ("wfpush", settings.BASE_URL)


def test_it_asks_the_database_nothing_that_was_selected(
    bobs: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    copy = Notification.objects.select_related("task", "case", "category", "brand", "recipient__brand").get(
        pk=bobs(case=CaseFactory()).pk
    )

    with django_assert_num_queries(0):
        message_of(copy)
