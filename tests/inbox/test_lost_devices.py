"""A lost phone: once it is removed, nothing on it can read or answer, however it was signed in."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from notifications.models import Device, Farewell, Notification, Recipient, RecipientToken, Response
from notifications.people import devices
from notifications.reasons import said
from notifications.types import NewAddress
from tests.admin.pages import page_of
from tests.factories import RecipientFactory, UserFactory, action_token
from tests.inbox.browser import get, signed_in
from tests.inbox.test_sign_out_devices import browser_device, press, shown_on
from tests.support.api import Caller, browser_of, is_problem, person_caller
from tests.support.story import Story

pytestmark = pytest.mark.django_db


def app_of(person: Recipient) -> tuple[Caller, Device]:
    """An app that registered with a token of its own."""
    caller = person_caller(person)
    token = RecipientToken.objects.latest("pk")
    new = NewAddress("fcm", f"phone {token.pk}", "token", "acme")
    return caller, devices.register(person, new, name="App on Android", token=token, now=timezone.now())[0]


def waiting(story: Story) -> Notification:
    """Something that Bob may answer."""
    story.assign()
    return story.copy(story.bob)


def answered(client: Client, copy: Notification, **more: Any) -> Any:
    client.handler.enforce_csrf_checks = False
    return Caller(client=client).post(
        f"/api/v1/notifications/{copy.pk}/responses", {"action": "approve", "comment": "", **more}
    )


# --- what a removed device can still do --------------------------------------------------------------
def test_who_finds_the_phone_is_signed_out_there_once_bob_has_removed_it(story: Story) -> None:
    phone, copy = signed_in(story.bob), waiting(story)
    token = shown_on(browser_device(story.bob, phone), copy)

    page = get(signed_in(story.bob), "/devices").press("Remove: Firefox on Linux")

    assert "Firefox on Linux is removed and signed out. Nothing can be answered there any more." in page.text
    assert page.part("devices") == "No devices yet."
    assert phone.get("/").url == "/sign-in"  # type: ignore[attr-defined]
    assert is_problem(answered(phone, copy), 401, "unauthenticated")
    refused = press(token)
    assert is_problem(refused, 410, "expired")
    assert refused.json()["ended"] == "device"  # type: ignore[attr-defined]
    assert not Response.objects.exists()


def test_other_sessions_of_bob_and_of_others_stay(story: Story) -> None:
    browser_device(story.bob, signed_in(story.bob))
    desk, carols = signed_in(story.bob), signed_in(story.carol)

    get(desk, "/devices").press("Remove: Firefox on Linux")

    assert desk.get("/").status_code == carols.get("/").status_code == 200
    assert Session.objects.count() == 2


def test_a_removed_app_is_signed_out_with_all_that_it_registered(story: Story) -> None:
    app, device = app_of(story.bob)
    tablet = NewAddress("fcm", "tablet", "token", "acme")
    devices.register(story.bob, tablet, name="Tablet", token=device.token, now=timezone.now())
    other, kept = app_of(story.bob)

    get(signed_in(story.bob), "/devices").press("Remove: Tablet")

    assert is_problem(app.get("/api/v1/notifications"), 401, "unauthenticated")
    assert other.get("/api/v1/notifications").status_code == 200
    assert Device.objects.get() == kept


def test_bob_is_told_before_he_removes_the_browser_in_which_he_sits(story: Story) -> None:
    client = signed_in(story.bob)
    browser_device(story.bob, client)

    page = get(client, "/devices").press("Remove and sign out: Firefox on Linux")

    assert page.url == "/sign-in"
    assert "Firefox on Linux is removed, and you are signed out here." in page.text
    assert client.get("/").url == "/sign-in"  # type: ignore[attr-defined]
    assert not Session.objects.exists()


def test_the_desk_signs_a_lost_phone_out_too(story: Story) -> None:
    phone = signed_in(story.bob)
    device = browser_device(story.bob, phone)
    root = Client()
    root.force_login(UserFactory(username="root", is_staff=True, is_superuser=True))

    root.post(page_of(device, "remove_this"))

    assert phone.get("/").url == "/sign-in"  # type: ignore[attr-defined]
    assert root.get("/admin/").status_code == 200


def test_who_removes_their_own_browser_at_the_desk_is_signed_out_and_not_met_by_an_error(story: Story) -> None:
    root = RecipientFactory(ref="root", user=UserFactory(username="root", is_staff=True, is_superuser=True))
    client = signed_in(root)
    device = browser_device(root, client)
    client.handler.enforce_csrf_checks = False

    assert client.post(page_of(device, "remove_this")).status_code == 302
    assert client.get("/admin/").status_code == 302, "to the sign-in"


# --- by the API --------------------------------------------------------------------------------------
def test_a_browser_that_turns_its_own_messages_off_stays_signed_in(story: Story) -> None:
    browser = browser_of(story.bob)
    device = browser_device(story.bob, browser.client)

    assert browser.delete(f"/api/v1/subscriptions/{device.pk}").status_code == 204

    assert browser.get("/api/v1/notifications").status_code == 200
    assert not Farewell.objects.exists(), "it knows"


def test_whoever_removes_another_device_signs_it_out(story: Story) -> None:
    browser, (app, device) = browser_of(story.bob), app_of(story.bob)
    phone = signed_in(story.bob)
    browsers = browser_device(story.bob, phone)

    assert browser.delete(f"/api/v1/subscriptions/{device.pk}").status_code == 204
    assert browser.delete(f"/api/v1/subscriptions/{browsers.pk}").status_code == 204

    assert is_problem(app.get("/api/v1/notifications"), 401, "unauthenticated")
    assert phone.get("/").url == "/sign-in"  # type: ignore[attr-defined]
    assert browser.get("/api/v1/notifications").status_code == 200


# --- answers that were kept there ----------------------------------------------------------------------
def test_an_answer_kept_on_a_removed_device_is_refused_also_after_signing_in_there_again(story: Story) -> None:
    phone, copy = signed_in(story.bob), waiting(story)
    device = browser_device(story.bob, phone)
    get(signed_in(story.bob), "/devices").press("Remove: Firefox on Linux")

    again = signed_in(story.bob)
    refused = answered(again, copy, device=str(device.pk))

    assert is_problem(refused, 410, "expired")
    assert refused.json()["ended"] == "device"
    assert not Response.objects.exists()
    assert answered(again, copy).status_code == 201, "given anew it counts"


@pytest.mark.parametrize("how", ["kept", "lost", "never heard of"])
def test_kept_answers_of_other_devices_count(story: Story, how: str) -> None:
    phone, copy = signed_in(story.bob), waiting(story)
    device = browser_device(story.bob, phone)
    if how == "lost":
        devices.remove([device], said("The browser is no longer subscribed: 410"), timezone.now())

    known = str(uuid4()) if how == "never heard of" else str(device.pk)
    assert answered(phone, copy, device=known).status_code == 201


def test_the_token_of_what_was_taken_back_says_so(story: Story) -> None:
    copy = waiting(story)
    token = action_token(copy, expires_at=timezone.now() + timedelta(days=1))
    story.happen("task.cancelled", {"task": {"id": "T-42"}})

    refused = press(token)

    assert is_problem(refused, 410, "expired")
    assert refused.json()["ended"] == "withdrawn"  # type: ignore[attr-defined]
