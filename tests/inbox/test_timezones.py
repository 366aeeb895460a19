"""Whoever has no time zone gets that of their browser."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from notifications.api.people import PersonShown
from notifications.models import Recipient
from tests.factories import RecipientFactory
from tests.inbox.browser import signed_in
from tests.support.story import Story

pytestmark = pytest.mark.django_db


def told(client: Client, name: str) -> int:
    client.handler.enforce_csrf_checks = False
    return client.post("/timezone", {"timezone": name}).status_code


def zone_of(ref: str) -> str:
    return Recipient.objects.get(ref=ref).timezone


def test_the_first_browser_says_where_somebody_is(story: Story) -> None:
    Recipient.objects.filter(ref="bob").update(timezone="")
    due = timezone.now() + timedelta(days=10)
    story.assign(due_at=due.isoformat())
    browser = signed_in(story.bob)
    page = browser.get("/").content.decode()
    assert '"learn_timezone": "/timezone"' in page
    assert f"{due:%H:%M} UTC" in page

    assert told(browser, "Asia/Tokyo") == 204
    assert told(browser, "Europe/Berlin") == 204

    assert zone_of("bob") == "Asia/Tokyo"
    page = browser.get("/").content.decode()
    assert '"learn_timezone": ""' in page
    assert f"{due + timedelta(hours=9):%H:%M} JST" in page


def test_who_has_one_keeps_it(story: Story) -> None:
    Recipient.objects.filter(ref="bob").update(timezone="UTC")
    browser = signed_in(story.bob)
    assert '"learn_timezone": ""' in browser.get("/").content.decode()

    assert told(browser, "Asia/Tokyo") == 204
    assert zone_of("bob") == "UTC"


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "x" * 10_000, "\x00"])
def test_what_is_no_zone_is_refused(name: str) -> None:
    bob = RecipientFactory(ref="bob", timezone="")

    assert told(signed_in(bob), name) in (400, 422)
    assert zone_of("bob") == ""


def test_strangers_and_other_sites_change_nothing() -> None:
    bob = RecipientFactory(ref="bob", timezone="")

    assert signed_in(bob).post("/timezone", {"timezone": "Asia/Tokyo"}).status_code == 403
    assert told(Client(), "Asia/Tokyo") in (302, 401, 403)
    assert zone_of("bob") == ""


def test_programs_still_read_utc() -> None:
    bob = RecipientFactory(ref="bob", timezone="")

    assert PersonShown(bob).data["timezone"] == "UTC"
