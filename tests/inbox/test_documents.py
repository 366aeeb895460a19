"""Documents are shown beside the decision, and nothing else can be fetched by way of them."""

from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_network
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from notifications.inbox import documents
from notifications.models import EngineAccess, Notification
from tests.inbox.browser import get, signed_in
from tests.support.awaited import arrived
from tests.support.receiver import Receiver, receiving
from tests.support.story import Story

pytestmark = pytest.mark.django_db

PDF = b"%PDF-1.7 an invoice"
PNG = b"\x89PNG\r\n\x1a\n and pixels"


@pytest.fixture
def engine_side(settings: Settings) -> Iterator[Receiver]:
    settings.OUTBOUND_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def copy(story: Story, engine_side: Receiver) -> Notification:
    """Bob's item, with a document that the engine keeps."""
    story.engine.callback_url = engine_side.url
    story.engine.save()
    EngineAccess.objects.create(engine=story.engine, auth="bearer", secret="engine-secret")
    story.assign()
    copy = story.copy(story.bob)
    copy.details = {"documents": [{"title": "Invoice", "url": f"{engine_side.url}/documents/1"}]}
    copy.save()
    return copy


def opened(copy: Notification, place: int = 0, client: Client | None = None) -> HttpResponse:
    client = client or signed_in(copy.recipient)
    return arrived(client.get(f"/n/{copy.pk}/documents/{place}"))


def answers(engine_side: Receiver, kind: str, body: bytes, status: int = 200, **headers: str) -> None:
    engine_side.answer((status, {"Content-Type": kind, **headers}, body))


@pytest.mark.parametrize(
    ("kind", "body"), [("application/pdf", PDF), ("image/png", PNG), ("Application/PDF; charset=x", PDF)]
)
def test_what_the_engine_keeps_is_fetched_with_its_sign_in(
    copy: Notification, engine_side: Receiver, kind: str, body: bytes
) -> None:
    answers(engine_side, kind, body)

    shown = opened(copy)

    assert (shown.status_code, shown.content) == (200, body)
    assert shown["Content-Type"] == kind.lower().partition(";")[0]
    assert shown["X-Content-Type-Options"] == "nosniff"
    assert shown["X-Frame-Options"] == "SAMEORIGIN"
    assert "default-src 'none'" in shown["Content-Security-Policy"]
    assert "no-store" in shown["Cache-Control"]
    assert engine_side.calls[0].headers["authorization"] == "Bearer engine-secret"


@pytest.mark.parametrize(
    ("kind", "body", "status", "says"),
    [
        ("text/html", b"<script>alert(1)</script>", 415, "of this type"),
        ("image/svg+xml", b"<svg onload=alert(1)>", 415, "of this type"),
        ("application/pdf", b"<script>alert(1)</script>", 415, "of this type"),
        ("image/png", PDF, 415, "of this type"),
        ("", PDF, 415, "of this type"),
    ],
)
def test_what_could_do_harm_is_not_shown(
    copy: Notification, engine_side: Receiver, kind: str, body: bytes, status: int, says: str
) -> None:
    answers(engine_side, kind, body)

    shown = opened(copy)

    assert shown.status_code == status
    assert says in shown.content.decode()
    assert b"alert(1)" not in shown.content
    for part in (b"<script", b"<form", b"<header"):  # it stands in a frame of the item's page
        assert part not in shown.content
    assert b"Open the task there" in shown.content


@pytest.mark.parametrize("status", [301, 302, 401, 404, 500])
def test_an_engine_that_does_not_give_it_is_not_repeated(
    copy: Notification, engine_side: Receiver, status: int
) -> None:
    answers(engine_side, "application/pdf", PDF, status, Location="http://127.0.0.1:1/secret")

    shown = opened(copy)

    assert shown.status_code == documents.NOT_GIVEN
    assert "could not be fetched" in shown.content.decode()


def test_one_that_is_too_large_says_so(
    copy: Notification, engine_side: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "LARGEST", 1_000)
    answers(engine_side, "application/pdf", PDF + b"x" * 1_000)

    assert opened(copy).status_code == 413


def test_other_addresses_get_no_sign_in_and_inner_ones_no_request(
    copy: Notification, engine_side: Receiver, story: Story
) -> None:
    with receiving() as inner:
        for url in (f"{inner.url}/admin", "http://127.0.0.1:1/", "http://[::1]/", "http://169.254.169.254/latest"):
            copy.details = {"documents": [{"title": "Trap", "url": url}]}
            copy.save()
            assert opened(copy).status_code == documents.NOT_GIVEN, url
        assert inner.calls == []
    assert engine_side.calls == []


def test_only_the_documents_of_ones_own_items(copy: Notification, engine_side: Receiver, story: Story) -> None:
    assert opened(copy, client=signed_in(story.carol)).status_code == 404
    assert opened(copy, place=1).status_code == 404
    assert opened(copy, client=Client()).status_code in (302, 401)
    copy.details = {"documents": [{"title": "No address", "url": "javascript:alert(1)"}]}
    copy.save()
    assert opened(copy).status_code == 404
    assert engine_side.calls == []


@pytest.mark.parametrize(("state", "is_copy"), [("withdrawn", True), ("info", False)])
def test_whose_task_it_is_not_gets_nothing_by_our_sign_in(
    copy: Notification, engine_side: Receiver, state: str, is_copy: bool
) -> None:
    answers(engine_side, "application/pdf", PDF)
    Notification.objects.filter(pk=copy.pk).update(state=state, is_copy=is_copy)

    assert opened(copy).status_code == documents.NOT_GIVEN
    assert engine_side.calls == []


@pytest.mark.parametrize(("person", "status", "says"), [(4, 429, "you have opened"), (0, 503, "at the moment")])
def test_who_finds_no_slot_is_told_so_at_once(copy: Notification, person: int, status: int, says: str) -> None:
    host = "127.0.0.1"
    with ExitStack() as held:
        for number in range(8):
            key = copy.recipient_id if number < person else -number
            held.enter_context(documents.slots.hold(person=key, host=host))

        refused = opened(copy)

    assert (refused.status_code, refused["Retry-After"]) == (status, "5")
    assert says in refused.content.decode()
    assert b"Try again" in refused.content


def test_a_secret_that_cannot_be_read_is_no_fault_of_ours(
    copy: Notification, engine_side: Receiver, settings: Settings
) -> None:
    answers(engine_side, "application/pdf", PDF, 401)
    settings.ENCRYPTION_KEYS = ["another key, long enough to be one of them"]

    assert opened(copy).status_code == documents.NOT_GIVEN
    assert "authorization" not in engine_side.calls[0].headers


def test_the_item_offers_them(copy: Notification, engine_side: Receiver) -> None:
    page = get(signed_in(copy.recipient), f"/n/{copy.pk}")

    assert "Show here : Invoice" in page.text
    frames: Any = page.tree.xpath("//iframe")
    assert [frame.get("src") for frame in frames] == [f"/n/{copy.pk}/documents/0#view=FitH"]
    assert frames[0].get("loading") == "lazy"
    assert engine_side.calls == []
