"""Bob gets an e-mail: what it says, where its links lead, and what mail servers make of it."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from django.conf import LazySettings
from hypothesis import given
from hypothesis import strategies as st

from notifications.channels import registry
from notifications.channels.email.transport import Email
from notifications.errors import RecipientGone, ServiceRefuses, TransportError
from notifications.models import Recipient
from notifications.types import Action, Message
from notifications.wording.colours import READABLE, contrast, ink_on
from tests.support.mailserver import Mailbox, free_port, mail_server, silent_server

DELIVERY = UUID("01930000-0000-7000-8000-000000000001")
LINK = "https://push.example/a/wfa_token"
BRAND = {
    "name": "Acme", "logo_url": "https://acme.example/logo.svg", "accent": "#0b57d0", "accent_dark": "#a8c7fa",
    "from_email": "", "contact": "+49 89 5550",
}  # fmt: skip
APPROVE = Message(
    notification_id="n-1",
    language="en",
    title="Approve invoice 4711",
    body="Your approval is needed.\n\nOffice furniture & <script>alert(1)</script>",
    short_body="Your approval is needed.",
    priority="urgent",
    category="approvals",
    actions=(
        Action("approve", "Approve", "final", "optional"),
        Action("reject", "Reject", "final", "required"),
        Action("ask/more", "Ask", "request_info", "required"),
    ),
    url="https://engine.example/tasks/42?a=1&b=2",
    facts=(("Due", "Wed, 25 Nov 2026, 17:00 CET"), ("Amount", "€1,200.50")),
    brand=BRAND,
    due_at=datetime(2026, 11, 25, 16, 0, tzinfo=UTC),
    thread="task-42",
)


@pytest.fixture(autouse=True)
def over_smtp(settings: LazySettings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_TIMEOUT = 10
    settings.BASE_URL = "https://push.example"
    settings.DEFAULT_FROM_EMAIL = "wfpush <no-reply@push.example>"


@pytest.fixture
def mailbox(settings: LazySettings) -> Iterator[Mailbox]:
    with mail_server() as server:
        settings.EMAIL_PORT = server.port
        yield server


def send(message: Message = APPROVE, address: str = "bob@example.org", delivery: UUID = DELIVERY) -> None:
    Email().send(address, message, delivery_id=delivery, link=LINK)


def fault(message: Message = APPROVE, address: str = "bob@example.org") -> TransportError:
    with pytest.raises(TransportError) as caught:
        send(message, address)
    return caught.value


def parts(mail: EmailMessage) -> tuple[str, str]:
    """Text and HTML."""
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert isinstance(text, EmailMessage)
    assert isinstance(html, EmailMessage)
    return text.get_content().replace("\r\n", "\n"), html.get_content()


def links(html: str) -> list[str]:
    return [unescape(address) for address in re.findall(r'href="([^"]*)"', html)]


def received(mailbox: Mailbox, **changes: Any) -> tuple[str, str]:
    send(replace(APPROVE, **changes))
    return parts(mailbox.mails[-1])


# --- what it says --------------------------------------------------------------------------------------------
def test_bob_gets_text_and_html_that_say_the_same(mailbox: Mailbox) -> None:
    text, html = received(mailbox)

    assert mailbox.mails[0]["Subject"] == "Approve invoice 4711"
    assert mailbox.mails[0]["To"] == "bob@example.org"
    for said in (text, unescape(html)):
        for words in (
            "Approve invoice 4711",
            "Your approval is needed.",
            "Wed, 25 Nov 2026, 17:00 CET",
            "€1,200.50",
            "Acme",
        ):
            assert words in said
    assert "Due: Wed, 25 Nov 2026, 17:00 CET\nAmount: €1,200.50" in text


def test_facts_stand_above_the_text_and_what_a_list_of_mails_shows_first_are_the_key_facts(mailbox: Mailbox) -> None:
    text, html = received(mailbox, glance="€1,200.50 · Acme GmbH")

    for said in (text, html):
        assert said.index("Wed, 25 Nov 2026") < said.rindex("Your approval is needed.")
    assert "€1,200.50 · Acme GmbH\r\nYour approval is needed.</div>" in html
    assert "Acme GmbH" not in text


def test_what_an_engine_sent_is_text_in_html(mailbox: Mailbox) -> None:
    text, html = received(mailbox, title="<img src=x onerror=alert(1)>", facts=(("<b>", "\"'><i>"),))

    assert "Office furniture & <script>alert(1)</script>" in text
    assert "<script" not in html
    assert "<img src=x" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<i>" not in html


def test_every_button_is_a_link_to_the_page_and_none_acts_by_itself(mailbox: Mailbox) -> None:
    text, html = received(mailbox)

    assert links(html) == [
        f"{LINK}?answer=approve",
        f"{LINK}?answer=reject",
        f"{LINK}?answer=ask%2Fmore",
        "https://engine.example/tasks/42?a=1&b=2",
    ]
    assert LINK in text
    assert "<form" not in html
    assert "Nothing is decided before you press" in html


def test_the_first_answer_stands_out_unless_it_takes_something_away(mailbox: Mailbox) -> None:
    _, html = received(mailbox)
    assert re.findall(r'class="button filled" href="[^"]*answer=(\w+)"', html) == ["approve"]

    _, html = received(mailbox, actions=(Action("reject", "Reject", "final", "required"),))
    assert "button filled" not in html
    assert "Reject…" in html


def test_an_update_has_one_link_that_opens_it(mailbox: Mailbox) -> None:
    text, html = received(mailbox, actions=(), url="")

    assert links(html) == [LINK]
    assert "Nothing is decided" not in text + html


def test_links_that_are_none_are_left_out(mailbox: Mailbox) -> None:
    text, html = received(mailbox, url="javascript:alert(1)", brand={**BRAND, "logo_url": "data:text/html,x"})

    assert "javascript" not in text + html
    assert "<img" not in html
    assert html.count("Acme") >= 1


def test_the_frame_speaks_the_messages_language(mailbox: Mailbox) -> None:
    text, html = received(mailbox, language="de", title="Rechnung 4711 genehmigen")

    assert mailbox.mails[0]["Subject"] == "Rechnung 4711 genehmigen"
    assert mailbox.mails[0]["Content-Language"] == "de"
    assert '<html lang="de" dir="ltr">' in html
    assert "Antworten auf diese E-Mail werden nicht gelesen." in text
    assert "Replies" not in text + html


def test_right_to_left_languages_read_right_to_left(mailbox: Mailbox) -> None:
    _, html = received(mailbox, language="ar", title="الموافقة على الفاتورة")

    assert '<html lang="ar" dir="rtl">' in html and 'class="text" lang="ar" dir="rtl"' in html
    assert mailbox.mails[0]["Subject"] == "الموافقة على الفاتورة"


def test_names_from_right_to_left_do_not_turn_a_mail_around(mailbox: Mailbox) -> None:
    title, body = "\u2068محمد علي\u2069 asks you", "\u2068محمد علي\u2069 asks.\n\nفاتورة 4711\n\nThank you."
    _, html = received(mailbox, title=title, body=body)

    assert re.findall(r'<(h1|p)[^>]* dir="(ltr|rtl)"', html) == [
        ("h1", "ltr"), ("p", "ltr"), ("p", "rtl"), ("p", "ltr"),
    ]  # fmt: skip


def test_colours_that_are_none_do_not_reach_the_style_sheet(mailbox: Mailbox) -> None:
    _, html = received(mailbox, brand={"name": "Acme", "accent": "red;}body{display:none", "accent_dark": None})

    assert "display:none}" not in html
    assert "background:#0b57d0" in html


@given(st.from_regex(r"#[0-9a-f]{6}", fullmatch=True))
def test_a_button_can_be_read_whatever_the_brands_colour(accent: str) -> None:
    assert contrast(accent, ink_on(accent)) >= READABLE


# --- its headers ---------------------------------------------------------------------------------------------
def test_nobody_is_answered_by_an_out_of_office_note(mailbox: Mailbox) -> None:
    send()

    assert mailbox.mails[0]["Auto-Submitted"] == "auto-generated"
    assert mailbox.mails[0]["X-Auto-Response-Suppress"] == "All"
    assert mailbox.mails[0]["List-Id"] == "<approvals.notifications.push.example>"


def test_a_second_try_is_the_same_mail_and_another_delivery_is_not(mailbox: Mailbox) -> None:
    send()
    send()
    send(delivery=UUID(int=7))

    ids = [mail["Message-ID"] for mail in mailbox.mails]
    assert ids == [f"<{DELIVERY}@push.example>", f"<{DELIVERY}@push.example>", f"<{UUID(int=7)}@push.example>"]


def test_mails_about_one_task_are_one_conversation(mailbox: Mailbox) -> None:
    send()
    send(replace(APPROVE, thread=""))

    assert mailbox.mails[0]["References"] == mailbox.mails[0]["In-Reply-To"] == "<task-42@push.example>"
    assert mailbox.mails[1]["References"] is None


@pytest.mark.parametrize(
    ("priority", "shown"), [("urgent", "high"), ("high", "high"), ("normal", None), ("low", "low")]
)
def test_urgency_shows_in_the_list_of_mails(mailbox: Mailbox, priority: str, shown: str | None) -> None:
    send(replace(APPROVE, priority=priority))

    assert mailbox.mails[0]["Importance"] == shown


def test_it_comes_from_the_brand(mailbox: Mailbox) -> None:
    send()
    send(replace(APPROVE, brand={**BRAND, "from_email": "Acme Service <service@acme.example>"}))
    send(replace(APPROVE, brand={**BRAND, "name": "Müller, Söhne"}))

    assert [str(mail["From"]) for mail in mailbox.mails] == [
        "Acme <no-reply@push.example>",
        "Acme Service <service@acme.example>",
        '"Müller, Söhne" <no-reply@push.example>',
    ]


@pytest.mark.parametrize(
    ("changes", "address"),
    [
        ({"title": "Hello\nBcc: mallory@example.org"}, "bob@example.org"),
        ({"brand": {**BRAND, "from_email": "a@b.example\r\nBcc: mallory@example.org"}}, "bob@example.org"),
        ({"brand": {**BRAND, "name": "Acme\r\nBcc: mallory@example.org"}}, "bob@example.org"),
        ({"category": "approvals>\r\nBcc: mallory@example.org"}, "bob@example.org"),
        ({"thread": "x\nBcc: mallory@example.org"}, "bob@example.org"),
        ({}, "bob@example.org\nBcc: mallory@example.org"),
        ({}, "bob@example.org\r\nRCPT TO:<mallory@example.org>"),
    ],
)
def test_no_line_break_gets_into_a_header(mailbox: Mailbox, changes: Any, address: str) -> None:
    refused = fault(replace(APPROVE, **changes), address)

    assert refused.permanent
    assert mailbox.mails == []


@pytest.mark.parametrize("address", ["", "bob", "b" * 250 + "@example.org", "bo\0b@example.org"])
def test_what_is_no_address_is_refused_without_asking_a_server(address: str) -> None:
    assert fault(address=address).permanent


# --- what mail servers answer --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "reply", ["451 4.7.1 Greylisted, try again later", "452 4.2.2 Mailbox full", "421 4.3.2 Closing down"]
)
def test_a_server_that_says_later_is_tried_again(mailbox: Mailbox, reply: str) -> None:
    mailbox.recipient_reply = reply
    refused = fault()

    assert not refused.permanent
    assert refused.works == (not reply.startswith("421"))
    assert reply[4:] in refused.detail

    mailbox.recipient_reply, mailbox.data_reply = "250 OK", reply
    assert not fault().permanent


@pytest.mark.parametrize("reply", ["550 5.1.1 No such user here", "550 5.1.10 Null MX", "553 5.1.3 Bad mailbox syntax"])
def test_an_address_that_does_not_exist_is_gone(mailbox: Mailbox, reply: str) -> None:
    mailbox.recipient_reply = reply

    assert isinstance(fault(), RecipientGone)
    assert mailbox.mails == []


@pytest.mark.parametrize("reply", ["550 5.7.1 Not allowed", "554 Spam", "552 5.2.2 Over quota", "550 5.1.8 Bad sender"])
def test_a_refusal_of_the_mail_is_for_good_but_the_address_stays(mailbox: Mailbox, reply: str) -> None:
    mailbox.data_reply = reply
    refused = fault()

    assert refused.permanent
    assert not isinstance(refused, RecipientGone)
    assert reply[4:] in refused.detail


def test_a_refused_sender_is_for_good_and_a_busy_server_is_not(mailbox: Mailbox) -> None:
    mailbox.sender_reply = "553 5.7.1 Sender refused"
    assert fault().permanent

    mailbox.sender_reply = "451 Busy"
    assert not fault().permanent


def test_a_connection_that_breaks_is_tried_again(mailbox: Mailbox) -> None:
    mailbox.hang_up = True

    assert not fault().permanent


def test_a_server_that_is_not_there_is_tried_again(settings: LazySettings) -> None:
    settings.EMAIL_PORT = free_port()

    assert not fault().permanent


def test_a_server_that_says_nothing_is_not_waited_for_for_ever(settings: LazySettings) -> None:
    settings.EMAIL_TIMEOUT = 0.3
    with silent_server() as port:
        settings.EMAIL_PORT = port
        refused = fault()

    assert not refused.permanent
    assert "timed out" in refused.detail


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_a_wrong_password_of_ours_loses_nobodys_mail(settings: LazySettings) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "wfpush", "wrong"
    with mail_server(password_is_wrong=True) as server:
        settings.EMAIL_PORT = server.port
        refused = fault()

    assert isinstance(refused, ServiceRefuses) and not refused.permanent
    assert "Authentication credentials invalid" in refused.detail


# --- whom it reaches -----------------------------------------------------------------------------------------
def test_people_without_an_address_are_told_about() -> None:
    email = Email()

    assert email.address_of(Recipient(ref="bob", email="bob@example.org")) == "bob@example.org"
    assert email.address_of(Recipient(ref="carol")) is None
    assert str(email.without_address) == "No e-mail address is known."


def test_e_mail_is_a_channel_and_the_inbox_needs_no_transport() -> None:
    assert "email" in registry.channels()
    assert "live" not in registry.channels()
    assert "pigeon" not in registry.channels()
