"""Messages reach Bob's and Carol's browsers, and each ends as one thing."""

from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from asgiref.sync import async_to_sync
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from notifications.answers import respond
from notifications.answers.submission import Answer
from notifications.channels import registry
from notifications.channels.webpush import checks
from notifications.delivery import device_test, service_pauses
from notifications.delivery.engine import Engine
from notifications.errors import Expired
from notifications.items import lifetime
from notifications.models import (
    ActionToken,
    Delivery,
    DeliveryAttempt,
    Device,
    EventType,
    EventVariable,
    Farewell,
    PausedService,
    TemplateVersion,
)
from notifications.people import devices
from notifications.reasons import Reason
from tests.push.books import Host, ledger
from tests.push.conftest import NOON
from tests.support.devices import dispatch, push_host
from tests.support.story import Story

pytestmark = pytest.mark.django_db(transaction=True)


# --- what arrives ---------------------------------------------------------------------------------
def test_an_approval_reaches_bobs_browser_with_its_buttons(story: Story, host: Host) -> None:
    host.tell_bob(story, priority="urgent", due_at="2026-11-25T16:00:00Z")

    (shown,) = host.shown("firefox")
    copy = story.copy(story.bob)
    assert shown["title"] == copy.title and shown["body"] == f"€1,200.50\n{copy.short_body}"
    assert [action["action"] for action in shown["actions"]][:2] == ["approve", "reject"]
    assert (shown["kind"], shown["priority"], shown["Urgency"]) == ("message", "urgent", "high")
    assert shown["link"].endswith(f"/n/{copy.pk}?by=webpush") and shown["unread"] == 1
    assert shown["Topic"] == shown["tag"]
    assert int(shown["TTL"]) == 28 * 3600, "a day past due"
    assert ledger(story)["webpush firefox"] == ("delivered", "")


@pytest.mark.parametrize(
    ("due_at", "hours"), [(None, 72), ("2026-11-24T11:00:00Z", 4), ("2027-11-24T12:00:00Z", 28 * 24)]
)
def test_push_services_keep_it_a_day_past_due_but_neither_briefly_nor_for_ever(
    story: Story, host: Host, due_at: str | None, hours: int
) -> None:
    host.tell_bob(story, due_at=due_at)

    assert int(host.shown("firefox")[0]["TTL"]) == hours * 3600


def test_one_number_says_how_long_messages_are_worth_sending(
    story: Story, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifetime, "USUAL", timedelta(hours=6))
    host.tell_bob(story, due_at=None)

    row = Delivery.objects.get(channel="webpush")
    assert row.expires_at is not None
    assert row.expires_at - NOON < timedelta(hours=6, minutes=1)
    assert int(host.shown("firefox")[0]["TTL"]) == 6 * 3600


@pytest.mark.parametrize(
    ("expires_at", "seconds"), [("2026-11-25T12:30:00Z", 1800), ("2026-11-27T12:00:00Z", 48 * 3600)]
)
def test_push_services_keep_it_no_longer_than_the_task_takes_answers(
    story: Story, host: Host, expires_at: str, seconds: int
) -> None:
    host.tell_bob(story, due_at="2026-12-01T12:00:00Z", expires_at=expires_at)

    assert int(host.shown("firefox")[0]["TTL"]) == seconds


def test_what_waited_until_the_task_takes_no_answers_is_not_sent_by_any_channel(story: Story, host: Host) -> None:
    host.subscribe(story.bob, "firefox")
    host.answer("firefox", 503)
    story.assign(expires_at="2026-11-25T12:30:00Z")
    dispatch()
    host.answer("firefox", 201)
    host.settled(1800)
    async_to_sync(Engine(registry.person_channels()).drained)()

    assert not host.shown("firefox"), "however late the task is told that it expired"
    assert [ledger(story)[name][0] for name in ("webpush firefox", "email bob@example.org")] == ["expired", "expired"]


def test_all_devices_of_bob_hear_at_once_and_the_mail_waits(story: Story, host: Host) -> None:
    host.subscribe(story.bob, "firefox")
    host.subscribe(story.bob, "phone")
    host.answer("phone", 503)
    story.assign()
    dispatch()

    assert len(host.shown("firefox")) == 1
    assert ledger(story) == {
        "live": ("delivered", ""),
        "webpush firefox": ("delivered", ""),
        "webpush phone": ("pending", f"{host.service} does not work at present: 503"),
        "email bob@example.org": ("suppressed", "Reached in another way"),
    }


