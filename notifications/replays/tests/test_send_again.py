"""Failed work is sent again: chosen, filtered or since a time, after a preview; once, whoever presses; and undone."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from notifications.engines import callback_claims
from notifications.models import (
    Callback,
    CallbackState,
    Delivery,
    DeliveryState,
    Event,
    EventStatus,
    Notification,
)
from notifications.replays import orders
from notifications.replays.kinds import KINDS
from notifications.replays.models import Replay, ReplayedRow, ReplayState
from notifications.routing.claims import LEASE
from tests.admin.conftest import member_of, signed_in
from tests.admin.pages import choose, list_of, page_of, press, text_of
from tests.admin.world import World
from wfpush.identifiers import uuid7
from wfpush.queue import outbox

BROKEN = 40


def asking(model: type[Model], query: str = "") -> str:
    return list_of(model) + "again/" + (f"?{query}" if query else "")


def say_yes(client: Client, address: str, question: Any = None) -> Any:
    """Press the button of a preview; `question` is one that was looked at before."""
    return client.post(address, (question or client.get(address)).context["order"], follow=True)


def work() -> None:
    """The worker's turns, once what was ordered has begun."""
    Replay.objects.filter(due_at__isnull=False).update(due_at=timezone.now())
    orders.drain()


def broken_events(world: World, count: int = BROKEN) -> list[Event]:
    """Events that failed, half of them an hour ago, by two errors."""
    return Event.objects.bulk_create(
        Event(
            engine=world.engine,
            source="invoices",
            event_id=f"broken-{number}",
            type="task.assigned",
            received_at=world.now,
            processed_at=world.now - timedelta(hours=number % 2),
            status=EventStatus.FAILED,
            error="OperationalError: gone" if number % 4 else "KeyError: 'amount'",
            attempts=70,
            data={},
        )
        for number in range(count)
    )


def given_up(row: Callback, now: Any) -> Callback:
    Callback.objects.filter(pk=row.pk).update(state=CallbackState.FAILED, due_at=None, ended_at=now, attempts=9)
    row.refresh_from_db()
    return row


# --- the question ---------------------------------------------------------------------------------------------------
def test_all_that_a_filter_shows_is_counted_first_by_engine_and_error(day: World, operator: Client) -> None:
    broken_events(day)
    page = operator.get(asking(Event, "status__exact=failed"))
    told = text_of(page)
    assert "41 events will be processed again." in told
    assert "Status: could not be processed" in told
    groups = [(group.engine, group.why, group.count) for group in page.context["preview"].groups]
    assert groups == [
        ("Invoices", "OperationalError: gone", 30),
        ("Invoices", "KeyError: 'amount'", 10),
        ("Invoices", "OperationalError: the database went away", 1),
    ]
    assert not Replay.objects.exists()
    assert (
        f'href="{asking(Event, "status__exact=failed")}"'
        in operator.get(list_of(Event, "status__exact=failed")).content.decode()
    )


def test_what_failed_since_a_time_in_the_readers_zone(day: World, operator: Client) -> None:
    broken_events(day)
    since = timezone.localtime(day.now - timedelta(minutes=30)).strftime("%Y-%m-%dT%H:%M")
    told = text_of(operator.get(asking(Event, f"status__exact=failed&since={since}")))
    assert "21 events will be processed again." in told
    assert "failed since" in told


def test_the_preview_names_whom_it_concerns_and_how_each_is_told(day: World, operator: Client) -> None:
    page = operator.get(asking(Delivery))
    told = text_of(page)
    assert "1 will be sent again." in told
    assert "Invoices e-mail 550 5.1.1 No such user here 1" in told
    assert f"People affected: {Delivery.objects.get(state='dead').recipient} (1)" in told


def test_too_much_at_once_is_not_sent(day: World, operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "MAX_ROWS", 3)
    broken_events(day)
    page = operator.get(asking(Event))
    assert "More than 3 messages match" in text_of(page)
    say_yes(operator, asking(Event), page)
    assert not Replay.objects.exists()
    assert not ReplayedRow.objects.exists()


