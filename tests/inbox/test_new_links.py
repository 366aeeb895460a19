"""Erin gets a new link by herself, staff send her one, and links that have ended say why."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.models import LinkMail, LinkRequest, Recipient, SignInLink
from notifications.people import link_mails
from tests.factories import BrandFactory, EngineFactory, RecipientFactory, UserFactory, action_token, sign_in_link
from tests.inbox.browser import Page, get
from tests.support.story import Story
from wfpush.queue import outbox

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SAID = "A new link is on its way to your e-mail address."


@pytest.fixture(autouse=True)
def nobody_has_asked() -> None:
    cache.clear()
    for name in outbox.connection().scan_iter("wfpush:links:*"):
        outbox.connection().delete(name)


@pytest.fixture
def erin(db: None) -> Recipient:
    brand = BrandFactory(slug="acme", name="Acme", contact="Monday to Friday", contact_phone="+49 89 1234")
    engine = EngineFactory(slug="invoices")
    return RecipientFactory(ref="C-9", name="Erin", engine=engine, brand=brand, email="erin@example.com")


def browser() -> Client:
    return Client(enforce_csrf_checks=True, REMOTE_ADDR="203.0.113.7")


def old_link(person: Recipient, **more: str) -> Page:
    now = timezone.now()
    page = f"/link/{sign_in_link(person, expires_at=now - HOUR, **more)}"
    SignInLink.objects.update(created_at=now - 25 * HOUR)
    return get(browser(), page)


def address_in(text: str) -> str:
    found = re.search(r"https?://[^/\s]+(/link/\S+)", text)
    assert found is not None, text
    return found[1]


def test_erin_asks_for_a_new_link_on_the_page_of_an_old_one_and_gets_in(erin: Recipient) -> None:
    page = old_link(erin, next="/devices")
    assert (page.status, page.title) == (410, "This link has ended · Acme")
    assert "Links sign in once, within 24 hours." in page.text
    assert "+49 89 1234" in page.text
    assert "Sign in with a password" not in page.text

    page = page.press("Send me a new link")
    assert SAID in page.text
    assert "erin@" not in page.text
    link_mails.drain()

    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == (["erin@example.com"], "Your link to Acme")
    assert "You asked for this link." in sent.body
    assert get(browser(), address_in(sent.body)).press("Open my page").url == "/devices"
    assert LinkMail.objects.get().sent_at is not None


def test_why_a_link_does_not_work_is_said(erin: Recipient) -> None:
    used = old_link(erin)
    SignInLink.objects.update(used_at=timezone.now())
    used = get(used.client, used.url)
    assert "It has been used already" in used.text

    withdrawn = f"/link/{sign_in_link(erin, expires_at=timezone.now())}"
    assert "It was withdrawn before it expired." in get(browser(), withdrawn).text

    wrong = get(browser(), "/link/wfl_invented")
    assert (wrong.status, wrong.title) == (410, "This link is not complete · wfpush")
    assert wrong.follow("Email me a sign-in link").url == "/link"


def test_they_speak_german_to_whoever_does(erin: Recipient) -> None:
    Recipient.objects.filter(pk=erin.pk).update(locale="de")

    page = old_link(erin).press("Mir einen neuen Link senden")
    link_mails.drain()

    assert "Ein neuer Link ist unterwegs" in page.text
    assert mail.outbox[0].subject == "Ihr Link zu Acme"


def test_she_gets_three_an_hour_and_one_a_minute(erin: Recipient) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        for minute in range(0, 8, 2):
            clock.move_to(NOON + timedelta(minutes=minute))
            last = link_mails.ask(erin, "/", timezone.now())
            assert link_mails.ask(erin, "/", timezone.now()) == "too_many"  # a second press
        assert last == "too_many"
        clock.move_to(NOON + HOUR + timedelta(minutes=1))
        assert link_mails.ask(erin, "/", timezone.now()) == "sent"

    old_link(erin).press("Send me a new link")
    page = old_link(erin).press("Send me a new link")
    assert (page.status, page.title) == (429, "One moment, please · Acme")
    assert "or several in the last hour" in page.text


def test_nobody_learns_who_is_known(erin: Recipient) -> None:
    """Written addresses get the same answer, and only known ones a mail."""
    pages = [
        get(browser(), "/link").press("Send me a link", email=email)
        for email in ("ERIN@example.com", "nobody@example.com")
    ]
    link_mails.drain()

    assert pages[0].text == pages[1].text
    assert "If we know this e-mail address, a link is on its way to it." in pages[0].text
    assert [each.to for each in mail.outbox] == [["erin@example.com"]]


def test_strangers_cost_what_people_cost_whom_we_know(erin: Recipient) -> None:
    """Whom an address belongs to is looked up in the background: the answer's time tells nothing of it."""
    for email in ("erin@example.com", "nobody@example.com", "bob@example.com"):
        with CaptureQueriesContext(connection) as asked:
            get(browser(), "/link").press("Send me a link", email=email)
        kinds = [re.sub(r"\d+", "", re.split(r"[(=]", query["sql"])[0]) for query in asked]
        assert not [sql for sql in kinds if "recipient" in sql], email
        if email == "erin@example.com":
            for_erin = kinds
        assert kinds == for_erin

    link_mails.drain()
    assert [each.to for each in mail.outbox] == [["erin@example.com"]]
    assert not LinkRequest.objects.exists()