def test_bob_answers_from_the_lock_screen_and_the_trace_knows_where(story: Story, host: Host) -> None:
    firefox = host.subscribe(story.bob, "firefox")
    story.assign()
    dispatch()
    recorded = respond.take_with_token(host.shown("firefox")[0]["token"], Answer("approve"), now=timezone.now())

    assert recorded.response.via == "webpush"
    assert recorded.response.delivery is not None and recorded.response.delivery.device == firefox


def test_a_route_may_forbid_answering_from_the_lock_screen(story: Story, host: Host) -> None:
    host.subscribe(story.bob, "firefox")
    story.assign("T-41")
    copy = story.copy(story.bob, "T-41")
    assert copy.route is not None
    copy.route.answer_from_push = False
    copy.route.save()
    story.assign("T-42")
    dispatch()

    free, bound = sorted(host.shown("firefox"), key=lambda shown: "token" not in shown)
    assert "token" in free and "token" not in bound
    assert [action["action"] for action in bound["actions"]][:2] == ["approve", "reject"], "they open the item"
    assert ActionToken.objects.filter(notification=story.copy(story.bob, "T-42")).count() == 0


def test_without_words_of_a_template_a_sensitive_name_still_stays_off_the_lock_screen(story: Story, host: Host) -> None:
    host.subscribe(story.bob, "firefox")
    EventVariable.objects.update_or_create(
        event_type=EventType.objects.get(name="task.assigned"), path="task.name", defaults={"sensitive": True}
    )
    TemplateVersion.objects.update(state="draft", published_at=None)
    story.assign()
    dispatch()

    (shown,) = host.shown("firefox")
    assert shown["title"] == "task.assigned" and "4711" not in shown["body"]


# --- what fails -----------------------------------------------------------------------------------
@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_is_gone_is_removed_and_the_mail_takes_over(story: Story, host: Host, status: int) -> None:
    host.subscribe(story.bob, "firefox")
    host.answer("firefox", status)
    story.assign()
    dispatch()

    assert not Device.objects.exists()
    assert ledger(story) == {
        "live": ("delivered", ""),
        "webpush firefox": ("suppressed", f"The browser is no longer subscribed: {status}"),
        "email bob@example.org": ("pending", ""),
    }
    assert Delivery.objects.get(channel="email").due_at == timezone.now()
    assert Device.history.filter(history_type="-").get().history_change_reason.startswith("The browser is no longer")


def test_whatever_a_service_says_of_a_browser_that_is_gone_everything_goes_on(story: Story, host: Host) -> None:
    host.subscribe(story.bob, "firefox")
    host.words["firefox"] = "Gone, " * 700
    host.answer("firefox", 410)
    host.subscribe(story.carol, "carols")
    story.assign(assignee=None, candidates=["bob", "carol"])
    dispatch()

    assert ledger(story)["webpush firefox"][0] == "suppressed" and not Device.objects.filter(name="firefox").exists()
    assert ledger(story, "carol")["webpush carols"][0] == "delivered"


def test_the_mail_does_not_wait_for_a_service_that_asks_for_a_day(story: Story, host: Host) -> None:
    host.subscribe(story.bob, "firefox")
    host.answer("firefox", (429, {"Retry-After": "86400"}))
    story.assign()
    dispatch()

    assert ledger(story)["webpush firefox"][0] == "dead" and Delivery.objects.get(channel="email").due_at is not None


def test_without_another_channel_a_message_is_tried_for_a_day(story: Story, host: Host) -> None:
    host.subscribe(story.alice, "alices")
    host.answer("alices", 503)
    story.assign(assignee="alice")
    for _ in range(10):
        host.settled(2 * 3600)
    assert ledger(story, "alice")["webpush alices"][0] == "pending"

    host.answer("alices", 201)
    host.settled(2 * 3600)
    assert len(host.shown("alices")) == 1


