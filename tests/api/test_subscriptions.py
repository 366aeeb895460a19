"""Browsers and apps ask for messages, are tried out, and leave."""

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pytest_django import Settings

from notifications.channels.fcm.config import DEFAULT, ServiceAccount
from notifications.channels.webpush import vapid
from notifications.models import Device, Recipient, RecipientToken
from notifications.types import Json
from tests.factories import BrandFactory, RecipientFactory
from tests.support.api import Caller, browser_of, is_problem, person_caller, pointers

SUBSCRIPTIONS = "/api/v1/subscriptions"
ENDPOINT = "https://updates.push.services.mozilla.com/wpush/v2/gAAAAAB"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
CHROME = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36"
)


@pytest.fixture
def alice(db: None) -> Recipient:
    return RecipientFactory(ref="alice", name="Alice")


@pytest.fixture
def bob(db: None) -> Recipient:
    return RecipientFactory(ref="bob", name="Bob")


@pytest.fixture
def browser(alice: Recipient) -> Caller:
    """Alice's, with a session."""
    return browser_of(alice)


@pytest.fixture(autouse=True)
def apps(settings: Settings) -> None:
    """A Firebase project for everybody, and one for the brand Acme."""
    settings.FIREBASE_CREDENTIALS = {DEFAULT: account("wfpush-app"), "acme": account("acme-app")}


def account(project: str) -> ServiceAccount:
    return ServiceAccount(project, {})


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def key() -> str:
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    return encoded(point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


KEYS = {"p256dh": key(), "auth": encoded(b"0123456789abcdef")}


def subscription(endpoint: Any = ENDPOINT, **more: Any) -> Json:
    """What a browser sends."""
    said = {"endpoint": endpoint, "expirationTime": None, "keys": KEYS, **more}
    return {"channel": "webpush", "subscription": said}


def app(**more: Any) -> Json:
    return {"channel": "fcm", "token": "fcm-token", "platform": "android", **more}


# --- the key ------------------------------------------------------------------------------------------------------
def test_the_key_that_browsers_subscribe_under_is_everybodys(db: None) -> None:
    answer = Caller().get("/api/v1/webpush/public-key")

    assert answer.status_code == 200
    point = base64.urlsafe_b64decode(answer.json()["public_key"] + "=")
    assert (len(point), point[0]) == (65, 4)


# --- browsers -----------------------------------------------------------------------------------------------------
def test_a_browser_is_registered_under_its_name(browser: Caller, alice: Recipient) -> None:
    answer = browser.post(SUBSCRIPTIONS, subscription(), User_Agent=FIREFOX)

    assert answer.status_code == 201
    device = Device.objects.get(pk=answer.json()["id"])
    assert answer.json() == {"id": str(device.pk)}
    assert (device.recipient, device.channel, device.address) == (alice, "webpush", ENDPOINT)
    assert (device.p256dh, device.auth) == (KEYS["p256dh"], KEYS["auth"])
    assert (device.name, device.sender) == ("Firefox on Linux", vapid.signer().public_key)
    assert (device.platform, device.expires_at, device.token) == ("", None, None)


def test_the_session_is_kept_so_that_nobody_can_use_it(browser: Caller) -> None:
    browser.post(SUBSCRIPTIONS, subscription())
    kept = Device.objects.get().session

    assert len(kept) == 64
    assert kept != browser.client.session.session_key


def test_again_is_200_and_the_same_device(browser: Caller) -> None:
    first = browser.post(SUBSCRIPTIONS, subscription())
    fresh = {**KEYS, "auth": encoded(b"fedcba9876543210")}
    again = browser.post(SUBSCRIPTIONS, subscription(keys=fresh, expirationTime=1_764_100_000_000.5))

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    device = Device.objects.get()
    assert device.auth == fresh["auth"]
    assert device.expires_at is not None
    assert device.expires_at.isoformat().startswith("2025-11-25T19:46:40")


def test_a_browser_is_named_in_the_persons_language(browser: Caller, alice: Recipient) -> None:
    alice.locale = "de"
    alice.save()
    browser.post(SUBSCRIPTIONS, subscription(), User_Agent=CHROME)

    assert Device.objects.get().name == "Chrome auf Android"


def test_people_may_give_a_name_of_their_own(browser: Caller) -> None:
    browser.post(SUBSCRIPTIONS, {**subscription(), "name": " Kitchen\u202e\r\ntablet "})

    assert Device.objects.get().name == "Kitchen tablet"
    too_long = browser.post(SUBSCRIPTIONS, {**subscription(), "name": "x" * 81})
    assert pointers(too_long) == ["/name"]


def test_a_browser_may_say_under_which_of_our_keys_it_subscribed(browser: Caller) -> None:
    assert browser.post(SUBSCRIPTIONS, {**subscription(), "public_key": vapid.signer().public_key}).status_code == 201

    foreign = browser.post(SUBSCRIPTIONS, {**subscription(f"{ENDPOINT}2"), "public_key": key()})
    assert pointers(foreign) == ["/public_key"]
    assert Device.objects.count() == 1


OFF_THE_CURVE = encoded(b"\x04" + b"\x01" * 64)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/channel"),
        ({"channel": "sms"}, "/channel"),
        ({"channel": "webpush"}, "/subscription"),
        ({"channel": "webpush", "subscription": "https://example.org"}, "/subscription"),
        ([], ""),
        ("webpush", ""),
        (subscription(endpoint="http://updates.push.services.mozilla.com/x"), "/subscription/endpoint"),
        (subscription(endpoint="https://127.0.0.1/x"), "/subscription/endpoint"),
        (subscription(endpoint="https://[::ffff:10.0.0.1]/x"), "/subscription/endpoint"),
        (subscription(endpoint="https://169.254.169.254/latest/meta-data"), "/subscription/endpoint"),
        (subscription(endpoint="https://push.evil.example/x"), "/subscription/endpoint"),
        (subscription(endpoint="javascript:alert(1)"), "/subscription/endpoint"),
        (subscription(endpoint=""), "/subscription/endpoint"),
        (subscription(endpoint=ENDPOINT + "x" * 3000), "/subscription/endpoint"),
        (subscription(endpoint=7), "/subscription/endpoint"),
        (subscription(keys={**KEYS, "p256dh": OFF_THE_CURVE}), "/subscription/keys/p256dh"),
        (subscription(keys={**KEYS, "p256dh": "not base64!"}), "/subscription/keys/p256dh"),
        (subscription(keys={**KEYS, "auth": encoded(b"short")}), "/subscription/keys/auth"),
        (subscription(keys={"p256dh": KEYS["p256dh"]}), "/subscription/keys/auth"),
        (subscription(keys=None), "/subscription/keys"),
        (subscription(expirationTime=-1), "/subscription/expirationTime"),
        (subscription(expirationTime=1e300), "/subscription/expirationTime"),
        (subscription(expirationTime="tomorrow"), "/subscription/expirationTime"),
    ],
)
def test_what_no_message_could_be_sent_to_is_refused_with_the_place(browser: Caller, body: Any, pointer: str) -> None:
    answer = browser.post(SUBSCRIPTIONS, body)

    assert pointers(answer) == [pointer]
    assert not Device.objects.exists()


