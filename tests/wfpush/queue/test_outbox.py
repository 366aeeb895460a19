"""How whoever does due work is woken: soon, and without a queue that grows while work is plenty."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import QuerySet
from pytest_django import DjangoAssertNumQueries

from escalations.clocks import due_steps
from notifications.models import LinkMail
from notifications.routing import pipeline
from tests.factories import RecipientFactory
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
def mails(db: None) -> QuerySet[LinkMail]:
    for _ in range(2):
        LinkMail.objects.create(recipient=RecipientFactory(), created_at=NOW, due_at=NOW)
    return LinkMail.objects.order_by("pk")


def taken(mails: QuerySet[LinkMail]) -> LinkMail:
    (mail,) = outbox.claim(mails.filter(pk=mails.first().pk), limit=1, lease=LEASE, now=NOW)  # type: ignore[union-attr]
    return mail


def stands(mail: LinkMail) -> tuple[datetime | None, bool, int]:
    """When it is due, whether somebody holds it, and how often it was tried."""
    mail = LinkMail.objects.get(pk=mail.pk)
    assert (mail.lease_token is None) == (mail.lease_until is None)
    return mail.due_at, mail.lease_token is not None, mail.attempts


def test_whoever_has_claimed_a_row_ends_it_or_puts_it_off_once(mails: QuerySet[LinkMail]) -> None:
    mail = taken(mails)

    assert outbox.postpone(mail, LATER, detail="busy")
    assert stands(mail) == (LATER, False, 1)
    assert not outbox.finish(mail)
    assert stands(mail) == (LATER, False, 1)


def test_a_row_that_was_put_back_was_not_tried(mails: QuerySet[LinkMail]) -> None:
    mail = taken(mails)

    assert outbox.put_back(mail, LATER)
    assert stands(mail) == (LATER, False, 0)


def test_a_lease_is_renewed_only_for_its_holder(mails: QuerySet[LinkMail]) -> None:
    mail = taken(mails)

    assert outbox.renew(mail, LATER)
    assert LinkMail.objects.get(pk=mail.pk).lease_until == LATER
    outbox.release(mails)
    assert not outbox.renew(mail, LATER)


def test_whoever_is_at_work_loses_what_is_made_due_or_ended(mails: QuerySet[LinkMail]) -> None:
    for change, due_at in ((lambda: outbox.make_due(mails, LATER), LATER), (lambda: outbox.finish_all(mails), None)):
        outbox.make_due(mails, NOW)
        mail = taken(mails)

        assert change() == 2
        assert stands(mail)[:2] == (due_at, False)
        assert not outbox.finish(mail)


def test_what_is_brought_forward_is_never_later_and_stays_with_its_holder(mails: QuerySet[LinkMail]) -> None:
    mail, other = taken(mails), mails.last()
    assert other is not None
    outbox.finish_all(mails.filter(pk=other.pk))

    assert outbox.bring_forward(mails, LATER) == 2
    assert stands(mail) == (NOW, True, 1)
    assert stands(other)[0] == LATER


def test_rows_that_were_held_up_count_as_due_since_a_moment_ago_in_their_order(mails: QuerySet[LinkMail]) -> None:
    for minutes in (40, 20, 10):
        LinkMail.objects.create(recipient=RecipientFactory(), created_at=NOW, due_at=NOW - timedelta(minutes=minutes))
    mail, other = taken(mails), mails[1]
    outbox.make_due(mails.filter(pk=other.pk), LATER)

    outbox.shorten_wait(mails, timedelta(seconds=8), NOW)
    waited = [(NOW - due_at).total_seconds() for due_at in mails.values_list("due_at", flat=True) if due_at]
    assert waited == [0, -3600, 8, 4, 2] and stands(mail) == (NOW, True, 1), "what is not overdue stays as it is"


def test_release_leaves_what_has_ended(mails: QuerySet[LinkMail]) -> None:
    mail, other = taken(mails), mails.last()
    assert other is not None
    outbox.finish_all(mails.filter(pk=other.pk))

    assert outbox.release(mails) == 1
    assert stands(mail) == (NOW, False, 1)
    assert stands(other)[0] is None


def test_each_row_is_due_at_its_own_time_in_one_statement(
    mails: QuerySet[LinkMail], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    mail, other = taken(mails), mails.last()
    assert other is not None

    with django_assert_num_queries(1):
        outbox.reschedule(LinkMail, {mail.pk: LATER, other.pk: None})

    assert stands(mail) == (LATER, False, 0)
    assert stands(other) == (None, False, 0)


def test_a_row_in_memory_says_what_is_to_be_saved(mails: QuerySet[LinkMail]) -> None:
    mail = taken(mails)

    mail.save(update_fields=mail.make_due(LATER))

    assert stands(mail) == (LATER, False, 1)