def test_the_mail_takes_over_only_when_the_last_device_has_failed(story: Story, host: Host) -> None:
    host.subscribe(story.bob, "firefox")
    host.subscribe(story.bob, "phone")
    host.answer("firefox", 410)
    host.answer("phone", 503, 410)
    story.assign()
    dispatch()
    assert Delivery.objects.get(channel="email").due_at is None

    host.settled(10)
    assert Delivery.objects.get(channel="email").due_at is not None


def test_without_any_device_the_mail_goes_at_once(story: Story) -> None:
    story.assign()

    assert ledger(story)["webpush"] == ("suppressed", "No browser is registered.")
    assert Delivery.objects.get(channel="email").due_at is not None


def test_what_a_service_cannot_take_now_is_tried_again_and_in_the_end_given_up(story: Story, host: Host) -> None:
    host.subscribe(story.bob, "firefox")
    host.answer("firefox", 500)
    story.assign()
    for _ in range(40):
        host.settled(310)

    assert ledger(story)["webpush firefox"][0] == "dead"
    attempts = DeliveryAttempt.objects.filter(delivery__channel="webpush")
    assert attempts.count() >= 8 and not attempts.filter(ended_at=None).exists()
    assert Delivery.objects.get(channel="email").due_at is not None
    assert Device.objects.get().last_fault.startswith(f"{host.service} does not work")


def test_a_service_that_asks_to_wait_is_not_asked_before(story: Story, host: Host) -> None:
    host.subscribe(story.bob, "firefox")
    host.answer("firefox", (429, {"Retry-After": "120"}), 201)
    story.assign()
    dispatch()
    host.settled(119)
    assert host.tries["firefox"] == 1

    host.settled(2)
    assert len(host.shown("firefox")) == 1


def test_too_large_a_message_goes_once_more_without_its_text(story: Story, host: Host) -> None:
    host.subscribe(story.bob, "firefox")
    host.answer("firefox", 413, 201)
    story.assign()
    dispatch()

    (shown,) = host.shown("firefox")
    assert shown["token"] and shown["link"] and not shown.get("body")
    assert DeliveryAttempt.objects.filter(delivery__channel="webpush").count() == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_service_that_refuses_our_key_is_paused_and_others_hear_by_mail(
    story: Story, host: Host, status: int
) -> None:
    host.subscribe(story.bob, "firefox")
    host.subscribe(story.alice, "alices")  # she has no other channel
    host.answer("firefox", status)
    host.answer("alices", status)
    story.assign("T-41", assignee=None, candidates=["bob", "alice"])
    dispatch()
    host.settled(3)
    paused = PausedService.objects.get()
    assert paused.service == host.service and paused.until >= NOON + service_pauses.FIRST
    assert ledger(story)["webpush firefox"][0] == "dead"
    assert Delivery.objects.get(channel="email", recipient=story.bob).due_at is not None
    assert ledger(story, "alice")["webpush alices"] == ("pending", str(service_pauses.waiting_for(host.service)))
    tried = host.tries["alices"]

    story.assign("T-42", assignee="alice")
    dispatch()
    assert host.tries["alices"] == tried

    host.answer("alices", 201)
    for _ in range(2):  # one tries the service first
        host.settled(service_pauses.FIRST.total_seconds() + 1)
    assert len(host.shown("alices")) == 2 and not PausedService.objects.exists()


def test_nobody_pauses_a_service_of_others_by_an_address_that_it_refuses(story: Story, host: Host) -> None:
    host.subscribe(story.bob, "bobs")
    carols = host.subscribe(story.carol, "carols")
    host.answer("carols", 403)
    device_test.ask(carols, timezone.now())
    story.assign(assignee="carol")
    dispatch()
    assert not PausedService.objects.exists()

    host.answer("bobs", 403)
    story.assign("T-43")
    host.settled(3)
    assert PausedService.objects.get().service == host.service, "it refuses more than one"


def test_a_service_that_has_just_worked_is_not_paused_for_one_browser(story: Story, host: Host) -> None:
    host.subscribe(story.bob, "firefox")
    host.subscribe(story.carol, "carols")
    host.answer("carols", 403)
    story.assign("T-41")
    story.assign("T-42", assignee="carol")
    Delivery.objects.filter(channel="webpush", recipient=story.carol).update(due_at=NOON + timedelta(seconds=1))
    async_to_sync(first_bob_then_carol)()

    assert len(host.shown("firefox")) == 1 and ledger(story, "carol")["webpush carols"][0] == "pending"
    assert not PausedService.objects.exists()


