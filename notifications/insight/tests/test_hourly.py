"""What is counted by the hour: as often as one likes, and never twice."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from notifications import housekeeping
from notifications.insight import hourly
from notifications.insight.hourly import BANDS, HOUR
from notifications.insight.models import CountedHour, HourlyCount, Metric
from notifications.models import (
    Callback,
    CallbackState,
    Delivery,
    DeliveryState,
    Engine,
    Event,
    Response,
    Task,
    TaskState,
    Team,
)
from tests.factories import EventFactory, NotificationFactory, RecipientFactory, TaskFactory, TeamFactory
from wfpush.identifiers import lowest_id

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 2, 14, 20, tzinfo=UTC)
THIS, LAST = datetime(2026, 11, 2, 14, tzinfo=UTC), datetime(2026, 11, 2, 13, tzinfo=UTC)


@pytest.fixture(autouse=True)
def few_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hourly, "COUNTED_FOR", 3 * HOUR)


def made_at(moment: datetime, number: int = 0) -> UUID:
    """An id that was made then."""
    return UUID(int=lowest_id(moment).int + number)


@pytest.fixture(autouse=True)
def an_event_of_long_ago(db: None) -> None:
    """Hours before the first event are not counted."""
    EventFactory(pk=made_at(NOW - timedelta(days=60)))


def numbers(hour: datetime) -> dict[tuple[str, str], int]:
    return {(each.what, each.of): each.count for each in HourlyCount.objects.filter(hour=hour)}


def test_events_are_counted_by_hour_and_engine() -> None:
    first = EventFactory(pk=made_at(LAST)).engine
    for number, moment in enumerate((LAST + timedelta(minutes=59, seconds=59), THIS, NOW)):
        EventFactory(pk=made_at(moment, number), engine=first)
    other = EventFactory(pk=made_at(THIS, 9)).engine

    for _ in range(2):
        assert hourly.run(NOW) > 0
        assert numbers(LAST) == {("events", str(first.pk)): 2}
        assert numbers(THIS) == {("events", str(first.pk)): 2, ("events", str(other.pk)): 1}


def test_each_hour_that_nobody_has_counted_is_counted_once_the_newest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hourly, "SECONDS", 0.0)
    for expected in ([14], [14], [14]):
        hourly.run(NOW)
        assert [hour.hour for hour in CountedHour.objects.order_by("-hour").values_list("hour", flat=True)] == expected
    monkeypatch.setattr(hourly, "SECONDS", 60.0)

    assert hourly.run(NOW) == 4
    assert hourly.run(NOW) == 1, "the hour that runs, again"
    assert [each.hour.hour for each in CountedHour.objects.filter(settled=True).order_by("hour")] == [11, 12, 13]
    assert hourly.run(NOW + HOUR) == 2, "and the one before, which has ended since"


def mail(moment: datetime) -> Delivery:
    """A message that waits."""
    item = NotificationFactory(event=EventFactory())
    return Delivery.objects.create(
        pk=made_at(moment), notification=item, event=item.event, recipient=item.recipient, channel="email",
        state=DeliveryState.PENDING, created_at=moment,
    )  # fmt: skip


def test_an_hour_is_counted_again_until_its_messages_have_ended() -> None:
    waits = mail(LAST)
    hourly.run(NOW)
    assert numbers(LAST) == {("messages", "email/pending"): 1}

    Delivery.objects.filter(pk=waits.pk).update(state=DeliveryState.DELIVERED)
    hourly.run(NOW + timedelta(minutes=9))
    assert numbers(LAST) == {("messages", "email/pending"): 1}, "not all the time"
    hourly.run(NOW + timedelta(minutes=10))
    assert numbers(LAST) == {("messages", "email/delivered"): 1}
    assert CountedHour.objects.get(hour=LAST).settled


@pytest.mark.parametrize(("address", "settled"), [("https://engine.example/answers", False), ("", True)])
def test_an_hour_is_counted_again_while_an_engine_is_to_be_told(address: str, settled: bool) -> None:
    given = answered(timedelta(hours=1), 1)
    Engine.objects.update(callback_url=address)
    about = {"task": given.task, "engine": given.task.engine, "body": "{}", "due_at": NOW}
    Callback.objects.create(pk=given.pk, response=given, position=1, **about)
    late = Callback.objects.create(pk=made_at(NOW, 7), position=2, **about)  # that the task runs late
    later = NOW + HOUR
    hourly.run(later)
    assert CountedHour.objects.get(hour=THIS).settled is settled

    Callback.objects.update(state=CallbackState.DELIVERED, due_at=None, ended_at=NOW)
    assert late.response is None
    hourly.count_hour(THIS, later)
    assert CountedHour.objects.get(hour=THIS).settled
    assert numbers(THIS)["told", str(given.task.engine_id)] == 1


def test_what_can_still_change_after_a_week_is_left_as_it_is() -> None:
    mail(LAST)
    hourly.run(NOW)
    assert hourly.run(NOW + timedelta(days=8)) == 1 + 3
    assert numbers(LAST) == {("messages", "email/pending"): 1}


def answered(after: timedelta, number: int, *teams: Team) -> Response:
    person = RecipientFactory()
    for team in teams:
        team.members.add(person)
    item = NotificationFactory(recipient=person, task=TaskFactory())
    at = THIS + timedelta(minutes=5)
    Task.objects.filter(pk=item.task_id).update(created_at=at - after)
    return Response.objects.create(
        pk=made_at(at, number), task=item.task, notification=item, recipient=person, action="approve", effect="final",
        via="inbox", at=at,
    )  # fmt: skip


def test_answers_are_counted_by_team_and_by_how_long_the_task_had_waited() -> None:
    finance, board = TeamFactory(), TeamFactory()
    answered(timedelta(seconds=59), 1, finance, board)
    answered(timedelta(minutes=1), 2, finance)
    answered(timedelta(days=40), 3)
    undone = answered(timedelta(hours=1), 4, finance)
    Response.objects.filter(pk=undone.pk).update(counts=False)
    question = answered(timedelta(hours=1), 5, finance)
    Response.objects.filter(pk=question.pk).update(effect="info")

    hourly.run(NOW)

    last = len(BANDS)
    found = {of: count for (what, of), count in numbers(THIS).items() if what == Metric.ANSWERS}
    assert found == {"/0": 1, "/1": 1, f"/{last}": 1, f"{finance.pk}/0": 1, f"{finance.pk}/1": 1, f"{board.pk}/0": 1}


@pytest.mark.parametrize(
    ("counts", "band"), [([0, 4, 0, 0], 1), ([1, 1, 0, 2], 1), ([1, 1, 0, 3], 3), ([3, 0, 0, 1], 0)]
)
def test_half_of_them_came_within_a_band(counts: list[int], band: int) -> None:
    assert hourly.half_within(counts) == band


def test_the_most_that_waited_at_once_stays_until_the_hour_ends() -> None:
    tasks = [TaskFactory(due_at=NOW - HOUR), TaskFactory(due_at=NOW - HOUR), TaskFactory(), TaskFactory()]
    hourly.run(NOW)
    assert numbers(THIS) == {("waiting", ""): 4, ("late", ""): 2}

    Task.objects.filter(pk__in=[task.pk for task in tasks[1:]]).update(state=TaskState.COMPLETED)
    hourly.run(NOW + timedelta(minutes=1))
    assert numbers(THIS) == {("waiting", ""): 4, ("late", ""): 2}
    hourly.run(NOW + HOUR)
    assert numbers(THIS) == {("waiting", ""): 4, ("late", ""): 2}
    assert numbers(THIS + HOUR) == {("waiting", ""): 1, ("late", ""): 1}


def test_numbers_are_removed_after_400_days() -> None:
    EventFactory(pk=made_at(LAST))
    hourly.run(NOW)
    housekeeping.prune(LAST + timedelta(days=400))
    assert numbers(LAST)
    assert housekeeping.prune(LAST + timedelta(days=400, seconds=1))["hourly counts"] > 0
    assert not numbers(LAST) and Event.objects.exists()


def test_of_a_new_installation_only_the_hour_that_runs_is_counted() -> None:
    Event.objects.all().delete()
    assert hourly.run(NOW) == 1
