"""A step is due, and in the same instant something happens to its task: one of the two comes first, in every order."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from escalations.clocks import due_steps
from escalations.models import Escalation, StepRun
from notifications.models import Delivery, Notification
from tests.soak.installation import LONG
from tests.support.story import Story
from tests.support.waiting import eventually
from wfpush.queue import outbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.soak]

ROUNDS = 50 if LONG else 4
"""Of each happening."""
SECOND = timedelta(seconds=1)


@pytest.fixture
def story() -> Story:
    told = Story.begin()
    told.tell_manager_when_due()
    return told


def late(story: Story, task_id: str = "T-42") -> Escalation:
    """Bob's, late since a minute ago: a worker has just claimed its clock."""
    due_at = (timezone.now() - 60 * SECOND).isoformat()
    story.assign(task_id, minute=None, due_at=due_at, initiator="alice")
    return claimed(task_id, timezone.now())


def claimed(task_id: str, now: datetime) -> Escalation:
    (clock,) = outbox.claim(due_steps.due().filter(task__task_id=task_id), limit=1, lease=due_steps.LEASE, now=now)
    return clock


Happening = Callable[[Story, str], object]


def answered(story: Story, task_id: str) -> object:
    return story.answer(story.bob, "approve", task_id=task_id)


def asked(story: Story, task_id: str) -> object:
    return story.answer(story.bob, "request_info", "Which cost centre?", task_id=task_id)


def given(story: Story, task_id: str) -> object:
    return story.assign(task_id, minute=None, assignee="alice")


def completed(story: Story, task_id: str) -> object:
    return story.happen("task.completed", {"task": {"id": task_id}}, minute=None)


HAPPENINGS: dict[Happening, tuple[tuple[str, str], str]] = {
    answered: (("closed", "answered"), "answered"),
    asked: (("paused", ""), "open"),
    given: (("closed", "reassigned to somebody else"), "withdrawn"),
    completed: (("closed", "closed in engine"), "withdrawn"),
}
"""How the clock stands afterwards, and the copy of Carol if she was told before."""

each_happening = pytest.mark.parametrize("happens", HAPPENINGS, ids=lambda each: each.__name__)


def holds(story: Story, task_id: str, happens: Happening, runs: int) -> None:
    """Whichever came first, all that is kept says the same."""
    stands, copy = HAPPENINGS[happens]
    clock = Escalation.objects.filter(task__task_id=task_id).earliest("pk")
    assert ((clock.state, clock.end_reason), clock.due_at) == (stands, None)
    assert clock.runs.count() == runs
    carols = Notification.objects.filter(task__task_id=task_id, recipient=story.carol)
    assert [row.state for row in carols] == [copy] * runs
    waiting = Delivery.objects.filter(notification__in=carols.exclude(state="open"), state="pending")
    assert not waiting.exists(), "nobody hears of it any more"
    due_steps.tick(timezone.now())
    assert clock.runs.count() == runs


# --- in order ---------------------------------------------------------------------------------------------------------
def in_order(first: Callable[[], Any], second: Callable[[], Any]) -> tuple[Any, Any]:
    """The second begins before the first is committed, and waits for it."""
    with ThreadPoolExecutor(1) as other:
        with transaction.atomic():
            one = first()
            later = other.submit(closing, second)
            eventually(somebody_waits, "the second waits for the first", within=20)
        return one, later.result(20)


def closing(does: Callable[[], Any]) -> Any:
    try:
        return does()
    finally:
        connection.close()


def somebody_waits() -> bool:
    """For a row that is locked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


@each_happening
def test_what_happens_while_a_step_is_taken_comes_after_it(story: Story, happens: Happening) -> None:
    clock = late(story)

    runs, _ = in_order(lambda: due_steps.advance([clock], timezone.now()), lambda: happens(story, "T-42"))

    assert [told["ref"] for run in runs for told in run.told] == ["carol"]
    holds(story, "T-42", happens, 1)


@each_happening
def test_a_step_that_something_came_before_is_not_taken(story: Story, happens: Happening) -> None:
    clock = late(story)

    _, runs = in_order(lambda: happens(story, "T-42"), lambda: due_steps.advance([clock], timezone.now()))

    assert runs == []
    holds(story, "T-42", happens, 0)


def test_of_two_workers_one_takes_it(story: Story) -> None:
    """The first was so slow that its lease had ended."""
    slow = late(story)
    quick = claimed("T-42", timezone.now() + 2 * due_steps.LEASE)

    runs, others = in_order(
        lambda: due_steps.advance([quick], timezone.now()), lambda: due_steps.advance([slow], timezone.now())
    )

    assert (len(runs), others, StepRun.objects.count()) == (1, [], 1)


# --- as it comes ------------------------------------------------------------------------------------------------------
@pytest.fixture
def two() -> Iterator[Callable[..., list[Any]]]:
    """Does two things at once, each on a connection of its own."""
    gate = Barrier(2)

    def waiting(does: Callable[[], Any]) -> Any:
        gate.wait(20)
        return does()

    with ThreadPoolExecutor(2) as both:

        def at_once(*things: Callable[[], Any]) -> list[Any]:
            return [each.result(20) for each in [both.submit(waiting, does) for does in things]]

        yield at_once
        at_once(connection_closed, connection_closed)


def connection_closed() -> None:
    connection.close()


def test_at_once_one_of_the_two_comes_first_each_time(story: Story, two: Any) -> None:
    for round in range(ROUNDS):
        for happens in HAPPENINGS:
            task_id = f"{happens.__name__}-{round}"
            clock = late(story, task_id)
            runs, _ = two(
                lambda clock=clock: due_steps.advance([clock], timezone.now()),
                lambda happens=happens, task_id=task_id: happens(story, task_id),
            )
            holds(story, task_id, happens, len(runs))