def test_a_filter_that_means_nothing_leads_back_to_the_list(day: World, operator: Client) -> None:
    assert operator.get(asking(Event, "task__id__exact=x"))["Location"] == list_of(Event)
    assert operator.get(asking(Event, "data__contains=x")).status_code == 400
    assert "Enter a valid date/time." in text_of(operator.get(asking(Event, "row=nonsense&since=yesterday")))


# --- the answer -----------------------------------------------------------------------------------------------------
def test_all_of_it_is_sent_once_in_batches_and_written_down(day: World, operator: Client) -> None:
    broken_events(day)
    landed = say_yes(operator, asking(Event, "status__exact=failed"))
    assert "41 are sent again." in text_of(landed)
    assert Event.objects.filter(status=EventStatus.FAILED).count() == 41  # nothing yet
    work()
    replay = Replay.objects.get()
    assert (replay.state, replay.chosen, replay.again, replay.left) == (ReplayState.DONE, 41, 41, 0)
    due = Event.objects.filter(status=EventStatus.ACCEPTED, attempts=0, due_at__isnull=False)
    assert due.filter(event_id__startswith="broken").count() == BROKEN
    entry = LogEntry.objects.select_related("user").get()
    assert (entry.user.username, entry.object_id) == ("member-of-operators", str(replay.pk))
    assert entry.change_message == "Sent again: Status: could not be processed"
    assert "could not be processed" in text_of(operator.get(list_of(Replay)))


def test_pressed_twice_it_is_one_order(day: World, operator: Client) -> None:
    broken_events(day)
    question = operator.get(asking(Event))
    for _ in range(2):
        assert say_yes(operator, asking(Event), question).status_code == 200
    assert Replay.objects.count() == LogEntry.objects.count() == 1
    work()
    assert say_yes(operator, asking(Event), question).status_code == 200
    assert ReplayedRow.objects.count() == Replay.objects.get().again


def test_of_two_operators_who_press_at_once_one_sends_it(day: World, operator: Client, root: Client) -> None:
    broken_events(day)
    questions = operator.get(asking(Event)), root.get(asking(Event))
    say_yes(operator, asking(Event), questions[0])
    assert "There is nothing left to send." in text_of(say_yes(root, asking(Event), questions[1]))
    assert Replay.objects.count() == 1
    work()
    assert "There is nothing left to send." in text_of(say_yes(root, asking(Event), questions[1]))


def test_what_failed_after_the_question_is_not_sent(day: World, operator: Client) -> None:
    question = operator.get(asking(Event))
    late = broken_events(day, 2)
    Event.objects.filter(pk__in=[event.pk for event in late]).update(processed_at=timezone.now())
    say_yes(operator, asking(Event), question)
    work()
    assert Event.objects.filter(pk__in=[event.pk for event in late], status=EventStatus.FAILED).count() == 2
    assert Replay.objects.get().chosen == question.context["preview"].count


def test_more_than_was_shown_is_asked_again(day: World, operator: Client) -> None:
    question = operator.get(asking(Event))
    broken_events(day, 2)  # as if they had been hidden by a transaction that was not committed yet
    assert "There are more now. Nothing was sent: check again." in text_of(say_yes(operator, asking(Event), question))
    assert not Replay.objects.exists()


def test_chosen_messages_are_sent_again(day: World, operator: Client) -> None:
    dead = Delivery.objects.get(state=DeliveryState.DEAD)
    other = Delivery.objects.filter(state=DeliveryState.DELIVERED)[0]
    page = choose(operator, [dead, other], "chosen_again")
    assert "Selection: 2 chosen" in text_of(page)
    say_yes(operator, f"{page.wsgi_request.path}?{page.wsgi_request.META['QUERY_STRING']}", page)
    work()
    dead.refresh_from_db()
    assert (dead.state, dead.attempts) == (DeliveryState.PENDING, 0)
    assert dead.due_at is not None