def test_an_address_that_is_none_is_refused_beside_its_field(db: None) -> None:
    page = get(browser(), "/link").press("Send me a link", email="erin")

    assert (page.status, page.part("email-fault")) == (422, "Enter your e-mail address, such as erin@example.com.")


def test_guessing_of_addresses_is_slowed_down(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_mails, "MOST_BY_ADDRESS", 2)
    client = browser()

    statuses = [get(client, "/link").press("Send me a link", email=f"{n}@example.com").status for n in range(3)]

    assert statuses == [200, 200, 429]


def test_people_with_passwords_get_none_by_writing_their_address(db: None) -> None:
    RecipientFactory(ref="bob", email="bob@example.com")

    get(browser(), "/link").press("Send me a link", email="bob@example.com")
    link_mails.drain()

    assert not LinkMail.objects.exists()


def test_whoever_was_closed_out_gets_none(erin: Recipient) -> None:
    page = old_link(erin)
    Recipient.objects.filter(pk=erin.pk).update(active=False)

    again = get(page.client, page.url)
    assert "Your access has been closed." in again.text
    assert "Send me a new link" not in again.text
    page.press("Send me a new link")
    assert not LinkMail.objects.exists()


def test_a_mail_waits_for_a_server_that_is_away_and_its_link_is_not_kept(
    erin: Recipient, monkeypatch: pytest.MonkeyPatch
) -> None:
    link_mails.ask(erin, "/", timezone.now())
    with monkeypatch.context() as patch:
        patch.setattr("django.core.mail.EmailMessage.send", _refuses)
        link_mails.drain()

    row = LinkMail.objects.get()
    assert (row.sent_at, row.attempts) == (None, 1)
    assert row.due_at is not None
    assert "No route" in row.detail
    assert not SignInLink.objects.exists()

    with time_machine.travel(timezone.now() + HOUR):
        link_mails.drain()
    assert len(mail.outbox) == 1


def _refuses(*args: object, **kwargs: object) -> None:
    raise OSError("No route to host")


def test_staff_send_her_a_link_from_the_desk(erin: Recipient) -> None:
    desk = Client()
    desk.force_login(UserFactory(username="root", is_staff=True, is_superuser=True))
    page = f"/admin/notifications/recipient/{erin.pk}/send-link/"

    assert "erin@example.com" in desk.get(page).content.decode()
    assert not LinkMail.objects.exists()
    desk.post(page)
    desk.post(page)  # staff are not limited
    link_mails.drain()

    assert [each.by for each in LinkMail.objects.all()] == ["root", "root"]
    assert "We send you this link." in mail.outbox[0].body
    assert "root" in desk.get("/admin/notifications/linkmail/").content.decode()


def test_the_page_of_an_old_e_mail_sends_a_link_to_its_item(story: Story) -> None:
    erin = RecipientFactory(ref="C-9", name="Erin", engine=story.engine, email="erin@example.com")
    story.assign(assignee="C-9")
    copy = story.copy(erin)
    old = get(browser(), f"/a/{action_token(copy, expires_at=timezone.now() - HOUR)}")
    assert "Open the inbox" not in old.text

    page = old.press("Send me a link")
    link_mails.drain()

    assert SAID in page.text
    assert get(browser(), address_in(mail.outbox[-1].body)).press("Open my page").url == f"/n/{copy.pk}"
