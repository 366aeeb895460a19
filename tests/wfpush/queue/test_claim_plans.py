"""What a claim reads does not grow with what waits, whatever PostgreSQL's statistics say about it.

`outdated` statistics were taken when nothing waited, as those of a quiet installation that a burst meets.
"""

from collections.abc import Callable

import pytest
from django.db import connection, models, transaction
from django.utils import timezone

from escalations.clocks import due_steps
from escalations.models import Escalation
from notifications.channels import registry
from notifications.conversation import notifying
from notifications.delivery import claims as delivery_claims
from notifications.engines import callback_claims
from notifications.items import ledger
from notifications.models import Callback, Delivery, Event, Notification, Task, TaskMessage
from notifications.routing import claims
from tests.notifications.delivery.test_claims import device_of
from tests.support.multiplied import analyze, made_id, multiply
from tests.support.pages_read import pages_read
from tests.support.story import Story
from wfpush.concurrency.keyed_limits import FreePlaces
from wfpush.queue import outbox

pytestmark = pytest.mark.django_db
FEW, MANY = 1_500, 9_000
# The rows that are added last are due first: a claim does not pass over dead rows that the claim before it left.
LATEST_FIRST = "now() - interval '1 minute' - interval '1 ms' * n"
OLDEST_FIRST = "now() - interval '1 minute' + interval '1 ms' * n"
Claim = Callable[[], object]


@pytest.fixture(autouse=True)
def _without_dead_rows() -> None:
    """Start with empty files: pages full of rows that other tests rolled back would change the plans."""
    tables = ", ".join(each._meta.db_table for each in (Event, Task, Notification, Delivery, Callback, Escalation))
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {tables}, {TaskMessage._meta.db_table} CASCADE")