async def first_bob_then_carol() -> None:
    engine = Engine(registry.device_channels())
    await engine.drain()
    await engine.idle()
    with time_machine.travel(NOON + timedelta(seconds=2), tick=False):
        await engine.drain()
        await engine.close()


def test_a_browser_at_a_service_that_is_no_longer_admitted_is_told_to_operators_and_the_mail_takes_over(
    story: Story, host: Host, settings: Settings
) -> None:
    firefox = host.subscribe(story.bob, "firefox")
    address = "https://jmt17.google.com/fcm/send/d1"
    Device.objects.filter(pk=firefox.pk).update(address=address)
    story.assign()
    dispatch()

    reason = "jmt17.google.com is not a push service that is known here (PUSH_ALLOWED_HOSTS)."
    assert ledger(story)["webpush firefox"] == ("dead", reason)
    assert Delivery.objects.get(channel="email").due_at is not None
    assert Device.objects.get().last_fault == reason
    assert checks.not_admitted() == {"jmt17.google.com": 1}
    with pytest.raises(CommandError, match=r"jmt17.google.com is not in PUSH_ALLOWED_HOSTS: .* \(1\) get"):
        call_command("doctor", stdout=StringIO())

    settings.PUSH_ALLOWED_HOSTS = ["jmt17.google.com"]
    assert checks.not_admitted() == {}


def test_one_dead_service_does_not_hold_up_another(story: Story, host: Host) -> None:
    with push_host() as dead:
        dead.subscribe(story.carol, "carols")
        dead_url = dead.url
    host.tell_bob(story, assignee=None, candidates=["bob", "carol"])

    assert dead_url and len(host.shown("firefox")) == 1
    assert ledger(story, "carol")["webpush carols"][0] == "pending"


# --- devices go -----------------------------------------------------------------------------------
def test_after_signing_out_the_shown_message_answers_nothing(story: Story, host: Host) -> None:
    host.subscribe(story.bob, "firefox", session=devices.session_digest("s1"))
    story.assign("T-41")
    dispatch()
    story.assign("T-42")
    devices.sign_out_session("s1", timezone.now())
    dispatch()

    assert host.tries["firefox"] == 1
    assert Delivery.objects.get(channel="webpush", notification__task__task_id="T-42").state == "suppressed"
    assert Delivery.objects.get(channel="email", notification__task__task_id="T-42").due_at is not None
    with pytest.raises(Expired, match="Signed out"):
        respond.take_with_token(host.shown("firefox")[0]["token"], Answer("approve"), now=timezone.now())


def test_a_deactivated_person_gets_nothing_more(story: Story, host: Host) -> None:
    host.subscribe(story.bob, "firefox")
    story.assign()
    type(story.bob).objects.filter(pk=story.bob.pk).update(active=False)
    dispatch()

    assert [each["kind"] for each in host.shown("firefox")] == ["removed"], "its browser is told so, and no more"
    assert ledger(story)["webpush firefox"][0] == "suppressed"


def test_what_is_too_old_is_not_sent(story: Story, host: Host) -> None:
    host.subscribe(story.bob, "firefox")
    story.assign()
    host.settled(4 * 24 * 3600)

    assert host.tries["firefox"] == 0 and ledger(story)["webpush firefox"][0] == "expired"


def test_a_test_message_says_on_the_device_how_it_went(story: Story, host: Host) -> None:
    firefox = host.subscribe(story.bob, "firefox")
    device_test.ask(firefox, timezone.now())
    dispatch()
    firefox.refresh_from_db()
    assert host.shown("firefox")[0]["kind"] == "test"
    assert (firefox.due_at, firefox.last_fault, firefox.last_sent_at) == (None, "", NOON)

    host.answer("firefox", 500)
    device_test.ask(firefox, timezone.now())
    dispatch()
    firefox.refresh_from_db()
    assert firefox.due_at is None and firefox.last_fault.startswith(f"{host.service} does not work")