# --- apps ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("platform", "name"),
    [("android", "App on Android"), ("ios", "App on iPhone or iPad"), ("web", "Chrome on Android")],
)
def test_an_app_registers_with_its_token(alice: Recipient, platform: str, name: str) -> None:
    answer = person_caller(alice).post(SUBSCRIPTIONS, app(platform=platform), User_Agent=CHROME)

    assert answer.status_code == 201
    device = Device.objects.get()
    assert (device.channel, device.address, device.address_kind) == ("fcm", "fcm-token", "token")
    assert (device.platform, device.name, device.sender) == (platform, name, "wfpush-app")
    assert (device.token, device.session) == (RecipientToken.objects.get(), "")


def test_or_with_its_installation_id(alice: Recipient) -> None:
    body = {"channel": "fcm", "fid": "cRnLzJ0", "platform": "ios", "name": "Alice's phone"}
    assert person_caller(alice).post(SUBSCRIPTIONS, body).status_code == 201

    device = Device.objects.get()
    assert (device.address, device.address_kind, device.name) == ("cRnLzJ0", "fid", "Alice's phone")


def test_people_of_a_brand_have_its_app(alice: Recipient) -> None:
    alice.brand = BrandFactory(slug="acme")
    alice.save()
    person_caller(alice).post(SUBSCRIPTIONS, app())

    assert Device.objects.get().sender == "acme-app"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"fid": "both"}, ""),
        ({"token": None}, "/token"),
        ({"token": ""}, "/token"),
        ({"token": "x" * 5000}, "/token"),
        ({"platform": "windows"}, "/platform"),
        ({"platform": None}, "/platform"),
    ],
)
def test_an_app_gives_one_address_and_a_platform(alice: Recipient, changes: Json, pointer: str) -> None:
    answer = person_caller(alice).post(SUBSCRIPTIONS, app(**changes))

    assert pointers(answer) == [pointer]