def test_a_message_that_nobody_waits_for_any_more_is_left(day: World, operator: Client) -> None:
    say_yes(operator, asking(Delivery))
    dead = Delivery.objects.get(state=DeliveryState.DEAD)
    Notification.objects.filter(pk=dead.notification_id).update(state="withdrawn")
    work()
    replay = Replay.objects.get()
    assert (replay.again, replay.left) == (0, 1)
    assert Delivery.objects.get(pk=dead.pk).state == DeliveryState.DEAD


def test_answers_keep_their_id_and_body_and_are_left_while_one_is_sent(day: World, operator: Client) -> None:
    waiting = given_up(Callback.objects.get(state=CallbackState.WAITING), day.now)
    say_yes(operator, asking(Callback))
    work()
    waiting_now = Callback.objects.get(pk=waiting.pk)
    assert (waiting_now.state, waiting_now.body) == (CallbackState.WAITING, waiting.body)
    outbox.claim(Callback.objects.filter(pk=waiting.pk), limit=1, lease=callback_claims.LEASE, now=timezone.now())
    assert "None of these can be sent again." in text_of(operator.get(asking(Callback)))


def test_answers_to_a_task_that_the_engine_has_closed_are_not_offered(day: World, operator: Client) -> None:
    waiting = given_up(Callback.objects.get(state=CallbackState.WAITING), day.now)
    waiting.task.state = "completed"
    waiting.task.save()
    assert "None of these can be sent again." in text_of(operator.get(asking(Callback)))