@pytest.mark.parametrize(
    ("lock_screen", "title", "body", "buttons"),
    [
        ("title", "Approve invoice 4711", "", ["approve", "reject"]),
        ("nothing", "wfpush", "There is news in your inbox.", ["open"]),
    ],
)
def test_a_lock_screen_is_sent_no_more_than_it_may_show(
    story: Story,
    host: Host,
    lock_screen: str,
    title: str,
    body: str,
    buttons: list[str],
) -> None:
    firefox, chrome = host.subscribe(story.bob, "firefox"), host.subscribe(story.bob, "chrome")
    Device.objects.filter(pk=firefox.pk).update(lock_screen=lock_screen, silent=True)
    story.assign(priority="urgent")
    dispatch()
    story.answer(story.bob, "approve")
    host.settled()

    first, over = host.shown("firefox")
    assert (first["title"], first["body"]) == (title, body)
    assert [each["action"] for each in first["actions"]][:2] == buttons
    assert first["silent"] is first["notification"]["silent"] is True
    assert over["kind"] == "replacement" and over["tag"] == first["tag"] and "actions" not in over
    if lock_screen == "nothing":
        assert all("invoice" not in str(each) and "pprove" not in str(each) for each in (first, over))
        assert "token" not in first and over["body"] == "This has ended."
    else:
        assert first["token"] and "Alice" not in str(first) and over["body"] == ""
    others = host.shown("chrome")[0]
    assert others["title"] == "Approve invoice 4711" and others["body"] and "silent" not in others
    assert ledger(story)[f"webpush {chrome.name}"][0] == "delivered"

    device_test.ask(Device.objects.get(pk=firefox.pk), timezone.now())
    dispatch()
    assert (host.shown("firefox")[2]["body"], host.shown("firefox")[2]["silent"]) == (body, True)


# --- the last message -------------------------------------------------------------------------------
def test_a_removed_device_is_told_to_take_away_what_it_shows_and_then_forgotten(story: Story, host: Host) -> None:
    phone = host.subscribe(story.bob, "phone")
    story.assign()
    dispatch()
    devices.end([phone], devices.REMOVED, timezone.now())

    dispatch()

    shown = host.shown("phone")[-1]
    assert (shown["kind"], shown["device"], shown["title"]) == ("removed", str(phone.pk), "This device was removed")
    assert (shown["Topic"], shown["TTL"]) == ("removed", str(28 * 24 * 3600))
    assert "token" not in shown and "actions" not in shown
    assert story.copy(story.bob).title not in str(shown)
    assert not Farewell.objects.exists()


@pytest.mark.parametrize("status", [404, 410, 400])
def test_a_device_that_cannot_be_told_is_forgotten(story: Story, host: Host, status: int) -> None:
    host.answer("phone", status)
    devices.end([host.subscribe(story.bob, "phone")], devices.REMOVED, timezone.now())

    dispatch()

    assert host.tries["phone"] == 1
    assert not Farewell.objects.exists()


def test_telling_is_tried_again_for_a_day_and_no_longer(story: Story, host: Host) -> None:
    host.answer("phone", 503)
    devices.end([host.subscribe(story.bob, "phone")], devices.REMOVED, timezone.now())
    dispatch()
    assert Farewell.objects.get().due_at is not None

    for _ in range(26):
        host.settled(3600)

    assert 20 < host.tries["phone"] < 27
    assert not Farewell.objects.exists()


def test_who_registers_the_address_anew_is_not_told_to_leave(story: Story, host: Host) -> None:
    phone = host.subscribe(story.bob, "phone")
    devices.end([phone], devices.REMOVED, timezone.now())
    host.subscribe(story.carol, "phone")

    dispatch()

    assert host.tries["phone"] == 0
    assert not Farewell.objects.exists()


@pytest.mark.parametrize(
    ("reason", "told"),
    [(devices.NEW_PASSWORD, 1), (devices.ACCOUNT_CLOSED, 1), (devices.SIGNED_OUT, 0), (devices.TOO_MANY, 0)],
)
def test_devices_that_may_be_in_other_hands_are_told(story: Story, host: Host, reason: Reason, told: int) -> None:
    devices.remove([host.subscribe(story.bob, "phone")], reason, timezone.now())

    dispatch()

    assert host.tries["phone"] == told
