"""Alice's phone gets a message through Firebase: what it says, and what each of Google's answers means for it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

import pytest
from django.conf import LazySettings
from firebase_admin import messaging
from hypothesis import given
from hypothesis import strategies as st

from notifications.errors import RecipientGone, ServiceRefuses, TransportError
from notifications.transports.fcm import PAUSE, QUOTA_PAUSE, Fcm
from notifications.transports.fcm_message import LONGEST_TTL, category_of, message_of
from notifications.types import Action, CommentRule, Message, PushAddress, PushMessage
from tests.pushlab.fcm import Google, google_on_loopback, what_is_wrong_with
from wfpush import firebase, service_accounts

ACME = "acme-prod"
NOW = 1_764_100_000.0
LINK = "https://push.example/n/01930000-0000-7000-8000-000000000001"
TOKEN = "wfa_abcdefghijklmnopqrstuvwxyz0123456789"
APPROVE = Message(
    notification_id="01930000-0000-7000-8000-000000000001",
    language="en",
    title="Approve invoice 4711",
    body="Your approval is needed.\n\nOffice furniture, €1,200.50, cost centre 4100",
    short_body="Your approval is needed.",
    priority="high",
    category="approvals",
    actions=(
        Action("approve", "Approve", "final", "optional"),
        Action("reject", "Reject", "final", "required"),
    ),
    url="https://engine.example/tasks/42",
    facts=(("Amount", "€1,200.50"),),
    brand={"name": "Acme", "logo_url": "https://acme.example/logo.svg"},
    thread="case-4711",
)
PUSH = PushMessage(
    kind="message",
    message=APPROVE,
    tag="dGFzay00Mg",
    link=LINK,
    token=TOKEN,
    ttl=86_400,
    at=datetime(2026, 11, 25, 12, 0, tzinfo=UTC),
    state="open",
    unread=3,
    device="01930000-0000-7000-8000-00000000000d",
)
PHONE = PushAddress("alices-phone", "fid", ACME, "android")


@pytest.fixture
def google(settings: LazySettings) -> Iterator[Google]:
    settings.PUSH_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]
    with google_on_loopback() as google:
        yield google


@pytest.fixture
async def fcm(google: Google, settings: LazySettings) -> AsyncIterator[Fcm]:
    settings.FIREBASE_CREDENTIALS = service_accounts.read(json.dumps(google.account(ACME)))
    fcm = Fcm()
    yield fcm
    await fcm.close()


async def fault(fcm: Fcm, address: str, platform: str = "android") -> TransportError:
    with pytest.raises(TransportError) as caught:
        await fcm.send(PushAddress(f"{address}-phone", "token", ACME, platform), PUSH)
    return caught.value


def made(push: PushMessage = PUSH, address: PushAddress = PHONE, **changes: Any) -> dict[str, Any]:
    """What goes to Google; `changes` are to the message inside."""
    push = replace(push, message=replace(push.message, **changes))
    encoded: dict[str, Any] = json.loads(str(message_of(address, push, NOW)))
    return encoded


# --- what it says -----------------------------------------------------------------------------------------------------
async def test_alices_app_gets_all_it_needs_to_show_the_message_and_its_buttons(fcm: Fcm, google: Google) -> None:
    await fcm.send(PHONE, PUSH)

    ((project, message),) = google.messages
    assert project == ACME
    assert message["fid"] == "alices-phone"
    assert "token" not in message
    assert "notification" not in message
    assert json.loads(message["data"].pop("actions")) == [
        {"action": "approve", "title": "Approve", "comment": "optional"},
        {"action": "reject", "title": "Reject", "comment": "required"},
    ]
    assert message["data"] == {
        "v": "1",
        "kind": "message",
        "id": APPROVE.notification_id,
        "tag": "dGFzay00Mg",
        "title": "Approve invoice 4711",
        "body": "Your approval is needed.",
        "lang": "en",
        "priority": "high",
        "state": "open",
        "at": "1795608000000",
        "link": LINK,
        "token": TOKEN,
        "device": PUSH.device,
        "unread": "3",
        "icon": "https://acme.example/logo.svg",
        "brand": "Acme",
        "channel": "approvals",
    }


async def test_an_older_app_is_reached_by_its_token(fcm: Fcm, google: Google, recwarn: Any) -> None:
    await fcm.send(replace(PHONE, kind="token"), PUSH)

    assert google.messages[0][1]["token"] == "alices-phone"
    assert "fid" not in google.messages[0][1]
    assert [str(warning.message) for warning in recwarn if "token" in str(warning.message)] == []


def test_a_route_that_forbids_the_lock_screen_sends_no_token() -> None:
    message = made(replace(PUSH, token=""))

    assert "wfa_" not in json.dumps(message)
    assert message["data"]["link"] == LINK
    assert "actions" in message["data"]  # buttons that open the item


def test_the_long_body_never_leaves() -> None:
    assert "furniture" not in json.dumps(made())
    assert "1,200" not in json.dumps(made())


def test_an_iphone_shows_the_text_before_the_app_runs() -> None:
    apns = made()["apns"]

    assert apns["headers"] == {
        "apns-push-type": "alert",
        "apns-priority": "10",
        "apns-expiration": str(int(NOW) + 86_400),
        "apns-collapse-id": "dGFzay00Mg",
    }
    assert apns["payload"]["aps"].pop("category").startswith("wf-")
    assert apns["payload"]["aps"] == {
        "alert": {"title": "Approve invoice 4711", "body": "Your approval is needed."},
        "badge": 3,
        "sound": "default",
        "thread-id": "case-4711",
        "mutable-content": 1,
        "interruption-level": "active",
    }


def test_the_same_buttons_have_the_same_name_on_an_iphone_and_no_others() -> None:
    buttons = [{"action": "approve", "title": "Approve", "comment": "none"}]
    german = [{"action": "approve", "title": "Genehmigen", "comment": "none"}]

    name = category_of({"actions": buttons, "token": "wfa_1"})
    assert name == category_of({"actions": buttons, "token": "wfa_2"})
    assert len({name, category_of({"actions": german, "token": "wfa_1"}), category_of({"actions": buttons})}) == 3
    assert category_of({}) is None


def test_what_happened_replaces_the_message_without_a_sound() -> None:
    done = replace(PUSH, kind="replacement", state="answered", token="")
    message = made(done, short_body="Already approved by Bob at 14:02.", actions=())

    assert message["data"]["state"] == "answered"
    assert message["data"]["tag"] == message["apns"]["headers"]["apns-collapse-id"] == "dGFzay00Mg"
    assert "actions" not in message["data"]
    assert message["android"]["priority"] == "normal"
    aps = message["apns"]["payload"]["aps"]
    assert aps["alert"]["body"] == "Already approved by Bob at 14:02."
    assert aps["interruption-level"] == "passive"
    assert "sound" not in aps
    assert "category" not in aps


@pytest.mark.parametrize(
    ("priority", "actions", "android", "apple", "level", "urgency"),
    [
        ("urgent", APPROVE.actions, "high", "10", "time-sensitive", "high"),
        ("high", (), "high", "10", "active", "high"),
        ("normal", APPROVE.actions, "high", "10", "active", "normal"),
        ("normal", (), "normal", "10", "active", "normal"),
        ("low", APPROVE.actions, "normal", "5", "passive", "low"),
    ],
)
def test_priority_says_who_is_woken_up(
    priority: str, actions: tuple[Action, ...], android: str, apple: str, level: str, urgency: str
) -> None:
    message = made(priority=priority, actions=actions)

    assert message["android"]["priority"] == android
    assert message["apns"]["headers"]["apns-priority"] == apple
    assert message["apns"]["payload"]["aps"]["interruption-level"] == level
    assert ("sound" in message["apns"]["payload"]["aps"]) is (priority != "low")
    assert message["webpush"]["headers"]["Urgency"] == urgency


def test_every_message_ends_some_day_and_no_later_than_google_keeps_it() -> None:
    message = made(replace(PUSH, ttl=10**9))

    assert message["android"]["ttl"] == f"{LONGEST_TTL}s"
    assert message["apns"]["headers"]["apns-expiration"] == str(int(NOW) + LONGEST_TTL)
    assert message["webpush"]["headers"] == {"TTL": str(LONGEST_TTL), "Urgency": "high", "Topic": "dGFzay00Mg"}
    assert made(replace(PUSH, ttl=-5))["android"]["ttl"] == "0s"


def test_google_is_asked_to_collapse_nothing_on_android() -> None:
    assert set(made()["android"]) == {"priority", "ttl"}


# --- its size ---------------------------------------------------------------------------------------------------------
texts = st.text(st.characters(), max_size=40).flatmap(lambda text: st.integers(1, 400).map(lambda times: text * times))
comments: st.SearchStrategy[CommentRule] = st.sampled_from(["none", "optional", "required"])
buttons = st.lists(st.builds(Action, st.text(max_size=60), texts, st.just("final"), comments), max_size=12)


@given(title=texts, body=texts, brand=texts, actions=buttons, thread=texts)
def test_any_unicode_of_any_size_gives_a_valid_message_with_token_and_link(
    title: str, body: str, brand: str, actions: list[Action], thread: str
) -> None:
    logo = {"name": brand, "logo_url": "https://acme.example/" + "x" * 479}
    message = made(title=title, short_body=body, brand=logo, actions=tuple(actions), thread=thread)

    assert what_is_wrong_with(message) == ""
    json.dumps(message, ensure_ascii=False).encode()  # nothing that UTF-8 could not say
    assert message["data"]["link"] == LINK
    assert message["data"]["token"] == TOKEN
    assert len(json.loads(message["data"].get("actions", "[]"))) <= len(actions)


def test_the_body_is_cut_first_between_letters() -> None:
    message = made(short_body="Grüße 👩‍👩‍👧 " * 1000)

    assert message["data"]["title"] == APPROVE.title
    assert [action["title"] for action in json.loads(message["data"]["actions"])] == ["Approve", "Reject"]
    assert message["data"]["body"].endswith("…")
    assert message["data"]["body"].removesuffix("…").rstrip() in "Grüße 👩‍👩‍👧 " * 1000
    assert len(message["data"]["body"].encode()) > 1000
    assert message["apns"]["payload"]["aps"]["alert"]["body"] == message["data"]["body"]


def test_a_message_that_is_nothing_but_link_is_refused() -> None:
    with pytest.raises(TransportError, match="does not fit into 4096 bytes") as refused:
        made(replace(PUSH, link="https://push.example/" + "x" * 5000))

    assert refused.value.permanent


# --- what Google answers ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("address", ["gone", "invalid", "sender"])
async def test_a_device_that_is_not_there_any_more_is_dropped(fcm: Fcm, google: Google, address: str) -> None:
    assert type(await fault(fcm, address)) is RecipientGone


async def test_an_app_of_another_project_is_told_to_operators_too(fcm: Fcm, caplog: pytest.LogCaptureFixture) -> None:
    assert ACME in (await fault(fcm, "sender")).detail

    assert any("fcm_sender_id_mismatch" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("address", ["bad", "both"])
async def test_a_message_that_google_finds_wrong_is_our_fault_and_the_device_stays(fcm: Fcm, address: str) -> None:
    refused = await fault(fcm, address)

    assert type(refused) is TransportError
    assert refused.permanent
    assert "Firebase finds the message wrong: " in refused.detail


@pytest.mark.parametrize(
    ("address", "wait"),
    [
        ("quota", 7.0),
        ("slow", QUOTA_PAUSE),
        ("unavailable", 31.0),
        ("internal", PAUSE),
        ("gateway", PAUSE),
        ("proxy", PAUSE),
    ],
)
async def test_what_passes_is_tried_again_after_as_long_as_google_asks(
    fcm: Fcm, google: Google, address: str, wait: float
) -> None:
    started = time.monotonic()
    refused = await fault(fcm, address)

    assert type(refused) is TransportError
    assert not refused.permanent
    assert refused.retry_after == wait
    assert sum(google.tries.values()) == 1  # the outbox tries again, not firebase-admin
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("unsigned", "invalid authentication credentials"),
        ("disabled", "API has not been used"),
        ("noproject", "Project not found"),
    ],
)
async def test_a_refused_service_account_is_ours_to_mend(fcm: Fcm, address: str, said: str) -> None:
    refused = await fault(fcm, address)

    assert type(refused) is ServiceRefuses
    assert said in refused.detail
    assert ACME in refused.detail


async def test_apples_refusal_stops_iphones_and_no_others(fcm: Fcm, google: Google) -> None:
    refused = await fault(fcm, "apple", "ios")

    assert type(refused) is ServiceRefuses
    assert "Android devices are not affected" in refused.detail
    assert google.tries == {"apple-phone": 1}  # signing in again would not help
    services = {platform: fcm.service_of(replace(PHONE, platform=platform)) for platform in ("android", "ios", "web")}
    assert services == {"android": ACME, "ios": f"{ACME}/apns", "web": f"{ACME}/webpush"}
    await fcm.send(PHONE, PUSH)


async def test_a_service_account_that_may_not_sign_in_is_ours_to_mend(fcm: Fcm, google: Google) -> None:
    google.sign_in_answers = [(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."})]
    refused = await fault(fcm, "any")

    assert type(refused) is ServiceRefuses
    assert "invalid_grant: Invalid JWT Signature." in refused.detail
    await fcm.send(PHONE, PUSH)  # once it is mended


async def test_a_sign_in_that_fails_at_google_is_tried_again(
    fcm: Fcm, google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("google.auth._exponential_backoff.time.sleep", lambda seconds: None)
    google.sign_in_answers = [(503, {"error": "internal_failure"})] * 3
    refused = await fault(fcm, "any")

    assert type(refused) is TransportError
    assert refused.retry_after == PAUSE


async def test_nobody_listening_is_tried_again(fcm: Fcm, google: Google, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messaging._MessagingService, "FCM_URL", "http://127.0.0.1:9/v1/projects/{0}/messages:send")
    refused = await fault(fcm, "any")

    assert type(refused) is TransportError
    assert not refused.permanent
    assert refused.detail == "Firebase did not take it: No connection to 127.0.0.1: connection refused."


async def test_a_google_that_says_nothing_is_tried_again(
    fcm: Fcm, google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifications.transports.fcm.DEADLINE", 0.2)
    google.sign_in_takes = 1.0
    refused = await fault(fcm, "any")

    assert type(refused) is TransportError
    assert not refused.permanent
    assert "did not answer" in refused.detail


async def test_a_device_of_a_project_that_was_taken_out_says_so(fcm: Fcm) -> None:
    with pytest.raises(TransportError, match="no service account for the Firebase project “zenith-prod”") as refused:
        await fcm.send(replace(PHONE, sender="zenith-prod"), PUSH)

    assert refused.value.permanent
    assert not isinstance(refused.value, RecipientGone)


async def test_an_address_that_is_none_is_refused_before_it_is_sent(fcm: Fcm) -> None:
    with pytest.raises(TransportError, match="Refused before it was sent") as refused:
        await fcm.send(replace(PHONE, address=""), PUSH)

    assert refused.value.permanent


async def test_one_dead_device_does_not_delay_another(fcm: Fcm, google: Google) -> None:
    addresses = [replace(PHONE, address=f"{name}-{number}") for number in range(20) for name in ("gone", "alices")]
    results = await asyncio.gather(*(fcm.send(address, PUSH) for address in addresses), return_exceptions=True)

    assert [type(result) for result in results] == [RecipientGone, type(None)] * 20
    assert len(google.messages) == 20


def test_one_transport_serves_one_event_loop_after_another(google: Google, settings: LazySettings) -> None:
    settings.FIREBASE_CREDENTIALS = service_accounts.read(json.dumps(google.account(ACME)))
    fcm = Fcm()
    assert fcm.is_set_up()
    for _ in range(2):
        asyncio.run(fcm.send(PHONE, PUSH))

    assert len(google.messages) == 2
    settings.FIREBASE_CREDENTIALS = {}
    assert not fcm.is_set_up()
    assert firebase.project_of("acme") is None
