"""Alice's phone gets messages through Firebase, and what each of Google's answers means for it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest
from django.conf import LazySettings
from firebase_admin import messaging

from notifications.channels.fcm import config
from notifications.channels.fcm.accounts import project_of
from notifications.channels.fcm.channel import Fcm
from notifications.channels.fcm.sending import PAUSE, QUOTA_PAUSE
from notifications.errors import RecipientGone, ServiceRefuses, TransportError
from notifications.types import PushAddress
from tests.notifications.channels.test_fcm_message import ACME, APPROVE, LINK, PHONE, PUSH, REVISION, TOKEN
from tests.pushlab.fcm import Google, google_on_loopback


@pytest.fixture
def google(settings: LazySettings) -> Iterator[Google]:
    settings.PUSH_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]
    with google_on_loopback() as google:
        yield google


@pytest.fixture
async def fcm(google: Google, settings: LazySettings) -> AsyncIterator[Fcm]:
    settings.FIREBASE_CREDENTIALS = config.accounts_in(json.dumps(google.account(ACME)))
    fcm = Fcm()
    yield fcm
    await fcm.close()


async def fault(fcm: Fcm, address: str, platform: str = "android") -> TransportError:
    with pytest.raises(TransportError) as caught:
        await fcm.send(PushAddress(f"{address}-phone", "token", ACME, platform), PUSH)
    return caught.value


# --- what arrives -----------------------------------------------------------------------------------------------------
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
        "revision": REVISION,
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


# --- what Google answers ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("address", "kind", "said"),
    [
        ("gone", RecipientGone, "no longer registered"),
        ("invalid", RecipientGone, "does not know this address"),
        ("sender", RecipientGone, ACME),
        ("bad", TransportError, "Firebase rejects the message: "),
        ("both", TransportError, "Firebase rejects the message: "),
        ("unsigned", ServiceRefuses, f"“{ACME}”: Request had invalid authentication credentials"),
        ("disabled", ServiceRefuses, f"“{ACME}”: Firebase Cloud Messaging API has not been used"),
        ("noproject", ServiceRefuses, f"“{ACME}”: Project not found"),
    ],
)
async def test_refusals(
    fcm: Fcm, caplog: pytest.LogCaptureFixture, address: str, kind: type[TransportError], said: str
) -> None:
    refused = await fault(fcm, address)

    assert (type(refused), refused.permanent) == (kind, kind is not ServiceRefuses)
    assert said in refused.detail
    assert ("fcm_sender_id_mismatch" in caplog.text) == (address == "sender"), "operators read of it"


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


async def test_apples_refusal_stops_iphones_and_no_others(fcm: Fcm, google: Google) -> None:
    refused = await fault(fcm, "apple", "ios")

    assert type(refused) is ServiceRefuses
    assert "Android is unaffected" in refused.detail
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
    assert refused.detail == "Firebase did not accept it: No connection to 127.0.0.1: connection refused."


async def test_a_google_that_says_nothing_is_tried_again(
    fcm: Fcm, google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifications.channels.fcm.sending.DEADLINE", 0.2)
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
    settings.FIREBASE_CREDENTIALS = config.accounts_in(json.dumps(google.account(ACME)))
    fcm = Fcm()
    assert fcm.is_set_up()
    for _ in range(2):
        asyncio.run(fcm.send(PHONE, PUSH))

    assert len(google.messages) == 2
    settings.FIREBASE_CREDENTIALS = {}
    assert not fcm.is_set_up()
    assert project_of("acme") is None