def test_an_app_without_any_address_is_refused(alice: Recipient) -> None:
    answer = person_caller(alice).post(SUBSCRIPTIONS, {"channel": "fcm", "platform": "ios"})

    assert is_problem(answer, 422, "invalid")
    assert "either token or fid" in answer.json()["errors"][0]["detail"]


def test_without_a_firebase_project_no_app_can_register(alice: Recipient, settings: Settings) -> None:
    settings.FIREBASE_CREDENTIALS = {}
    answer = person_caller(alice).post(SUBSCRIPTIONS, app())

    assert pointers(answer) == ["/channel"]


# --- one's own ----------------------------------------------------------------------------------------------------
def test_people_see_their_own_devices_and_which_one_they_are_at(
    browser: Caller, alice: Recipient, bob: Recipient
) -> None:
    phone = person_caller(alice)
    phone.post(SUBSCRIPTIONS, app())
    browser.post(SUBSCRIPTIONS, subscription(), User_Agent=FIREFOX)
    browser_of(bob).post(SUBSCRIPTIONS, subscription(f"{ENDPOINT}2"))

    shown = browser.get(SUBSCRIPTIONS).json()
    assert shown["next"] is None
    assert [(each["name"], each["current"]) for each in shown["items"]] == [
        ("Firefox on Linux", True),
        ("App on Android", False),
    ]
    told = {"id", "channel", "name", "platform", "created_at", "last_used_at", "current", "lock_screen", "silent"}
    assert set(shown["items"][0]) == told
    assert [each["current"] for each in phone.get(SUBSCRIPTIONS).json()["items"]] == [False, True]
    assert ENDPOINT not in str(shown)


def test_a_device_is_tried_out_and_removed(browser: Caller) -> None:
    own = f"{SUBSCRIPTIONS}/{browser.post(SUBSCRIPTIONS, subscription()).json()['id']}"
    assert Device.objects.get().due_at is None

    assert browser.post(f"{own}/test").status_code == 202
    assert Device.objects.get().due_at is not None
    assert browser.delete(own).status_code == 204
    assert not Device.objects.exists()
    for answer in (browser.delete(own), browser.post(f"{own}/test")):
        assert is_problem(answer, 404, "not_found")


def test_somebody_elses_device_is_404(browser: Caller, bob: Recipient) -> None:
    his = f"{SUBSCRIPTIONS}/{browser_of(bob).post(SUBSCRIPTIONS, subscription()).json()['id']}"

    assert is_problem(browser.delete(his), 404, "not_found")
    assert is_problem(browser.post(f"{his}/test"), 404, "not_found")
    assert Device.objects.get().due_at is None


def test_an_external_person_of_an_engine_has_devices_too(engine: Caller) -> None:
    engine.put("/api/v1/recipients/C-9", {"external": True, "name": "Erin"})
    token = engine.post("/api/v1/recipients/C-9/tokens", {}).json()["token"]

    assert Caller(token).post(SUBSCRIPTIONS, subscription()).status_code == 201
    assert Device.objects.get().recipient.ref == "C-9"


def test_members_that_would_set_what_is_not_theirs_are_ignored(
    browser: Caller, alice: Recipient, bob: Recipient
) -> None:
    extra = {"recipient": bob.pk, "sender": "mine", "session": "x", "id": "7", "digest": "x"}
    assert browser.post(SUBSCRIPTIONS, {**subscription(), **extra}).status_code == 201

    device = Device.objects.get()
    assert (device.recipient, device.sender) == (alice, vapid.signer().public_key)


def test_a_session_that_ended_meanwhile_registers_nothing(browser: Caller, alice: Recipient) -> None:
    """The page's script was still asking while the person signed out."""
    phone = person_caller(alice)
    RecipientToken.objects.update(revoked_at="2026-11-25T12:00:00Z")

    assert is_problem(phone.post(SUBSCRIPTIONS, subscription()), 401, "unauthenticated")
    browser.client.session.delete()
    assert is_problem(browser.post(SUBSCRIPTIONS, subscription()), 401, "unauthenticated")
    assert not Device.objects.exists()


def test_a_device_says_what_it_shows_and_keeps_it(browser: Caller) -> None:
    first = browser.post(SUBSCRIPTIONS, {**subscription(), "lock_screen": "nothing", "silent": True})
    again = browser.post(SUBSCRIPTIONS, subscription())

    assert (first.status_code, again.status_code) == (201, 200)
    (listed,) = browser.get(SUBSCRIPTIONS).json()["items"]
    assert (listed["lock_screen"], listed["silent"]) == ("nothing", True)
    refused = browser.post(SUBSCRIPTIONS, {**subscription(), "lock_screen": "some", "silent": "yes"})
    assert is_problem(refused, 422, "invalid") and pointers(refused) == ["/lock_screen", "/silent"]
