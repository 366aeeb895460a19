"""How whoever does due work is woken: soon, and without a queue that grows while work is plenty."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import QuerySet
from pytest_django import DjangoAssertNumQueries

from escalations.clocks import due_steps
from notifications.models import Event
from notifications.routing import pipeline
from tests.factories import EventFactory
from wfpush.queue import outbox

NAMES = ("flood", "clocks")


@pytest.fixture
def enqueued(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The sources whose wake-ups came into django-q2's queue, in the real Redis."""
    names: list[str] = []

    def enqueue(task: str, name: str) -> None:
        names.append(name)
        outbox.connection().rpush(outbox.QUEUE, name)

    monkeypatch.setattr(outbox, "async_task", enqueue)
    clear()
    yield names
    clear()


def clear() -> None:
    keys = [key for pattern in ("wfpush:woken:*", "wfpush:waits:*") for key in outbox.connection().scan_iter(pattern)]
    outbox.connection().delete(outbox.QUEUE, *keys)


def source(name: str) -> outbox.Source:
    return outbox.Source(name, "cluster", lambda now: True, lambda: None)


def seconds_pass(name: str) -> None:
    """So many that one wake-up no longer stands for the next."""
    outbox.connection().delete(f"wfpush:woken:{name}")


def test_a_source_has_one_place_in_a_queue_that_does_not_move(enqueued: list[str]) -> None:
    for _ in range(20):
        for name in NAMES:
            source(name).wake()
            seconds_pass(name)

    assert enqueued == ["flood", "clocks"]


def test_it_gets_another_one_when_its_turn_has_begun(enqueued: list[str]) -> None:
    for name in NAMES:
        source(name).wake()
    outbox.connection().lpop(outbox.QUEUE)

    outbox.wake_up_received("flood")
    source("flood").wake()

    assert enqueued == ["flood", "clocks", "flood"]


def test_a_wake_up_that_was_lost_is_made_good_within_seconds(enqueued: list[str]) -> None:
    source("flood").wake()
    outbox.connection().lpop(outbox.QUEUE)  # by a worker that dies now
    source("flood").wake()
    assert enqueued == ["flood"]

    seconds_pass("flood")
    source("flood").wake()

    assert enqueued == ["flood", "flood"]


def test_one_that_was_lost_behind_others_comes_again_soon(enqueued: list[str]) -> None:
    for name in NAMES:
        source(name).wake()
    outbox.connection().lpop(outbox.QUEUE)

    assert 0 < outbox.connection().pttl("wfpush:waits:flood") <= outbox.WAITS_MS <= 10_000


@pytest.mark.django_db
def test_whoever_has_had_a_turn_goes_to_the_end_of_the_queue(
    enqueued: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "TURN_SECONDS", 0.0)

    pipeline.drain()
    due_steps.drain()

    assert enqueued == ["events", "escalations"]


# --- what others call ----------------------------------------------------------------------------
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
LEASE = timedelta(seconds=30)
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def events(db: None) -> QuerySet[Event]:
    for _ in range(2):
        EventFactory(due_at=NOW)
    return Event.objects.order_by("pk")


def taken(events: QuerySet[Event]) -> Event:
    (event,) = outbox.claim(events.filter(pk=events.first().pk), limit=1, lease=LEASE, now=NOW)  # type: ignore[union-attr]
    return event


def stands(event: Event) -> tuple[datetime | None, bool, int]:
    """When it is due, whether somebody holds it, and how often it was tried."""
    event = Event.objects.get(pk=event.pk)
    assert (event.lease_token is None) == (event.lease_until is None)
    return event.due_at, event.lease_token is not None, event.attempts


def test_whoever_has_claimed_a_row_ends_it_or_puts_it_off_once(events: QuerySet[Event]) -> None:
    event = taken(events)

    assert outbox.postpone(event, LATER, error="busy")
    assert stands(event) == (LATER, False, 1)
    assert not outbox.finish(event)
    assert stands(event) == (LATER, False, 1)


def test_a_row_that_was_put_back_was_not_tried(events: QuerySet[Event]) -> None:
    event = taken(events)

    assert outbox.put_back(event, LATER)
    assert stands(event) == (LATER, False, 0)


def test_a_lease_is_renewed_only_for_its_holder(events: QuerySet[Event]) -> None:
    event = taken(events)

    assert outbox.renew(event, LATER)
    assert Event.objects.get(pk=event.pk).lease_until == LATER
    outbox.release(events)
    assert not outbox.renew(event, LATER)


def test_whoever_is_at_work_loses_what_is_made_due_or_ended(events: QuerySet[Event]) -> None:
    for change, due_at in ((lambda: outbox.make_due(events, LATER), LATER), (lambda: outbox.finish_all(events), None)):
        outbox.make_due(events, NOW)
        event = taken(events)

        assert change() == 2
        assert stands(event)[:2] == (due_at, False)
        assert not outbox.finish(event)


def test_what_is_brought_forward_is_never_later_and_stays_with_its_holder(events: QuerySet[Event]) -> None:
    event, other = taken(events), events.last()
    assert other is not None
    outbox.finish_all(events.filter(pk=other.pk))

    assert outbox.bring_forward(events, LATER) == 2
    assert stands(event) == (NOW, True, 1)
    assert stands(other)[0] == LATER


def test_rows_that_were_held_up_count_as_due_since_a_moment_ago_in_their_order(events: QuerySet[Event]) -> None:
    for minutes in (40, 20, 10):
        EventFactory(due_at=NOW - timedelta(minutes=minutes))
    event, other = taken(events), events[1]
    outbox.make_due(events.filter(pk=other.pk), LATER)

    outbox.shorten_wait(events, timedelta(seconds=8), NOW)
    waited = [(NOW - due_at).total_seconds() for due_at in events.values_list("due_at", flat=True) if due_at]
    assert waited == [0, -3600, 8, 4, 2] and stands(event) == (NOW, True, 1), "what is not overdue stays as it is"


def test_release_leaves_what_has_ended(events: QuerySet[Event]) -> None:
    event, other = taken(events), events.last()
    assert other is not None
    outbox.finish_all(events.filter(pk=other.pk))

    assert outbox.release(events) == 1
    assert stands(event) == (NOW, False, 1)
    assert stands(other)[0] is None


def test_each_row_is_due_at_its_own_time_in_one_statement(
    events: QuerySet[Event], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    event, other = taken(events), events.last()
    assert other is not None

    with django_assert_num_queries(1):
        outbox.reschedule(Event, {event.pk: LATER, other.pk: None})

    assert stands(event) == (LATER, False, 0)
    assert stands(other) == (None, False, 0)


def test_a_row_in_memory_says_what_is_to_be_saved(events: QuerySet[Event]) -> None:
    event = taken(events)

    event.save(update_fields=event.make_due(LATER))

    assert stands(event) == (LATER, False, 1)
