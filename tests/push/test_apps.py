"""Messages to apps, through the dispatcher: what Firebase answers decides what becomes of message and device."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from notifications.answers import respond
from notifications.answers.submission import Answer
from notifications.channels.fcm import config
from notifications.models import Delivery, Device, PausedService
from notifications.people import devices
from notifications.types import NewAddress
from tests.pushlab.fcm import Google, google_on_loopback
from tests.support.devices import dispatch
from tests.support.engines import LOOPBACK
from tests.support.length import some
from tests.support.story import Story

pytestmark = pytest.mark.django_db(transaction=True)

PROJECT = "acme-apps"


@pytest.fixture
def google(settings: Settings) -> Iterator[Google]:
    settings.PUSH_ALLOWED_CIDRS = LOOPBACK
    with google_on_loopback() as google:
        settings.FIREBASE_CREDENTIALS = config.accounts_in(json.dumps(google.account(PROJECT)))
        yield google


@pytest.fixture
def story(google: Google) -> Story:
    return Story.begin()


def app_of(story: Story, token: str) -> Device:
    new = NewAddress("fcm", token, "token", PROJECT, platform="android")
    return devices.register(story.bob, new, name="App on Android", now=timezone.now())[0]


def test_bobs_phone_gets_the_task_and_answers_it(story: Story, google: Google) -> None:
    phone = app_of(story, "bobs-phone")
    story.assign()
    dispatch()

    ((project, message),) = google.messages
    assert project == PROJECT and message["data"]["title"] == story.copy(story.bob).title
    recorded = respond.take_with_token(message["data"]["token"], Answer("approve"), now=timezone.now())
    assert recorded.response.via == "fcm"
    assert recorded.response.delivery is not None and recorded.response.delivery.device == phone
    assert Delivery.objects.get(channel="fcm").state == "delivered"


def test_bobs_phone_is_sent_no_more_than_it_may_show_and_makes_no_sound(story: Story, google: Google) -> None:
    phone = app_of(story, "bobs-phone")
    Device.objects.filter(pk=phone.pk).update(lock_screen="nothing", silent=True)
    story.assign(priority="urgent")
    dispatch()

    ((_, message),) = google.messages
    assert "invoice" not in json.dumps(message) and "pprove" not in message["data"]["actions"]
    assert message["data"]["silent"] == "true" and message["data"]["channel"] == "silent"
    assert "token" not in message["data"] and message["data"]["link"].endswith(f"{story.copy(story.bob).pk}?by=fcm")
    aps = message["apns"]["payload"]["aps"]
    assert "sound" not in aps and aps["interruption-level"] == "passive"
    assert aps["alert"] == {"title": "wfpush", "body": "There is news in your inbox."}


def test_google_keeps_it_no_longer_than_the_task_takes_answers(story: Story, google: Google) -> None:
    app_of(story, "bobs-phone")
    over_at = timezone.now() + timedelta(hours=1)
    story.assign(expires_at=over_at.isoformat())
    dispatch()

    ((_, message),) = google.messages
    assert 3000 <= float(message["android"]["ttl"].removesuffix("s")) <= 3600
    assert int(message["webpush"]["headers"]["TTL"]) <= 3600
    assert int(message["apns"]["headers"]["apns-expiration"]) <= over_at.timestamp()


def test_without_leave_to_answer_there_google_sees_no_token(story: Story, google: Google) -> None:
    app_of(story, "bobs-phone")
    story.assign("T-41")
    route = story.copy(story.bob, "T-41").route
    assert route is not None
    type(route).objects.update(answer_from_push=False)
    Delivery.objects.all().delete()
    story.assign("T-42")
    dispatch()

    ((_, message),) = google.messages
    assert "wfa_" not in json.dumps(message) and json.loads(message["data"]["actions"])


@pytest.mark.parametrize(
    ("begins", "state", "device_stays", "paused"),
    some(
        [
            ("gone", "suppressed", False, False),
            ("sender", "suppressed", False, False),
            ("invalid", "suppressed", False, False),
            ("notoken", "suppressed", False, False),
            ("bad", "dead", True, False),
            ("both", "dead", True, False),
            ("quota", "pending", True, False),
            ("slow", "pending", True, False),
            ("unavailable", "pending", True, False),
            ("internal", "pending", True, False),
            ("gateway", "pending", True, False),
            ("unsigned", "dead", True, True),
            ("disabled", "dead", True, True),
            ("noproject", "dead", True, True),
        ],
        6,
    ),
)
def test_what_google_answers_decides(story: Story, begins: str, state: str, device_stays: bool, paused: bool) -> None:
    app_of(story, f"{begins}-phone")
    story.assign()
    dispatch()

    row, mail = Delivery.objects.get(channel="fcm"), Delivery.objects.get(channel="email")
    assert (row.state, Device.objects.exists(), PausedService.objects.exists()) == (state, device_stays, paused)
    assert row.reason, "it says why"
    assert (mail.due_at is not None) == (state != "pending"), "the mail takes over when the app is out of reach"


def test_a_person_without_an_app_gets_no_row_where_there_is_no_firebase(settings: Settings) -> None:
    settings.FIREBASE_CREDENTIALS = config.accounts_in("")
    Story.begin().assign()

    assert not Delivery.objects.filter(channel="fcm").exists()
