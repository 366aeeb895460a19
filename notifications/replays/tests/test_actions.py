"""Operators send one row again: an event, a message, an answer."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import QuerySet
from django.test import Client
from django.utils import timezone

from notifications.models import Callback, CallbackState, Delivery, DeliveryState, Event, EventStatus, Notification
from notifications.routing import pipeline
from tests.admin.pages import choose, page_of, press, text_of
from tests.admin.world import World


def test_a_failed_event_is_processed_again(day: World, root: Client) -> None:
    event = Event.objects.get(status=EventStatus.FAILED)
    assert "It is processed again." in text_of(press(root, page_of(event, "replay_this")))
    event.refresh_from_db()
    assert event.status == EventStatus.ACCEPTED
    pipeline.drain()
    event.refresh_from_db()
    assert event.status == EventStatus.PROCESSED
    assert Notification.objects.filter(recipient=day.carol, title__contains="4714").exists()


def test_a_dead_delivery_is_sent_again(day: World, root: Client) -> None:
    dead = Delivery.objects.get(state=DeliveryState.DEAD)
    assert "It is sent again." in text_of(press(root, page_of(dead, "replay_this")))
    dead.refresh_from_db()
    assert dead.state == DeliveryState.PENDING
    assert dead.due_at is not None


def test_a_delivery_whose_notification_asks_no_more_is_not_sent(day: World, root: Client) -> None:
    dead = Delivery.objects.get(state=DeliveryState.DEAD)
    Notification.objects.filter(pk=dead.notification_id).update(state="withdrawn")
    assert "Not sent: the notification no longer asks for anything." in text_of(
        press(root, page_of(dead, "replay_this"))
    )
    dead.refresh_from_db()
    assert dead.state == DeliveryState.DEAD


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


@pytest.mark.parametrize(
    ("chosen", "done", "refused", "counted"),
    [
        (
            Event.objects.filter(event_id__in=["e-1", "e-5", "e-6"]),
            {"event_id": "e-1"},
            "Only events that failed or matched no rule can be processed again.",
            "2 events will be processed again.",
        ),
        (
            Delivery.objects.filter(event__event_id__in=["e-1", "e-2"], channel="email"),
            {"state": DeliveryState.DELIVERED},
            "Only deliveries that were given up can be sent again.",
            "1 will be sent again.",
        ),
        (
            Callback.objects.filter(state__in=[CallbackState.DELIVERED, CallbackState.WAITING]),
            {"state": CallbackState.DELIVERED},
            "Only answers that wait or were given up can be sent again.",
            "1 will be sent again.",
        ),
    ],
    ids=["events", "deliveries", "answers"],
)
def test_what_has_worked_is_not_done_again(
    chosen: QuerySet[Any], done: dict[str, str], refused: str, counted: str, day: World, root: Client
) -> None:
    row = chosen.filter(**done)[0]
    before = chosen.model.objects.filter(pk=row.pk).values().get()
    assert page_of(row, "replay_this") not in root.get(page_of(row)).content.decode()
    assert refused in text_of(root.post(page_of(row, "replay_this"), follow=True))
    assert counted in text_of(choose(root, list(chosen.all()), "chosen_again"))
    assert chosen.model.objects.filter(pk=row.pk).values().get() == before


@pytest.mark.parametrize("model", [Event, Delivery, Callback])
def test_a_row_that_is_gone_is_not_found(model: type[Any], day: World, root: Client) -> None:
    address = page_of(model.objects.all()[0], "replay_this").split("/")
    address[-3] = "01900000-0000-7000-8000-000000000000"
    assert root.get("/".join(address)).status_code == 404
