"""Whatever ends a sign-in ends its browser's messages: nothing more goes there, and nothing there can be answered."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from notifications.models import ActionToken, Delivery, Device, Notification, Recipient, RecipientToken
from notifications.people import devices
from notifications.types import NewAddress
from tests.factories import PASSWORD, NotificationFactory, RecipientFactory, UserFactory, action_token, sign_in_link
from tests.inbox.browser import get, signed_in
from tests.support.api import Caller, is_problem, person_caller
from tests.support.story import Story
from wfpush.crypto import digest_of

pytestmark = pytest.mark.django_db
SOON = timedelta(hours=1)


def browser_device(person: Recipient, client: Client, number: int = 1) -> Device:
    """The device that a browser registers when its person turns notifications on."""
    new = NewAddress("webpush", f"https://push.example/{number}", "endpoint", "BSender")
    session = devices.session_digest(client.session.session_key)
    return devices.register(person, new, name="Firefox on Linux", session=session, now=timezone.now())[0]


def shown_on(device: Device, copy: Notification | None = None) -> str:
    """The token of a message that the device shows."""
    copy = copy or NotificationFactory(recipient=device.recipient)
    token = action_token(copy, expires_at=timezone.now() + timedelta(days=30))
    given = ActionToken.objects.get(digest=digest_of(token)).delivery_id
    Delivery.objects.filter(pk=given).update(channel="webpush", device=device, state="delivered")
    return token


def press(token: str, action: str = "approve") -> object:
    return Caller().post("/api/v1/responses", {"token": token, "action": action})


def test_after_signing_out_the_lock_screen_answers_nothing(story: Story) -> None:
    client = signed_in(story.bob)
    token = shown_on(browser_device(story.bob, client))
    elsewhere = browser_device(story.bob, signed_in(story.bob), 2)
    get(client, "/").press("Sign out")

    assert Device.objects.get() == elsewhere
    answer = press(token)
    assert is_problem(answer, 410, "expired")
    assert "Signed out" in answer.json()["detail"]  # type: ignore[attr-defined]


def test_an_answer_given_before_is_not_taken_back(story: Story) -> None:
    client = signed_in(story.bob)
    token = shown_on(browser_device(story.bob, client))
    assert press(token).status_code == 201  # type: ignore[attr-defined]
    get(client, "/").press("Sign out")

    assert is_problem(press(token), 410, "expired")


def test_a_link_for_somebody_else_ends_the_messages_of_who_was_signed_in(story: Story) -> None:
    client = signed_in(story.bob)
    browser_device(story.bob, client)
    erin = RecipientFactory(ref="C-9", engine=story.engine)
    page = get(client, f"/link/{sign_in_link(erin, expires_at=timezone.now() + SOON)}")
    assert Device.objects.exists(), "looking at a link ends nothing"

    page.press("Open my page")
    assert not Device.objects.exists()


def test_signing_out_of_the_desk_is_signing_out() -> None:
    staff = UserFactory(username="carol", is_staff=True, is_superuser=True)
    carol = RecipientFactory(ref="carol", user=staff)
    client = signed_in(carol)
    client.handler.enforce_csrf_checks = False
    browser_device(carol, client)

    assert client.get("/admin/logout/").status_code == 405
    assert Device.objects.exists()
    client.post("/admin/logout/")
    assert not Device.objects.exists()


def test_who_signs_in_to_the_desk_in_somebody_elses_session_ends_it(story: Story) -> None:
    UserFactory(username="root", is_staff=True, is_superuser=True)
    client = signed_in(story.bob)
    client.handler.enforce_csrf_checks = False
    browser_device(story.bob, client)
    client.post("/admin/login/", {"username": "root", "password": "guess", "next": "/admin/"})
    assert Device.objects.exists(), "a wrong password ends nobody's session"

    client.post("/admin/login/", {"username": "root", "password": PASSWORD, "next": "/admin/"})
    assert not Device.objects.exists()


def test_a_new_password_ends_the_browsers_and_the_apps(story: Story) -> None:
    browser_device(story.bob, signed_in(story.bob))
    other = browser_device(story.carol, signed_in(story.carol), 2)
    phone = NewAddress("fcm", "phone", "token", "acme")
    devices.register(story.bob, phone, name="App on Android", now=timezone.now())
    story.bob.user.set_password("another long walk")  # type: ignore[union-attr]
    story.bob.user.save()  # type: ignore[union-attr]

    assert Device.objects.get() == other


def test_other_changes_of_an_account_end_nothing(story: Story) -> None:
    browser_device(story.bob, signed_in(story.bob))
    story.bob.user.email = "robert@example.org"  # type: ignore[union-attr]
    story.bob.user.save()  # type: ignore[union-attr]

    assert Device.objects.exists()


def test_signing_a_token_out_removes_the_apps_device(story: Story) -> None:
    app, other = person_caller(story.bob), person_caller(story.bob)
    for number, token in enumerate(RecipientToken.objects.order_by("pk")):
        new = NewAddress("fcm", f"phone {number}", "token", "acme")
        devices.register(story.bob, new, name="App on Android", token=token, now=timezone.now())
    token = shown_on(Device.objects.get(token=RecipientToken.objects.earliest("pk")))

    assert app.delete("/api/v1/tokens/current").status_code == 204
    assert Device.objects.get().token == RecipientToken.objects.latest("pk")
    assert is_problem(press(token), 410, "expired")
    assert other.get("/api/v1/notifications").status_code == 200
