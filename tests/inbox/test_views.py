"""Saved views: lists under names of one's own."""

import pytest

from notifications.inbox.views import MAX_VIEWS
from notifications.models import Recipient, SavedView
from tests.factories import NotificationFactory, RecipientFactory, TaskFactory
from tests.inbox.browser import Page, get, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def bob() -> Recipient:
    bob = RecipientFactory(ref="bob")
    NotificationFactory(recipient=bob, task=TaskFactory(kind="field"), title="Visit the roof", priority="urgent")
    NotificationFactory(recipient=bob, task=TaskFactory(), title="Approve invoice")
    return bob


def saved(bob: Recipient, name: str, query: str = "urgent=1&kind=field&page=3&select=1") -> Page:
    return get(signed_in(bob), f"/?{query}").press("Save", name=name)


def test_a_view_is_saved_shown_and_removed(bob: Recipient) -> None:
    page = saved(bob, "  Urgent\u202e roofs ")

    assert page.titles("found") == ["Visit the roof"]
    assert SavedView.objects.get().query == "urgent=1&kind=field"
    page = get(signed_in(bob), "/").follow("Urgent roofs")
    assert page.titles("found") == ["Visit the roof"]
    assert page.tree.xpath("//a[@class='chip'][@aria-current][contains(., 'Urgent roofs')]")

    page = page.press("Remove the view “Urgent roofs”")
    assert not SavedView.objects.exists()
    assert "Urgent roofs" not in page.text


def test_the_same_name_is_the_same_view(bob: Recipient) -> None:
    saved(bob, "Mine")
    saved(bob, "Mine", "q=invoice")

    assert SavedView.objects.get().query == "q=invoice"


def test_without_a_name_or_with_too_many_it_says_so(bob: Recipient) -> None:
    assert "Give the view a name." in saved(bob, " ").text
    SavedView.objects.bulk_create(SavedView(recipient=bob, name=f"View {number}") for number in range(MAX_VIEWS))
    assert f"You already have {MAX_VIEWS} views." in saved(bob, "One more").text
    assert "already" not in saved(bob, "View 0").text
    assert SavedView.objects.count() == MAX_VIEWS


def test_views_are_ones_own(bob: Recipient) -> None:
    saved(bob, "Mine")
    carol = RecipientFactory(ref="carol")
    browser = signed_in(carol)

    assert "Mine" not in get(browser, "/").text
    browser.handler.enforce_csrf_checks = False
    browser.post("/views", {"name": "Mine", "remove": "1"})
    assert SavedView.objects.count() == 1
    browser.post("/views", {"name": "Hers", "query": "next=//evil.example&q=<script>&page=2"})
    assert SavedView.objects.get(recipient=carol).query == "q=%3Cscript%3E"
