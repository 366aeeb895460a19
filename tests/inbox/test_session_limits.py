"""Sessions end when they are too old or were not used: pages, desk, sockets and the API ask for a new sign-in."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from notifications.inbox.sign_in.session import person_of_session
from notifications.models import Device
from notifications.people.devices import session_digest
from tests.factories import PASSWORD, RecipientFactory, UserFactory
from tests.support.devices import subscribe
from tests.support.webpush import Browser

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def bob() -> Any:
    return RecipientFactory(ref="bob", user=UserFactory(username="bob", is_staff=True, is_superuser=True))


@pytest.fixture
def browser(bob: Any) -> Client:
    client = Client()
    client.post("/sign-in", {"username": "bob", "password": PASSWORD})
    return client


def _is_in(browser: Client) -> bool:
    pages = [browser.get(path).status_code for path in ("/settings", "/admin/", "/api/v1/notifications")]
    assert pages in ([200, 200, 200], [302, 302, 401]), pages
    return pages[0] == 200


@pytest.mark.parametrize(("name", "uses"), [("SESSION_HOURS", 7), ("SESSION_IDLE_HOURS", 1)])
def test_a_session_ends(settings: LazySettings, browser: Client, bob: Any, name: str, uses: int) -> None:
    setattr(settings, name, 8)
    now = timezone.now()
    for hour in range(uses):
        with time_machine.travel(now + hour * HOUR, tick=False):
            assert _is_in(browser)
    key = browser.session.session_key
    subscribe(bob, Browser(), "https://push.example.net/1", "Firefox", session=session_digest(key))
    with time_machine.travel(now + 8 * HOUR, tick=False):
        assert person_of_session(key) is None
        assert not _is_in(browser)
    assert not Device.objects.exists()
    assert _is_in_again(browser)


def _is_in_again(browser: Client) -> bool:
    browser.post("/sign-in", {"username": "bob", "password": PASSWORD})
    return _is_in(browser)


def test_use_keeps_a_session(settings: LazySettings, browser: Client) -> None:
    settings.SESSION_IDLE_HOURS = 2
    now = timezone.now()
    for hour in range(12):
        with time_machine.travel(now + hour * HOUR, tick=False):
            assert _is_in(browser)


def test_without_limits_nothing_is_written(browser: Client) -> None:
    assert _is_in(browser)
    assert not {"began", "used"} & set(browser.session.keys())
