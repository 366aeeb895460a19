"""Accepted events are stored once, whatever comes at the same time, and wake whoever processes them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from notifications.intake import ingest
from notifications.intake.ingest import IngestResult
from notifications.models import Engine, Event
from notifications.types import InboundEvent, Json
from tests.factories import EngineFactory
from tests.support.at_once import at_once
from wfpush.queue import outbox

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def inbound(id: str = "e-1", digest: str = "d-1", **changes: object) -> InboundEvent:
    event = InboundEvent(
        id=id, source="/engines/invoices", type="task.assigned", data={"task": {"id": "T-42"}}, digest=digest
    )
    return replace(event, **changes)  # type: ignore[arg-type]


def statuses(answers: Sequence[IngestResult]) -> list[str]:
    return [answer.status for answer in answers]


def test_an_event_is_stored_with_all_it_says_and_due_at_once() -> None:
    engine = EngineFactory()
    data = {"task": {"id": "T-42"}, "many": 10**40, "precise": 0.1, "text": "ü 😀 \\ \" '"}
    event = inbound(
        data=data, subject="T-42", time=NOW - timedelta(hours=1), extensions={"traceparent": "00-ab", "number": 5}
    )

    [answer] = ingest.accept(engine, [event], NOW)

    row = Event.objects.get(pk=answer.stored)
    assert (answer.id, answer.source, answer.type, answer.status) == (event.id, event.source, event.type, "accepted")
    assert (row.engine, row.event_id, row.source, row.type) == (engine, event.id, event.source, event.type)
    assert (row.subject, row.time, row.received_at, row.due_at) == ("T-42", event.time, NOW, NOW)
    assert (row.data, row.extensions) == (data, event.extensions)
    assert (row.status, row.plan, row.attempts, row.group) == ("accepted", {}, 0, "task:T-42")
    assert row.pk.version == 7


@pytest.mark.parametrize(
    ("data", "group"),
    [
        ({"task": {"id": "T"}, "case": {"id": "C"}}, "task:T"),
        ({"case": {"id": "C"}}, "case:C"),
        ({"task": {"name": "x"}, "case": {"id": "C"}}, "case:C"),
        ({"task": {"id": ""}}, ""),
        ({"task": "T"}, ""),
        ({}, ""),
        ({"case": {"id": "x" * 200}}, "case:" + "x" * 200),
    ],
)
def test_events_of_one_task_or_case_are_one_group(data: Json, group: str) -> None:
    ingest.accept(EngineFactory(), [inbound(data=data)], NOW)

    assert Event.objects.get().group == group


def test_ids_are_unique_within_engine_and_source_only() -> None:
    one, other = EngineFactory(), EngineFactory()

    assert statuses(ingest.accept(one, [inbound(), inbound(source="elsewhere")], NOW)) == ["accepted", "accepted"]
    assert statuses(ingest.accept(other, [inbound(digest="d-2")], NOW)) == ["accepted"]


def test_what_is_twice_in_one_batch_is_stored_once() -> None:
    engine = EngineFactory()
    answers = ingest.accept(engine, [inbound("a"), inbound("b"), inbound("a"), inbound("b", "d-2")], NOW)

    assert statuses(answers) == ["accepted", "accepted", "duplicate", "rejected"]
    assert answers[2].stored == answers[0].stored
    assert Event.objects.count() == 2


def test_ids_grow_in_order_of_arrival_whatever_the_names() -> None:
    answers = ingest.accept(EngineFactory(), [inbound(name) for name in "zmaq"], NOW)

    stored = [answer.stored for answer in answers]
    assert stored == sorted(stored)


def test_inside_a_transaction_it_is_a_part_of_it() -> None:
    engine = EngineFactory()

    with transaction.atomic():
        ingest.accept(engine, [inbound()], NOW)
        transaction.set_rollback(True)

    assert not Event.objects.exists()


# --- at the same time -----------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_the_same_event_100_times_at_once_is_one_event() -> None:
    engine = EngineFactory()
    answers = [answer for [answer] in at_once(*[lambda: ingest.accept(engine, [inbound()], timezone.now())] * 100)]

    assert sorted(statuses(answers)) == ["accepted", *["duplicate"] * 99]
    assert {answer.stored for answer in answers} == {Event.objects.get().pk}


@pytest.mark.django_db(transaction=True)
def test_different_events_at_once_are_all_stored_and_each_caller_is_told_of_its_own() -> None:
    engine = EngineFactory()
    answers = at_once(
        *[partial(ingest.accept, engine, [inbound(f"e-{number}")], timezone.now()) for number in range(40)]
    )

    assert {answer.id: answer.status for [answer] in answers} == {f"e-{number}": "accepted" for number in range(40)}
    stored = dict(Event.objects.values_list("event_id", "pk"))
    assert {answer.id: answer.stored for [answer] in answers} == stored


@pytest.mark.django_db(transaction=True)
def test_large_batches_with_the_same_events_in_opposite_order_do_not_block_each_other() -> None:
    engine = EngineFactory()
    events = [inbound(f"e-{number}") for number in range(200)]

    answers = at_once(*[partial(ingest.accept, engine, events[::step], timezone.now()) for step in (1, -1) * 3])

    assert sum(status == "accepted" for each in answers for status in statuses(each)) == 200
    assert Event.objects.count() == 200


@pytest.mark.django_db(transaction=True)
def test_an_engine_that_is_gone_takes_no_other_down() -> None:
    engine, gone = EngineFactory(), Engine(pk=999_999, slug="gone")

    def work(number: int) -> list[IngestResult]:
        try:
            return ingest.accept(gone if number % 4 == 0 else engine, [inbound(f"e-{number}")], timezone.now())
        except IntegrityError:
            return []

    answers = at_once(*[partial(work, number) for number in range(16)])

    assert [bool(answer) for answer in answers] == [number % 4 != 0 for number in range(16)]
    assert Event.objects.count() == 12


# --- the wake-up ----------------------------------------------------------------------------------
@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    monkeypatch.setattr(outbox, "wake", lambda source: names.append(source.name))
    return names


@pytest.mark.django_db(transaction=True)
def test_whoever_processes_events_is_woken_after_the_commit_and_for_new_ones_only(woken: list[str]) -> None:
    engine = EngineFactory()
    with transaction.atomic():
        ingest.accept(engine, [inbound()], NOW)
        assert woken == []
    assert woken == ["events"]

    ingest.accept(engine, [inbound()], NOW)

    assert woken == ["events"]