def test_a_batch_that_fails_leaves_nothing_half_done_and_is_tried_again(
    day: World, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken_events(day)
    say_yes(operator, asking(Event, "status__exact=failed"))
    with monkeypatch.context() as broken:
        broken.setattr(orders.bulk, "update", lambda *args: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            work()
    assert Event.objects.filter(status=EventStatus.FAILED).count() == 41
    assert not orders.has_due(timezone.now())
    Replay.objects.update(lease_until=None, lease_token=None)
    work()
    assert Replay.objects.get().again == 41


# --- undoing --------------------------------------------------------------------------------------------------------
def test_before_it_begins_all_of_it_is_undone(day: World, operator: Client) -> None:
    broken_events(day)
    say_yes(operator, asking(Event))
    replay = Replay.objects.get()
    assert f"{replay.chosen} still wait and are put back as they were." in text_of(
        operator.get(page_of(replay, "undo"))
    )
    press(operator, page_of(replay, "undo"))
    work()
    replay.refresh_from_db()
    assert (replay.state, replay.again, replay.put_back) == (ReplayState.UNDONE, 0, replay.chosen)
    assert not Event.objects.filter(status=EventStatus.ACCEPTED, event_id__startswith="broken").exists()
    assert "This cannot be undone, or has been already." in text_of(operator.post(page_of(replay, "undo"), follow=True))


def test_what_no_worker_has_taken_is_put_back_as_it_was(day: World, operator: Client) -> None:
    events = broken_events(day)
    before = list(Event.objects.order_by("pk").values())
    say_yes(operator, asking(Event))
    work()
    [taken] = outbox.claim(Event.objects.filter(pk=events[7].pk), limit=1, lease=LEASE, now=timezone.now())
    replay = Replay.objects.get()
    told = text_of(operator.get(page_of(replay, "undo")))
    assert "1 has been taken by a worker since then and cannot be undone." in told
    press(operator, page_of(replay, "undo"))
    work()
    replay.refresh_from_db()
    assert (replay.put_back, replay.too_late) == (replay.chosen - 1, 1)
    after = list(Event.objects.order_by("pk").values())
    assert [row for row in before if row["id"] != taken.pk] == [row for row in after if row["id"] != taken.pk]


@pytest.mark.parametrize("model", [Delivery, Callback])
def test_messages_and_answers_are_put_back_as_they_were(model: type[Any], day: World, operator: Client) -> None:
    given_up(Callback.objects.get(state=CallbackState.WAITING), day.now)
    before = list(model.objects.order_by("pk").values())
    say_yes(operator, asking(model))
    work()
    assert list(model.objects.order_by("pk").values()) != before
    press(operator, page_of(Replay.objects.get(), "undo"))
    work()
    assert list(model.objects.order_by("pk").values()) == before
    assert Replay.objects.get().put_back == 1


def test_an_answer_that_was_still_tried_is_due_as_before_again(day: World, operator: Client) -> None:
    later = timezone.now() + timedelta(hours=1)
    waiting = Callback.objects.get(state=CallbackState.WAITING)
    Callback.objects.filter(pk=waiting.pk).update(due_at=later)
    press(operator, page_of(waiting, "replay_this"))
    assert Callback.objects.get(pk=waiting.pk).due_at < later  # type: ignore[operator]
    press(operator, page_of(Replay.objects.get(), "undo"))
    work()
    assert Callback.objects.get(pk=waiting.pk).due_at == later


def test_undoing_stops_what_has_not_been_sent_and_leaves_what_another_order_sent(
    day: World, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wfpush.queue.outbox.TURN_SECONDS", 0.0)  # each turn ends before its first batch
    [event] = broken_events(day, 1)
    address = asking(Event, f"row={event.pk}")
    say_yes(operator, address)
    work()
    assert Replay.objects.get().again == 0
    monkeypatch.undo()
    work()
    Event.objects.filter(pk=event.pk).update(
        status=EventStatus.FAILED, due_at=None, processed_at=timezone.now(), attempts=70
    )
    say_yes(operator, address)
    work()
    first, second = Replay.objects.order_by("pk")
    orders.undo(first.pk, timezone.now())
    work()
    first.refresh_from_db()
    assert (first.put_back, first.too_late) == (0, 1)
    event.refresh_from_db()
    assert event.status == EventStatus.ACCEPTED
    assert second.again == 1


# --- who may --------------------------------------------------------------------------------------------------------
def test_only_who_may_send_again_is_asked(day: World, editor: Client) -> None:
    viewer = member_of("Operators")
    viewer.groups.clear()
    viewer.user_permissions.set(Permission.objects.filter(codename__in=["view_event", "view_replay"]))
    client = signed_in(viewer)
    key = {"key": uuid7(), "seen": 99, "as_of": timezone.now().isoformat()}
    for each in (client, editor):
        assert each.get(asking(Event)).status_code == 403
        assert each.post(asking(Event), key).status_code == 403
    assert "again/" not in client.get(list_of(Event)).content.decode()
    replay, _ = orders.order(
        KINDS["events"],
        Event.objects.all(),
        orders.Question(uuid7(), 99, timezone.now(), viewer, ""),
        timezone.now(),
    )
    assert client.post(page_of(replay, "undo")).status_code == 403
    replay.refresh_from_db()
    assert replay.state == ReplayState.RUNNING


# --- requests that no page makes --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "odd",
    [
        {"as_of": "2026-13-45T00:00:00+00:00"},
        {"as_of": "0001-01-01T00:00:00+14:00"},
        {"seen": "9" * 5000},
        {"key": "x"},
    ],
    ids=["no date", "before all years", "huge", "no key"],
)
def test_what_the_button_never_sends_orders_nothing(day: World, operator: Client, odd: dict[str, Any]) -> None:
    broken_events(day, 3)
    for model in (Event, Callback):
        answer = operator.post(asking(model), {"key": uuid7(), "seen": 9, "as_of": timezone.now().isoformat(), **odd})
        assert answer.status_code == 200
    assert not Replay.objects.exists()


@pytest.mark.parametrize("since", ["0001-01-01T00:00", "1960-01-01T00:00"])
def test_all_failed_since_a_time_before_all_computers(day: World, operator: Client, since: str) -> None:
    broken_events(day, 3)
    told = text_of(operator.get(asking(Event, f"status__exact=failed&since={since}")))
    assert "4 events will be processed again." in told


@pytest.mark.parametrize("query", ["row=x", "since=x", "q=nowhere"])
def test_a_broken_address_never_means_all_that_failed(day: World, operator: Client, query: str) -> None:
    broken_events(day, 3)
    order = {"key": uuid7(), "seen": 9, "as_of": timezone.now().isoformat()}
    assert operator.post(asking(Event, query), order).status_code == 200
    assert not Replay.objects.exists()
