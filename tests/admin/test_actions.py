"""What operators start again (events, deliveries, answers, an engine's address) and what they void."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from django.test import Client
from django.utils import timezone

from notifications.inbox.session import BACKEND
from notifications.models import (
    ActionToken,
    Callback,
    CallbackState,
    Case,
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    Engine,
    Event,
    EventStatus,
    Notification,
    RecipientToken,
    Response,
    SignInLink,
    Task,
)
from notifications.reasons import said
from notifications.routing import pipeline
from tests.admin.pages import adding, choose, list_of, page_of, press, text_of
from tests.admin.world import World
from tests.factories import action_token

LEDGERS: list[type[Model]] = [
    Event,
    Task,
    Case,
    Notification,
    Delivery,
    DeliveryAttempt,
    Response,
    Callback,
    ActionToken,
    RecipientToken,
    SignInLink,
]


def test_ledgers_cannot_be_written_even_with_all_rights(day: World, root: Client) -> None:
    action_token(Notification.objects.all()[0], expires_at=day.now + timedelta(days=1))
    for model in LEDGERS:
        row = model._default_manager.all()[0]
        assert root.get(adding(model)).status_code == 403, model
        assert root.post(page_of(row), {"status": "x", "state": "x"}).status_code == 403, model
        assert root.post(page_of(row).replace("/change/", "/delete/"), {"post": "yes"}).status_code == 403, model
        assert "delete_selected" not in root.get(list_of(model)).content.decode(), model


# --- events ---------------------------------------------------------------------------------------------------------
def test_a_failed_event_is_processed_again(day: World, root: Client) -> None:
    event = Event.objects.get(status=EventStatus.FAILED)
    assert "It is processed again." in text_of(press(root, page_of(event, "process_this_again")))
    event.refresh_from_db()
    assert event.status == EventStatus.ACCEPTED
    pipeline.drain()
    event.refresh_from_db()
    assert event.status == EventStatus.PROCESSED
    assert Notification.objects.filter(recipient=day.carol, title__contains="4714").exists()


# --- deliveries -----------------------------------------------------------------------------------------------------
def test_a_dead_delivery_is_sent_again(day: World, root: Client) -> None:
    dead = Delivery.objects.get(state=DeliveryState.DEAD)
    assert "It is sent again." in text_of(press(root, page_of(dead, "resend_this")))
    dead.refresh_from_db()
    assert dead.state == DeliveryState.PENDING
    assert dead.due_at is not None


def test_a_delivery_whose_notification_asks_no_more_is_not_sent(day: World, root: Client) -> None:
    dead = Delivery.objects.get(state=DeliveryState.DEAD)
    Notification.objects.filter(pk=dead.notification_id).update(state="withdrawn")
    assert "Not sent: the notification no longer asks for anything." in text_of(
        press(root, page_of(dead, "resend_this"))
    )
    dead.refresh_from_db()
    assert dead.state == DeliveryState.DEAD


# --- answers --------------------------------------------------------------------------------------------------------
def test_an_answer_that_was_given_up_is_sent_again_under_its_id(day: World, root: Client) -> None:
    callback = Callback.objects.get(state=CallbackState.WAITING)
    Callback.objects.filter(pk=callback.pk).update(state=CallbackState.FAILED, due_at=None, ended_at=day.now)
    body = callback.body
    assert "It is sent again." in text_of(press(root, page_of(callback, "replay_this")))
    callback.refresh_from_db()
    assert callback.state == CallbackState.WAITING
    assert callback.due_at is not None
    assert callback.due_at <= timezone.now()
    assert callback.body == body


def test_an_answer_on_its_way_at_this_moment_is_left_alone(day: World, root: Client) -> None:
    waiting = Callback.objects.get(state=CallbackState.WAITING)
    Callback.objects.filter(pk=waiting.pk).update(lease_until=timezone.now() + timedelta(seconds=40))
    assert "It is being sent at this moment." in text_of(press(root, page_of(waiting, "replay_this")))


def test_an_answer_is_marked_as_handled_with_a_reason_by_name(day: World, operator: Client) -> None:
    waiting = Callback.objects.get(state=CallbackState.WAITING)
    address = page_of(waiting, "mark_handled")
    assert "How it was handled" in text_of(operator.get(address))
    assert "This field is required." in text_of(operator.post(address, {"reason": "  "}))
    assert Callback.objects.get(pk=waiting.pk).state == CallbackState.WAITING
    reason = "Asked by phone; <Erin> knows."
    said = text_of(operator.post(address, {"reason": reason}, follow=True))
    assert f"Marked as handled by hand: {reason}" in said
    waiting.refresh_from_db()
    assert (waiting.state, waiting.detail, waiting.due_at) == (CallbackState.HANDLED, reason, None)
    entry = LogEntry.objects.select_related("user").get()
    assert (entry.user.username, reason in entry.change_message) == ("member-of-operators", True)
    assert entry.object_id == str(waiting.pk)
    copy = Notification.objects.get(task=waiting.task, recipient=day.alice)
    assert copy.outcome["engine"] == "handled"
    assert "Send again" not in text_of(operator.get(page_of(waiting)))


def test_one_that_was_given_up_can_be_marked_and_one_that_ended_or_is_under_way_cannot(
    day: World, root: Client
) -> None:
    waiting, delivered = (
        Callback.objects.get(state=state) for state in (CallbackState.WAITING, CallbackState.DELIVERED)
    )
    for callback, sentence in (
        (delivered, "Only answers that wait or were given up can be marked as handled."),
        (waiting, "It is being sent at this moment."),
    ):
        Callback.objects.filter(pk=callback.pk).update(lease_until=timezone.now() + timedelta(seconds=40))
        assert "Mark as handled by hand" not in text_of(root.get(page_of(callback)))
        assert sentence in text_of(root.post(page_of(callback, "mark_handled"), {"reason": "By phone."}, follow=True))
        assert Callback.objects.get(pk=callback.pk).state == callback.state
    Callback.objects.filter(pk=waiting.pk).update(
        state=CallbackState.FAILED, due_at=None, ended_at=day.now, lease_until=None
    )
    assert "Mark as handled by hand" in text_of(root.get(page_of(waiting)))
    root.post(page_of(waiting, "mark_handled"), {"reason": "By phone."})
    assert Callback.objects.get(pk=waiting.pk).state == CallbackState.HANDLED


def test_a_stopped_address_is_used_again(day: World, root: Client) -> None:
    later = timezone.now() + timedelta(hours=1)
    Engine.objects.filter(pk=day.engine.pk).update(
        callback_disabled_at=day.now, callback_disabled_reason_fact=said("Gone (410).").as_json()
    )
    Callback.objects.filter(state=CallbackState.WAITING).update(due_at=later)
    assert "the engine's address is stopped" in text_of(root.get(list_of(Callback)))
    assert "Gone (410)." in text_of(root.get(page_of(day.engine, "enable_answers")))
    assert "Answers are sent to Invoices again." in text_of(press(root, page_of(day.engine, "enable_answers")))
    engine = Engine.objects.get(pk=day.engine.pk)
    assert engine.takes_answers
    assert Callback.objects.get(state=CallbackState.WAITING).due_at < later  # type: ignore[operator]
    assert engine.history.first().history_change_reason == "Answers are sent again"  # type: ignore[union-attr]
    assert "Answers to this engine are not stopped." in text_of(
        root.get(page_of(engine, "enable_answers"), follow=True)
    )


# --- what has worked ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("chosen", "done", "page", "refused", "counted"),
    [
        (
            Event.objects.filter(event_id__in=["e-1", "e-5", "e-6"]),
            {"event_id": "e-1"},
            "process_this_again",
            "Only events that failed or matched no route can be processed again.",
            "2 events will be processed again.",
        ),
        (
            Delivery.objects.filter(event__event_id__in=["e-1", "e-2"], channel="email"),
            {"state": DeliveryState.DELIVERED},
            "resend_this",
            "Only deliveries that were given up can be sent again.",
            "1 will be sent again.",
        ),
        (
            Callback.objects.filter(state__in=[CallbackState.DELIVERED, CallbackState.WAITING]),
            {"state": CallbackState.DELIVERED},
            "replay_this",
            "Only answers that wait or were given up can be sent again.",
            "1 will be sent again.",
        ),
    ],
    ids=["events", "deliveries", "answers"],
)
def test_what_has_worked_is_not_done_again(
    chosen: QuerySet[Any], done: dict[str, str], page: str, refused: str, counted: str, day: World, root: Client
) -> None:
    row = chosen.filter(**done)[0]
    before = chosen.model.objects.filter(pk=row.pk).values().get()
    assert page_of(row, page) not in root.get(page_of(row)).content.decode()
    assert refused in text_of(root.post(page_of(row, page), follow=True))
    assert counted in text_of(choose(root, list(chosen.all()), "chosen_again"))
    assert chosen.model.objects.filter(pk=row.pk).values().get() == before


# --- ways in --------------------------------------------------------------------------------------------------------
def test_tokens_and_links_are_voided(day: World, root: Client) -> None:
    action_token(Notification.objects.filter(state="open")[0], expires_at=day.now + timedelta(days=1))
    answering, token, link = ActionToken.objects.get(), RecipientToken.objects.get(), SignInLink.objects.get()
    assert "Links voided: 1." in text_of(choose(root, [answering], "void"))
    assert "Tokens voided: 1." in text_of(choose(root, [token], "void"))
    assert "Links voided: 1." in text_of(choose(root, [link], "void"))
    for row in (answering, token, link):
        row.refresh_from_db()
    assert answering.voided_at is not None
    assert not token.usable
    assert link.expires_at <= timezone.now()


def test_nothing_is_done_without_the_forms_token(day: World) -> None:
    """A page elsewhere cannot press our buttons."""
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(User.objects.create_superuser("r"), backend=BACKEND)
    event = Event.objects.get(status=EventStatus.FAILED)
    assert careful.post(page_of(event, "process_this_again")).status_code == 403
    event.refresh_from_db()
    assert event.status == EventStatus.FAILED


@pytest.mark.parametrize("page", ["process_this_again", "resend_this", "replay_this"])
def test_a_row_that_is_gone_is_not_found(page: str, day: World, root: Client) -> None:
    model = {"process_this_again": Event, "resend_this": Delivery, "replay_this": Callback}[page]
    address = page_of(model.objects.all()[0], page).split("/")
    address[-3] = "01900000-0000-7000-8000-000000000000"
    assert root.get("/".join(address)).status_code == 404