@pytest.fixture(params=["outdated", "current"])
def statistics(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Burst:
    """Rows like those of a story, which have ended when the statistics are taken."""

    def __init__(self, statistics: str, *tables: type[models.Model]) -> None:
        self._is_current = statistics == "current"
        self._tables = tables

    def reads_the_same(self, add: Callable[[range], None], claim: Claim) -> None:
        """Fail unless a claim among MANY rows reads about as much as among FEW."""
        pages = []
        for numbers in (range(1, FEW), range(FEW, MANY)):
            add(numbers)
            if self._is_current:
                analyze(*self._tables)
            with pages_read() as read, transaction.atomic():
                claim()
                transaction.set_rollback(True)
            pages.append(read)
        few, many = pages
        assert few.total > 0
        assert many.total <= 3 * few.total + 100, many.largest()


def ended(story: Story) -> None:
    """A hundred processed events, and statistics in which nothing waits."""
    event = story.assign()
    multiply(event, range(1, 100), id=made_id(1), event_id="'ended-' || n", task_id="NULL")
    analyze(Event)


def events(story: Story, group: str, due_at: str = LATEST_FIRST) -> Callable[[range], None]:
    pattern = Event.objects.filter(source="invoices").first()
    assert pattern is not None

    def add(numbers: range) -> None:
        multiply(
            pattern, numbers, id=made_id(2), event_id="'burst-' || n", task_id="NULL", processed_at="NULL",
            status="'accepted'", due_at=due_at, group=group,
        )  # fmt: skip

    return add


def claim_events() -> None:
    assert claims.has_due(timezone.now())
    assert len(claims.claim()) == claims.BATCH


@pytest.mark.parametrize("group", ["'task:' || n", "'task:' || n / 4", "''"], ids=["one each", "four each", "none"])
def test_events_of_many_tasks(statistics: str, group: str) -> None:
    story = Story.begin()
    ended(story)
    Burst(statistics, Event).reads_the_same(events(story, group), claim_events)


def test_events_of_one_task(statistics: str) -> None:
    """When those behind the first are parked, and again when that has been processed."""
    story = Story.begin()
    ended(story)

    def claim_one() -> None:
        (event,) = claims.claim()
        event.processed_at = timezone.now()
        outbox.finish_together([event], ["processed_at"])
        claims.release_next([event], timezone.now())

    def claim_next() -> None:
        assert claims.has_due(timezone.now())
        claim_one()

    add = events(story, "'task:giant'", OLDEST_FIRST)

    def add_and_park(numbers: range) -> None:
        add(numbers)
        while Event.backlog(timezone.now()).filter(due_at__lte=timezone.now()).count() > claims.WINDOW:
            claim_one()

    Burst(statistics, Event).reads_the_same(add_and_park, claim_next)


def copies(story: Story, numbers: range) -> None:
    """Tasks, and Bob's copies of them."""
    copy = story.copy(story.bob)
    assert copy.task is not None
    multiply(copy.task, numbers, id=made_id(3), task_id="'burst-' || n")
    multiply(copy, numbers, id=made_id(4), task_id=made_id(3), seq="1000 + n")


def test_answers(statistics: str) -> None:
    story = Story.begin()
    story.assign()
    story.answer(story.bob, "approve")
    call = Callback.objects.get()
    copies(story, range(1, MANY))

    def add(numbers: range) -> None:
        multiply(
            call, numbers, id=made_id(5), response_id="NULL", task_id=made_id(3), due_at=LATEST_FIRST, ended_at="NULL"
        )

    Callback.objects.update(due_at=None, ended_at=timezone.now(), state="delivered")
    analyze(Callback, Task)
    call.state = "waiting"

    def claim() -> None:
        now = timezone.now()
        assert callback_claims.has_due(now)
        assert len(callback_claims.claim(FreePlaces(left=16, each=8, taken={}), (), now)) == 8

    Callback.objects.filter(pk=call.pk).update(state="waiting")
    Burst(statistics, Callback).reads_the_same(add, claim)


def deliveries(story: Story, channel: str) -> Callable[[range], None]:
    """Messages of a channel that wait, each of another copy."""
    row = Delivery.objects.get(channel=channel, recipient=story.bob)
    copies(story, range(1, MANY))
    Delivery.objects.update(due_at=None, state="delivered")
    analyze(Delivery, Notification)

    def add(numbers: range) -> None:
        multiply(
            row, numbers, id=made_id(6), notification_id=made_id(4), address="pattern.address || n",
            state="'pending'", due_at=LATEST_FIRST,
        )  # fmt: skip

    return add


def test_messages_to_devices(statistics: str) -> None:
    story = Story.begin()
    device_of(story.bob, "phone")
    story.assign()
    add = deliveries(story, "webpush")

    def claim() -> None:
        now = timezone.now()
        assert delivery_claims.waiting_for_devices(now).channels == ["webpush"]
        assert delivery_claims.has_due(now)
        assert not delivery_claims.waiting_without_channel().exists()
        rows = delivery_claims.for_all(["webpush"], 400, delivery_claims.Busy(), now)
        assert len(rows) == 400
        assert not ledger.with_reserve(rows)
        assert not ledger.lock([row.pk for row in rows]).reserves

    Burst(statistics, Delivery).reads_the_same(add, claim)


def test_messages_by_email(statistics: str) -> None:
    story = Story.begin()
    story.assign()
    add = deliveries(story, "email")
    (channel,) = (each for each in registry.person_channels() if each.name == "email")

    def claim() -> None:
        now, room = timezone.now(), FreePlaces(left=16, each=8, taken={})
        rows = delivery_claims.waiting(["email"])
        assert outbox.due(rows, now).exists()
        assert delivery_claims.for_places(rows, room, channel.places, now, may_go_together=channel.together is not None)

    Burst(statistics, Delivery).reads_the_same(add, claim)


def test_clocks(statistics: str) -> None:
    story = Story.begin()
    story.tell_manager_when_due()
    story.assign(due_at="2026-11-02T12:00:00Z")
    row = Escalation.objects.get()
    copies(story, range(1, MANY))
    Escalation.objects.update(due_at=None)
    analyze(Escalation)

    def add(numbers: range) -> None:
        multiply(row, numbers, id=made_id(8), task_id=made_id(3), due_at=LATEST_FIRST)

    def claim() -> None:
        now = timezone.now()
        assert due_steps.has_due(now)
        assert (
            len(outbox.claim(due_steps.due(), limit=due_steps.BATCH, lease=due_steps.LEASE, now=now)) == due_steps.BATCH
        )

    Burst(statistics, Escalation).reads_the_same(add, claim)


def test_messages_to_engines(statistics: str) -> None:
    story = Story.begin()
    story.assign()
    row = TaskMessage.objects.create(task=story.task(), number=1, kind="comment", at=timezone.now())
    copies(story, range(1, MANY))
    analyze(TaskMessage)

    def add(numbers: range) -> None:
        multiply(row, numbers, id=made_id(7), task_id=made_id(3), due_at=LATEST_FIRST)

    def claim() -> None:
        now = timezone.now()
        assert notifying.has_due(now)
        assert (
            len(outbox.claim(TaskMessage.objects.all(), limit=notifying.BATCH, lease=notifying.LEASE, now=now))
            == notifying.BATCH
        )

    Burst(statistics, TaskMessage).reads_the_same(add, claim)
