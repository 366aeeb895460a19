"""Several at the same time: operators who order the same, workers, and an undo while workers are at it."""

import time
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from notifications.models import Engine, Event, EventStatus
from notifications.replays import orders
from notifications.replays.kinds import KINDS
from notifications.replays.models import Replay, ReplayedRow, ReplayedState, ReplayKind, ReplayState
from notifications.replays.tests.test_send_again import BROKEN, broken_events
from notifications.routing.claims import LEASE
from tests.admin.world import build
from tests.support.at_once import at_once
from tests.support.locking import elsewhere
from tests.support.waiting import PATIENCE_SECONDS, eventually
from wfpush.identifiers import uuid7
from wfpush.queue import outbox

pytestmark = pytest.mark.django_db(transaction=True)

MANY = 120


@pytest.fixture
def operators() -> list[User]:
    engine = Engine.objects.create(slug="invoices", name="Invoices")
    now = timezone.now()
    Event.objects.bulk_create(
        Event(
            engine=engine,
            source="invoices",
            event_id=f"e-{number}",
            type="x",
            received_at=now,
            processed_at=now,
            status=EventStatus.FAILED,
            error="gone",
            attempts=70,
        )
        for number in range(MANY)
    )
    return [User.objects.create_user(name) for name in ("olga", "omar")]


def order(by: User, key: Any = None) -> Any:
    asked = orders.Question(key or uuid7(), MANY, timezone.now(), by, "all")
    try:
        return orders.order(KINDS["events"], Event.objects.all(), asked, timezone.now())
    except orders.NothingLeft:
        return None


def begin() -> None:
    Replay.objects.filter(due_at__isnull=False).update(due_at=timezone.now())


def test_two_operators_at_once_send_each_row_once(operators: list[User]) -> None:
    at_once(*(lambda by=each: order(by) for each in operators))
    assert ReplayedRow.objects.count() == MANY
    assert ReplayedRow.objects.values("row").distinct().count() == MANY
    assert sum(Replay.objects.values_list("chosen", flat=True)) == MANY


def test_a_button_that_is_pressed_twice_at_once_is_one_order(operators: list[User]) -> None:
    key = uuid7()
    made = at_once(lambda: order(operators[0], key), lambda: order(operators[0], key))
    assert sorted(is_new for _replay, is_new in made) == [False, True]
    assert Replay.objects.get().chosen == ReplayedRow.objects.count() == MANY


def test_two_workers_at_once_do_each_batch_once(operators: list[User], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders.outbox, "wake", lambda source: None)
    order(operators[0])
    begin()
    at_once(orders.drain, orders.drain)
    replay = Replay.objects.get()
    assert (replay.state, replay.again, replay.left) == (ReplayState.DONE, MANY, 0)


def test_a_row_is_either_put_back_or_taken_by_a_worker(operators: list[User], monkeypatch: pytest.MonkeyPatch) -> None:
    """The undo and the workers that process events meet at the same rows."""
    monkeypatch.setattr(orders.outbox, "wake", lambda source: None)
    replay, _is_new = order(operators[0])
    begin()
    orders.drain()
    orders.undo(replay.pk, timezone.now())

    def take() -> set[Any]:
        taken: set[Any] = set()
        for _ in range(MANY // 10):
            claimed = outbox.claim(Event.objects.all(), limit=10, lease=LEASE, now=timezone.now())
            taken |= {event.pk for event in claimed}
        return taken

    taken, _undone = at_once(take, orders.drain)
    replay.refresh_from_db()
    assert replay.state == ReplayState.UNDONE
    assert replay.too_late == len(taken)
    assert replay.put_back == MANY - len(taken)
    back = set(ReplayedRow.objects.filter(state=ReplayedState.PUT_BACK).values_list("row", flat=True))
    assert back.isdisjoint(taken)
    as_before = Event.objects.filter(status=EventStatus.FAILED, attempts=70, due_at=None)
    assert set(as_before.values_list("pk", flat=True)) == back
    held = Event.objects.filter(status=EventStatus.ACCEPTED, lease_token__isnull=False)
    assert set(held.values_list("pk", flat=True)) == taken


def test_an_order_is_done_undone_and_taken_by_workers_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is first: what was put back is as it was, and what a worker has taken stays with it alone."""
    kind = replace(KINDS[ReplayKind.EVENTS], together=5)
    monkeypatch.setitem(KINDS, ReplayKind.EVENTS, kind)
    broken_events(build())
    operator = User.objects.create_user("operator")
    asked = orders.Question(uuid7(), BROKEN, timezone.now(), operator, "")
    replay, _new = orders.order(kind, Event.objects.all(), asked, timezone.now())
    Replay.objects.update(due_at=timezone.now())
    taken: list[Event] = []

    def take() -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while Replay.objects.filter(state=ReplayState.RUNNING).exists() and time.monotonic() < end:
            taken.extend(outbox.claim(Event.objects.all(), limit=2, lease=LEASE, now=timezone.now()))

    def undo() -> None:
        eventually(lambda: Event.objects.filter(status=EventStatus.ACCEPTED).exists(), "one is due")
        orders.undo(replay.pk, timezone.now())

    threads = [elsewhere(act) for act in (orders.drain, orders.drain, take, undo)]
    for thread in threads:
        thread.join()
    Replay.objects.filter(due_at__isnull=False).update(due_at=timezone.now(), lease_until=None, lease_token=None)
    orders.drain()

    replay.refresh_from_db()
    assert replay.state == ReplayState.UNDONE
    assert replay.put_back + replay.too_late + replay.left == replay.chosen == BROKEN
    kept = {event.pk for event in taken}
    assert len(kept) == len(taken) == replay.too_late
    assert set(Event.objects.filter(status=EventStatus.ACCEPTED).values_list("pk", flat=True)) == kept
    back = Event.objects.exclude(pk__in=kept)
    assert {(event.status, event.due_at, event.attempts) for event in back} == {(EventStatus.FAILED, None, 70)}
