"""The page of devices, as people without JavaScript see it; tests/browsers turns notifications on and off."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from notifications.models import Device, Recipient
from notifications.people import devices
from notifications.reasons import Reason, said
from notifications.types import NewAddress
from tests.inbox.browser import get, signed_in
from tests.support.story import Story

pytestmark = pytest.mark.django_db


def device_of(person: Recipient, name: str = "Firefox on Linux", **values: Any) -> Device:
    values = {"last_used_at": timezone.now(), **values}
    address = f"https://updates.push.services.mozilla.com/{person.ref}/{name}"
    return Device.objects.create(
        recipient=person,
        channel="webpush",
        address=address,
        address_kind="endpoint",
        digest=NewAddress("webpush", address, "endpoint", "").digest,
        name=name,
        **values,
    )


def test_bob_sees_where_he_hears_of_what_waits_for_him(story: Story) -> None:
    client = signed_in(story.bob)
    session = devices.session_digest(client.session.session_key)
    device_of(story.bob, "Chrome on Android", last_used_at=timezone.now() - timedelta(days=1))
    device_of(story.bob, "Safari on Mac", last_used_at=timezone.now() - timedelta(days=200))
    device_of(story.bob, session=session, last_used_at=timezone.now() - timedelta(days=300))
    device_of(story.carol, "Edge on Windows")

    page = get(client, "/devices")

    told = page.part("devices")
    assert told.index("Firefox on Linux this browser") < told.index("Chrome on Android last used yesterday")
    assert told.count("this browser") == 1
    assert "Safari on Mac last used on " in told
    assert "Edge" not in told


def test_used_today_is_said_in_the_readers_own_day_and_language(story: Story) -> None:
    Recipient.objects.filter(pk=story.bob.pk).update(locale="de")
    device_of(story.bob)

    assert "Firefox on Linux heute benutzt" in get(signed_in(story.bob), "/devices").part("devices")


def test_whoever_has_none_is_told_so(story: Story) -> None:
    page = get(signed_in(story.bob), "/").follow("Devices")

    assert page.part("devices") == "No devices yet."
    assert page.title == "Devices · wfpush"


def test_bob_tests_a_device(story: Story) -> None:
    device = device_of(story.bob)

    page = get(signed_in(story.bob), "/devices").press("Test: Firefox on Linux")

    assert "A test message is on its way to Firefox on Linux." in page.text
    device.refresh_from_db()
    assert device.due_at is not None


@pytest.mark.parametrize(
    ("values", "news"),
    [
        ({"last_sent_at": timezone.now()}, "The last message was sent "),
        ({"last_fault_fact": said("It does not answer").as_json()}, "The last message did not get through."),
        ({"due_at": timezone.now()}, "A test message is on its way."),
    ],
)
def test_a_device_says_what_became_of_its_last_message(story: Story, values: dict[str, Any], news: str) -> None:
    device_of(story.bob, **values)

    assert news in get(signed_in(story.bob), "/devices").part("devices")


@pytest.mark.parametrize("deed", ["test", "remove"])
def test_somebody_elses_device_is_unknown(story: Story, deed: str) -> None:
    device = device_of(story.carol)
    client = signed_in(story.bob)
    client.handler.enforce_csrf_checks = False

    assert client.post(f"/devices/{device.pk}/{deed}").status_code == 404
    assert client.get(f"/devices/{device.pk}/{deed}").url == "/devices"  # type: ignore[attr-defined]
    device.refresh_from_db()
    assert device.due_at is None


def test_strangers_are_led_to_the_sign_in(client: Client) -> None:
    assert client.get("/devices").url == "/sign-in?next=%2Fdevices"  # type: ignore[attr-defined]


# --- what a browser asks when the server no longer lists it -----------------------------------------
@pytest.mark.parametrize(
    ("reason", "fate"),
    [
        (devices.REMOVED, "removed"),
        (devices.SIGNED_OUT, "removed"),
        (devices.NEW_OWNER, "removed"),
        (devices.EXPIRED, "lost"),
        (said("The browser is no longer subscribed: 410 Gone"), "lost"),
    ],
)
def test_a_browser_comes_back_only_if_nobody_meant_it_to_go(story: Story, reason: Reason, fate: str) -> None:
    device = device_of(story.bob)
    client, address = signed_in(story.bob), f"/devices/{device.pk}/fate"
    assert client.get(address).json() == {"fate": "kept"}

    devices.remove([device], reason, timezone.now())

    assert client.get(address).json() == {"fate": fate}
    assert signed_in(story.carol).get(address).status_code == 404


def test_bob_says_what_each_of_his_devices_shows_and_whether_it_makes_a_sound(story: Story) -> None:
    phone, laptop = device_of(story.bob, "Chrome on Android"), device_of(story.bob)
    carols = device_of(story.carol, "Edge on Windows")
    bobs = signed_in(story.bob)

    page = get(bobs, "/devices").press("Save: Chrome on Android", lock_screen="nothing", silent="on")

    assert "Saved for Chrome on Android." in page.text
    rows = dict(Device.objects.values_list("name", "lock_screen"))
    assert rows == {"Chrome on Android": "nothing", "Firefox on Linux": "all", "Edge on Windows": "all"}
    assert [row.name for row in Device.objects.filter(silent=True)] == ["Chrome on Android"]
    assert Device.history.filter(id=phone.pk).count() == 2
    assert page.press("Save: Chrome on Android", silent=[]).status == 200
    phone.refresh_from_db()
    assert (phone.lock_screen, phone.silent) == ("nothing", False)

    client = Client()
    client.force_login(story.bob.user)
    odd = client.post(f"/devices/{laptop.pk}/shows", {"lock_screen": "all of it"})
    assert odd.status_code == 422
    assert client.post(f"/devices/{carols.pk}/shows", {"lock_screen": "nothing"}).status_code == 404
    assert client.get(f"/devices/{laptop.pk}/shows").headers["Location"] == "/devices"


def test_a_browser_that_subscribes_anew_shows_no_more_than_before(story: Story) -> None:
    def register(address: str, **more: Any) -> Device:
        new = NewAddress("webpush", f"https://updates.push.services.mozilla.com/{address}", "endpoint", "")
        return devices.register(story.bob, new, name="Firefox on Linux", now=timezone.now(), **more)[0]

    first = register("one", shows={"lock_screen": "title", "silent": True})
    assert register("one").lock_screen == "title"
    assert (register("two").lock_screen, register("two").silent) == ("title", True)
    devices.remove(Device.objects.all(), devices.EXPIRED, timezone.now())
    again = register("three", shows={"silent": False})
    assert (again.lock_screen, again.silent) == ("title", False)
    assert first.pk != again.pk
