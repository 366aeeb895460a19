"""Messages reach Bob's and Carol's browsers, each ends as one thing, and what they show follows what happens."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from asgiref.sync import async_to_sync
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from notifications import devices, pauses, push, respond, trial
from notifications.errors import Expired
from notifications.models import (
    ActionToken,
    CallbackState,
    Delivery,
    DeliveryAttempt,
    Device,
    EventType,
    EventVariable,
    PausedService,
    TemplateVersion,
)
from notifications.respond import Answer
from notifications.types import Json
from tests.support.devices import PushHost, dispatch, push_host
from tests.support.engines import LOOPBACK
from tests.support.story import Story

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as coordinates:
        yield coordinates


@pytest.fixture
def host(settings: Settings, clock: time_machine.Traveller) -> Iterator[PushHost]:
    settings.PUSH_ALLOWED_CIDRS = LOOPBACK
    settings.PUSH_ALLOWED_HOSTS = ["127.0.0.1"]
    with push_host() as started:
        yield started


@pytest.fixture
def story(host: PushHost) -> Story:
    return Story.begin()


def ledger(story: Story, person: str = "bob") -> dict[str, tuple[str, str]]:
    """Channel, with the device's name, to state and reason of a person's rows."""
    rows = Delivery.objects.filter(recipient__ref=person).order_by("pk")
    return {f"{row.channel} {row.shown_to}".strip(): (row.state, row.reason) for row in rows}


def settled(clock: time_machine.Traveller, seconds: float = 1) -> None:
    clock.shift(timedelta(seconds=seconds))
    dispatch()


# --- what arrives ---------------------------------------------------------------------------------
def test_an_approval_reaches_bobs_browser_with_its_buttons(story: Story, host: PushHost) -> None:
    host.subscribe(story.bob, "firefox")
    story.assign(priority="urgent", due_at="2026-11-25T16:00:00Z")
    dispatch()

    (shown,) = host.shown("firefox")
    copy = story.copy(story.bob)
    assert shown["title"] == copy.title and shown["body"] == copy.short_body
    assert [action["action"] for action in shown["actions"]][:2] == ["approve", "reject"]
    assert (shown["kind"], shown["priority"], shown["Urgency"]) == ("message", "urgent", "high")
    assert shown["link"].endswith(f"/n/{copy.pk}") and shown["unread"] == 1
    assert shown["Topic"] == shown["tag"]
    assert int(shown["TTL"]) == 28 * 3600, "a day past due"
    assert ledger(story)["webpush firefox"] == ("delivered", "")


@pytest.mark.parametrize(
    ("due_at", "hours"), [(None, 72), ("2026-11-24T11:00:00Z", 4), ("2027-11-24T12:00:00Z", 28 * 24)]
)
def test_push_services_keep_it_a_day_past_due_but_neither_briefly_nor_for_ever(
    story: Story, host: PushHost, due_at: str | None, hours: int
) -> None:
    host.subscribe(story.bob, "firefox")
    story.assign(due_at=due_at)
    dispatch()

    assert int(host.shown("firefox")[0]["TTL"]) == hours * 3600


def test_all_devices_of_bob_hear_at_once_and_the_mail_waits(story: Story, host: PushHost) -> None:
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


def test_bob_answers_from_the_lock_screen_and_the_trace_knows_where(story: Story, host: PushHost) -> None:
    firefox = host.subscribe(story.bob, "firefox")
    story.assign()
    dispatch()
    recorded = respond.respond_with_token(host.shown("firefox")[0]["token"], Answer("approve"), now=timezone.now())

    assert recorded.response.via == "webpush"
    assert recorded.response.delivery is not None and recorded.response.delivery.device == firefox


def test_a_route_may_forbid_answering_from_the_lock_screen(story: Story, host: PushHost) -> None:
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


def test_without_words_of_a_template_a_sensitive_name_still_stays_off_the_lock_screen(
    story: Story, host: PushHost
) -> None:
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
def test_a_browser_that_is_gone_is_removed_and_the_mail_takes_over(story: Story, host: PushHost, status: int) -> None:
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


def test_the_mail_takes_over_only_when_the_last_device_has_failed(
    story: Story, host: PushHost, clock: time_machine.Traveller
) -> None:
    host.subscribe(story.bob, "firefox")
    host.subscribe(story.bob, "phone")
    host.answer("firefox", 410)
    host.answer("phone", 503, 410)
    story.assign()
    dispatch()
    assert Delivery.objects.get(channel="email").due_at is None

    settled(clock, 10)
    assert Delivery.objects.get(channel="email").due_at is not None


def test_without_any_device_the_mail_goes_at_once(story: Story) -> None:
    story.assign()

    assert ledger(story)["webpush"] == ("suppressed", "No browser is registered.")
    assert Delivery.objects.get(channel="email").due_at is not None


def test_what_a_service_cannot_take_now_is_tried_again_and_in_the_end_given_up(
    story: Story, host: PushHost, clock: time_machine.Traveller
) -> None:
    host.subscribe(story.bob, "firefox")
    host.answer("firefox", 500)
    story.assign()
    for _ in range(40):
        settled(clock, 310)

    assert ledger(story)["webpush firefox"][0] == "dead"
    attempts = DeliveryAttempt.objects.filter(delivery__channel="webpush")
    assert attempts.count() >= 8 and not attempts.filter(ended_at=None).exists()
    assert Delivery.objects.get(channel="email").due_at is not None
    assert Device.objects.get().last_fault.startswith(f"{host.service} does not work")


def test_a_service_that_asks_to_wait_is_not_asked_before(
    story: Story, host: PushHost, clock: time_machine.Traveller
) -> None:
    host.subscribe(story.bob, "firefox")
    host.answer("firefox", (429, {"Retry-After": "120"}), 201)
    story.assign()
    dispatch()
    settled(clock, 119)
    assert host.tries["firefox"] == 1

    settled(clock, 2)
    assert len(host.shown("firefox")) == 1


def test_too_large_a_message_goes_once_more_without_its_text(story: Story, host: PushHost) -> None:
    host.subscribe(story.bob, "firefox")
    host.answer("firefox", 413, 201)
    story.assign()
    dispatch()

    (shown,) = host.shown("firefox")
    assert shown["token"] and shown["link"] and not shown.get("body")
    assert DeliveryAttempt.objects.filter(delivery__channel="webpush").count() == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_service_that_refuses_our_key_is_paused_and_others_hear_by_mail(
    story: Story, host: PushHost, clock: time_machine.Traveller, status: int
) -> None:
    host.subscribe(story.bob, "firefox")
    story.alice.email = ""
    story.alice.save()
    host.subscribe(story.alice, "alices")
    host.answer("firefox", status)
    host.answer("alices", status)
    story.assign("T-41")
    dispatch()
    paused = PausedService.objects.get()
    assert (paused.service, paused.until) == (host.service, NOON + pauses.FIRST)
    assert ledger(story)["webpush firefox"][0] == "dead" and Delivery.objects.get(channel="email").due_at is not None

    story.assign("T-42", assignee="alice")  # she has no other channel: hers waits
    dispatch()
    assert host.tries["alices"] == 0
    assert ledger(story, "alice")["webpush alices"][0] == "pending"

    host.answer("alices", 201)
    settled(clock, pauses.FIRST.total_seconds() + 1)
    assert len(host.shown("alices")) == 1 and not PausedService.objects.exists()


def test_a_service_that_has_just_worked_is_not_paused_for_one_browser(story: Story, host: PushHost) -> None:
    host.subscribe(story.bob, "firefox")
    host.subscribe(story.carol, "carols")
    host.answer("carols", 403)
    story.assign("T-41")
    story.assign("T-42", assignee="carol")
    Delivery.objects.filter(channel="webpush", recipient=story.carol).update(due_at=NOON + timedelta(seconds=1))
    async_to_sync(first_bob_then_carol)()

    assert len(host.shown("firefox")) == 1 and ledger(story, "carol")["webpush carols"][0] == "dead"
    assert not PausedService.objects.exists()


async def first_bob_then_carol() -> None:
    await push.drain()
    await push.landed()
    with time_machine.travel(NOON + timedelta(seconds=2), tick=False):
        await push.drain()
        await push.close()


def test_one_dead_service_does_not_hold_up_another(story: Story, host: PushHost) -> None:
    with push_host() as dead:
        dead.subscribe(story.carol, "carols")
        dead_url = dead.url
    host.subscribe(story.bob, "firefox")
    story.assign(assignee=None, candidates=["bob", "carol"])
    dispatch()

    assert dead_url and len(host.shown("firefox")) == 1
    assert ledger(story, "carol")["webpush carols"][0] == "pending"


# --- what devices show follows --------------------------------------------------------------------
def last(host: PushHost, name: str) -> Json:
    return host.shown(name)[-1]


def test_carols_browser_says_who_approved(story: Story, host: PushHost, clock: time_machine.Traveller) -> None:
    host.subscribe(story.bob, "firefox")
    host.subscribe(story.carol, "carols")
    story.assign(assignee=None, candidates=["bob", "carol"])
    dispatch()
    story.answer(story.bob, "approve")
    settled(clock)

    replaced = last(host, "carols")
    assert (replaced["kind"], replaced["state"], replaced["tag"]) == (
        "replacement",
        "answered",
        host.shown("carols")[0]["tag"],
    )
    assert replaced["body"] == "Already approved by Bob at 12:00."
    assert not replaced.get("actions") and "token" not in replaced
    assert last(host, "firefox")["body"] == "Approved. Waiting for the engine."
    assert ledger(story, "carol")["webpush carols"] == ("delivered", ""), "the ledger's row stays what it was"


def test_an_answer_and_the_engines_yes_are_one_replacement(
    story: Story, host: PushHost, clock: time_machine.Traveller
) -> None:
    host.subscribe(story.bob, "firefox")
    story.assign()
    dispatch()
    recorded = story.answer(story.bob, "approve")
    with transaction.atomic():
        respond.engine_has_it(recorded.response.pk, CallbackState.DELIVERED, "", timezone.now())
    settled(clock)

    assert [each["body"] for each in host.shown("firefox")[1:]] == ["Approved. The engine has it."]
    settled(clock)
    assert len(host.shown("firefox")) == 2


def test_a_withdrawn_task_is_taken_off_the_screen(story: Story, host: PushHost, clock: time_machine.Traveller) -> None:
    host.subscribe(story.bob, "firefox")
    story.assign()
    dispatch()
    token = host.shown("firefox")[0]["token"]
    story.assign(minute=1, assignee="carol")
    settled(clock)

    assert last(host, "firefox")["state"] == "withdrawn" and "Carol" in last(host, "firefox")["body"]
    with pytest.raises(Expired):
        respond.respond_with_token(token, Answer("approve"), now=timezone.now())


def test_a_changed_due_date_is_shown_silently_and_urgency_aloud(
    story: Story, host: PushHost, clock: time_machine.Traveller
) -> None:
    host.subscribe(story.bob, "firefox")
    story.assign()
    dispatch()
    story.happen("task.updated", {"task": {"id": "T-42", "name": "Approve invoice 4712"}}, minute=1)
    settled(clock)
    assert (last(host, "firefox")["kind"], last(host, "firefox")["title"]) == ("replacement", "Approve invoice 4712")
    assert last(host, "firefox")["token"] and last(host, "firefox")["actions"]

    story.happen("task.updated", {"task": {"id": "T-42", "priority": "urgent"}}, minute=2)
    settled(clock)
    assert (last(host, "firefox")["kind"], last(host, "firefox")["priority"]) == ("message", "urgent")
    assert len(host.shown("firefox")) == 3


def test_what_was_never_sent_needs_no_replacement(story: Story, host: PushHost, clock: time_machine.Traveller) -> None:
    host.subscribe(story.bob, "firefox")
    story.assign()
    story.answer(story.bob, "approve")
    settled(clock)

    assert host.tries["firefox"] == 0
    assert ledger(story)["webpush firefox"][0] == "superseded"
    assert ledger(story)["email bob@example.org"][0] == "superseded"


def test_an_answer_given_while_the_message_was_under_way_still_reaches_the_screen(
    story: Story, host: PushHost, clock: time_machine.Traveller
) -> None:
    host.subscribe(story.bob, "firefox")
    story.assign()
    take = host.take

    def answer_meanwhile(*call: object) -> tuple[int, dict[str, str]]:
        host.take = take  # type: ignore[method-assign]
        story.answer(story.bob, "approve")
        return take(*call)  # type: ignore[arg-type]

    host.take = answer_meanwhile  # type: ignore[method-assign]
    dispatch()
    settled(clock)

    assert [each["kind"] for each in host.shown("firefox")] == ["message", "replacement"]
    assert ledger(story)["webpush firefox"][0] == "superseded"


def test_a_change_while_the_message_was_under_way_is_shown_too(
    story: Story, host: PushHost, clock: time_machine.Traveller
) -> None:
    host.subscribe(story.bob, "firefox")
    story.assign()
    take = host.take

    def change_meanwhile(*call: object) -> tuple[int, dict[str, str]]:
        host.take = take  # type: ignore[method-assign]
        story.happen("task.updated", {"task": {"id": "T-42", "name": "Approve invoice 4712"}}, minute=1)
        return take(*call)  # type: ignore[arg-type]

    host.take = change_meanwhile  # type: ignore[method-assign]
    dispatch()
    settled(clock)

    assert [each["title"] for each in host.shown("firefox")] == ["Approve invoice 4711", "Approve invoice 4712"]
    assert ledger(story)["webpush firefox"] == ("delivered", "")
    assert not Delivery.objects.filter(outdated=True).exists()


def test_a_replacement_that_fails_is_tried_again(story: Story, host: PushHost, clock: time_machine.Traveller) -> None:
    host.subscribe(story.bob, "firefox")
    story.assign()
    dispatch()
    story.answer(story.bob, "approve")
    host.answer("firefox", 503, 201)
    settled(clock)
    assert len(host.shown("firefox")) == 1

    settled(clock, 25)
    assert last(host, "firefox")["kind"] == "replacement"


# --- devices go -----------------------------------------------------------------------------------
def test_after_signing_out_the_shown_message_answers_nothing(story: Story, host: PushHost) -> None:
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
        respond.respond_with_token(host.shown("firefox")[0]["token"], Answer("approve"), now=timezone.now())


def test_a_deactivated_person_gets_nothing_more(story: Story, host: PushHost) -> None:
    host.subscribe(story.bob, "firefox")
    story.assign()
    type(story.bob).objects.filter(pk=story.bob.pk).update(active=False)
    dispatch()

    assert host.tries["firefox"] == 0 and ledger(story)["webpush firefox"][0] == "suppressed"


def test_what_is_too_old_is_not_sent(story: Story, host: PushHost, clock: time_machine.Traveller) -> None:
    host.subscribe(story.bob, "firefox")
    story.assign()
    settled(clock, 4 * 24 * 3600)

    assert host.tries["firefox"] == 0 and ledger(story)["webpush firefox"][0] == "expired"


def test_a_test_message_says_on_the_device_how_it_went(
    story: Story, host: PushHost, clock: time_machine.Traveller
) -> None:
    firefox = host.subscribe(story.bob, "firefox")
    trial.ask(firefox, timezone.now())
    dispatch()
    firefox.refresh_from_db()
    assert host.shown("firefox")[0]["kind"] == "test"
    assert (firefox.due_at, firefox.last_fault, firefox.last_sent_at) == (None, "", NOON)

    host.answer("firefox", 500)
    trial.ask(firefox, timezone.now())
    dispatch()
    firefox.refresh_from_db()
    assert firefox.due_at is None and firefox.last_fault.startswith(f"{host.service} does not work")
