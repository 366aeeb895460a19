"""Erin gets no more e-mails of one kind by the link in one, and nothing else changes (RFC 8058)."""

import re
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone

from notifications.customers import unsubscribe_links
from notifications.customers.models import Unsubscription
from notifications.models import (
    Brand,
    Category,
    CategoryChoice,
    Delivery,
    DeliveryState,
    Recipient,
    Route,
)
from notifications.people import link_mails
from tests.factories import BrandFactory, CategoryFactory, EngineFactory, RecipientFactory
from tests.inbox.browser import Page, get
from tests.support.world import World

pytestmark = pytest.mark.django_db
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
ERIN = {"ref": "C-9", "name": "Erin", "email": "erin@example.com"}


@pytest.fixture
def acme(flow_world: World, settings: Any) -> World:
    """Erin is a customer of the brand Acme, which has addresses of its own."""
    settings.ALLOWED_HOSTS = ["testserver", "updates.acme.example"]
    BrandFactory(
        slug="acme",
        name="Acme",
        from_email="Acme <no-reply@acme.example>",
        reply_to="care@acme.example",
        domain="https://updates.acme.example",
    )
    flow_world.put("/api/v1/recipients/C-9", {**ERIN, "external": True, "brand": "acme"})
    return flow_world


def updated(world: World, status: str = "received") -> None:
    world.send(
        "request.status_changed", {"case": {"id": "88", "title": "Claim 88", "status": status}, "customer": ERIN}
    )


def address_in(sent: Any) -> str:
    """The path of the link in the mail's header. Raises AssertionError if there is none."""
    found = re.fullmatch(r"<https://updates\.acme\.example(/u/[^>]+)>", sent.extra_headers["List-Unsubscribe"])
    assert found is not None
    return found[1]


def opened(path: str) -> Page:
    return get(Client(enforce_csrf_checks=True, SERVER_NAME="updates.acme.example"), path)


def test_a_customers_mail_comes_from_the_brand_in_every_respect(acme: World) -> None:
    updated(acme)

    (sent,) = mail.outbox
    parsed = message_from_bytes(sent.message().as_bytes(), policy=default)
    assert (parsed["From"], parsed["Reply-To"]) == ("Acme <no-reply@acme.example>", "care@acme.example")
    assert parsed["Message-ID"].endswith("@updates.acme.example>")
    assert parsed["List-Id"].endswith(".notifications.updates.acme.example>")
    assert parsed["References"].endswith("@updates.acme.example>")
    assert parsed["List-Unsubscribe"].strip() == sent.extra_headers["List-Unsubscribe"]  # in one piece
    assert parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "https://updates.acme.example/a/wfa_" in sent.body
    assert "Replies go to care@acme.example." in sent.body
    assert "127.0.0.1" not in sent.body + str(sent.alternatives[0].content)
    for text in (sent.body, str(sent.alternatives[0].content)):
        assert f"https://updates.acme.example{address_in(sent)}" in text


def test_one_post_of_a_mail_program_is_enough(acme: World) -> None:
    updated(acme)
    path = address_in(mail.outbox[0])
    program = Client(enforce_csrf_checks=True, SERVER_NAME="updates.acme.example")

    for _ in range(2):
        assert program.post(path, ONE_CLICK).status_code == 200
        assert not program.cookies

    choice = CategoryChoice.objects.get()
    assert (choice.recipient.ref, choice.channels) == ("C-9", {"email": False})
    assert Unsubscription.objects.filter(undone_at=None).count() == 1
    updated(acme, "assigned")
    assert len(mail.outbox) == 1
    assert len(acme.inbox("C-9")) == 2, "the page still tells her"
    last = Delivery.objects.filter(channel="email").latest("pk")
    assert (last.state, last.reason) == (DeliveryState.SUPPRESSED, "turned off by this person")


def test_she_presses_the_button_and_turns_them_on_again(acme: World) -> None:
    updated(acme)
    path = address_in(mail.outbox[0])

    page = opened(path)
    assert page.title == "Turn off these e-mails? · Acme"
    assert "erin@" not in page.response.content.decode()
    assert not CategoryChoice.objects.exists(), "scanners follow links"
    assert page.response["Referrer-Policy"] == "no-referrer"
    page = page.press("Turn them off")
    assert "You no longer get e-mails about" in page.text
    assert "including those that ask for your answer" in page.text

    page = page.press("Turn them on again")
    assert page.title == "Turn off these e-mails? · Acme"
    row = Unsubscription.objects.get()
    assert row.undone_at is not None
    assert CategoryChoice.objects.get().channels == {}
    updated(acme, "assigned")
    assert len(mail.outbox) == 2


def test_her_own_page_tells_of_it_and_undoes_it(acme: World) -> None:
    updated(acme)
    Client().post(address_in(mail.outbox[0]), ONE_CLICK)
    link = acme.post("/api/v1/recipients/C-9/links", {"next": "/"})["url"]
    assert link.startswith("https://updates.acme.example/link/")

    page = opened(link.removeprefix("https://updates.acme.example")).press("Open my page")
    assert "are off, by the link in an e-mail" in page.text
    page = page.press("Turn them on again")

    assert "are off, by the link" not in page.text
    assert CategoryChoice.objects.get().channels == {}


def test_what_is_turned_on_again_in_the_settings_can_be_turned_off_again(acme: World) -> None:
    updated(acme)
    path = address_in(mail.outbox[0])
    Client().post(path, ONE_CLICK)
    CategoryChoice.objects.update(channels={"email": True})  # as the page of settings does
    link = acme.post("/api/v1/recipients/C-9/links", {"next": "/"})["url"]
    page = opened(link.removeprefix("https://updates.acme.example")).press("Open my page")
    assert "are off, by the link" not in page.text

    assert Client().post(path, ONE_CLICK).status_code == 200

    assert CategoryChoice.objects.get().channels == {"email": False}
    assert Unsubscription.objects.filter(undone_at=None).count() == 1


def test_another_person_cannot_turn_hers_on(acme: World) -> None:
    updated(acme)
    Client().post(address_in(mail.outbox[0]), ONE_CLICK)

    acme.signed_in("bob").post(f"/unsubscribed/{Unsubscription.objects.get().pk}/undo")

    assert Unsubscription.objects.get().undone_at is None


@pytest.mark.parametrize(
    "body", [{}, {"List-Unsubscribe": "Two-Click"}, {**ONE_CLICK, "more": "1"}, {"List-Unsubscribe": ["One-Click"] * 2}]
)
def test_no_other_body_turns_anything_off(acme: World, body: dict[str, Any]) -> None:
    updated(acme)

    assert Client().post(address_in(mail.outbox[0]), body).status_code == 400

    assert not CategoryChoice.objects.exists()


def test_a_link_is_good_for_ninety_days_and_for_one_thing(acme: World) -> None:
    updated(acme)
    path = address_in(mail.outbox[0])
    token = path.removeprefix("/u/")
    assert opened(f"/link/{token}").status == 410
    assert opened(f"/a/{token}").status == 410
    for wrong in (path[:-1], "/u/x", "/u/" + "x" * 3000, path.replace(":", ".", 1)):
        page = opened(wrong)
        assert (page.status, page.title) == (410, "This link has ended · wfpush")
        assert Client().post(wrong, ONE_CLICK).status_code == 410
    with time_machine.travel(timezone.now() + timedelta(days=89), tick=False):
        assert opened(path).status == 200
    with time_machine.travel(timezone.now() + timedelta(days=91), tick=False):
        assert Client().post(path, ONE_CLICK).status_code == 410
    assert not CategoryChoice.objects.exists()


def test_the_link_of_an_old_address_changes_nothing(acme: World) -> None:
    updated(acme)
    path = address_in(mail.outbox[0])
    Recipient.objects.filter(ref="C-9").update(email="new@example.com")

    page = get(Client(), path)
    assert "No e-mails go to this address any more." in page.text
    assert Client().post(path, ONE_CLICK).status_code == 200
    assert Client().post(f"{path}/link").status_code == 410

    assert not CategoryChoice.objects.exists()


def test_a_link_to_her_page_goes_to_the_same_address(acme: World) -> None:
    updated(acme)
    page = opened(address_in(mail.outbox[0])).press("Send me a link")
    assert "A new link is on its way" in page.text
    link_mails.drain()

    assert mail.outbox[1].to == ["erin@example.com"]
    assert "https://updates.acme.example/link/" in mail.outbox[1].body
    assert "only when somebody asks" in mail.outbox[1].body
    assert "List-Unsubscribe" not in mail.outbox[1].extra_headers
    assert opened(address_in(mail.outbox[0])).press("Send me a link").status == 429


def test_what_is_mandatory_says_why_and_has_no_link(acme: World) -> None:
    updated(acme)
    path = address_in(mail.outbox[0])
    category = Category.objects.get(pk=Route.objects.get(name="Customer updates").category_id)
    category.mandatory = ["email"]
    category.save()

    updated(acme, "assigned")
    sent = mail.outbox[1]
    assert "List-Unsubscribe" not in sent.extra_headers
    assert "E-mails like this one belong to your case, so they cannot be turned off." in sent.body
    category.mandatory_reason = "The law asks us to tell you."
    category.save()
    updated(acme, "updated")
    assert "The law asks us to tell you." in str(mail.outbox[2].alternatives[0].content)

    page = opened(path)
    assert page.title == "These e-mails cannot be turned off · Acme"
    assert "The law asks us to tell you." in page.text
    Client().post(path, ONE_CLICK)
    assert not CategoryChoice.objects.exists()


def test_what_asks_for_an_answer_has_no_link(flow_world: World) -> None:
    flow_world.send("task.assigned", {"task": {"id": "T-1", "name": "Approve", "kind": "approval", "assignee": "bob"}})

    (sent,) = mail.outbox
    assert "List-Unsubscribe" not in sent.extra_headers
    assert "This e-mail asks for your answer. You can turn such e-mails off in your settings." in sent.body


def test_people_of_one_address_leave_by_themselves(acme: World) -> None:
    """The same Erin is known to two engines, under two brands."""
    other = BrandFactory(slug="zenith", name="Zenith")
    elsewhere = RecipientFactory(ref="C-9", name="Erin", email="erin@example.com", engine=EngineFactory(), brand=other)
    updated(acme)
    category = CategoryFactory(slug="customer-updates")
    Client().post(address_in(mail.outbox[0]), ONE_CLICK)

    assert CategoryChoice.objects.get().recipient.brand == Brand.objects.get(slug="acme")
    page = get(Client(), f"/u/{unsubscribe_links.token_for(elsewhere, category, 'email', elsewhere.email)}")
    assert page.title == "Turn off these e-mails? · Zenith"
    page.press("Turn them off")
    assert CategoryChoice.objects.filter(recipient=elsewhere).count() == 1


def test_it_speaks_german_to_whoever_does(acme: World) -> None:
    acme.put("/api/v1/recipients/C-9", {**ERIN, "external": True, "brand": "acme", "locale": "de"})
    updated(acme)

    assert "E-Mails wie diese abbestellen" in mail.outbox[0].body
    page = opened(address_in(mail.outbox[0])).press("Abbestellen")
    assert "Sie bekommen keine E-Mails zu" in page.text
