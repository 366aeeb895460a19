"""A service that fails and recovers moves nothing that waits because a person or the service asked for it."""

from datetime import datetime, timedelta

import pytest
from django.db import models
from django.utils import timezone

from notifications.engines import requeue
from notifications.items import undo_window
from notifications.models import Callback, Delivery
from tests.support.multiplied import made_id, multiply
from tests.support.story import Story
from wfpush.models import ServiceState
from wfpush.observability import services

pytestmark = pytest.mark.django_db
NO_REASON = {"reason": "", "reason_fact": None}
A_MINUTE, HOURS = timedelta(minutes=1), timedelta(hours=9)


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def story() -> Story:
    made = Story.begin()
    made.assign()
    return made


def failing(kind: str, name: str, now: datetime, state: str = services.REFUSES) -> ServiceState:
    """A service that is to be tried now."""
    services.report((kind, name), state, NO_REASON, now, since=now, try_at=now)
    return ServiceState.objects.get(kind=kind, name=name)


def mail_server() -> str:
    (name,) = services.kinds()["email"].names()
    return name


def due_in(row: models.Model, now: datetime) -> timedelta:
    row.refresh_from_db()
    due_at: datetime = row.due_at  # type: ignore[attr-defined]
    return due_at - now


def one_email(story: Story, **fields: object) -> Delivery:
    row = Delivery.objects.get(channel="email", recipient=story.bob)
    Delivery.objects.filter(pk=row.pk).update(**fields)
    row.refresh_from_db()
    return row


@pytest.mark.parametrize("state", [services.SLOW, services.REFUSES])
def test_what_was_held_back_for_a_person_stays_when_the_mail_server_works_again(
    story: Story, now: datetime, state: str
) -> None:
    held = one_email(story, held="digest", due_at=now + HOURS)
    failing("email", mail_server(), now, state)
    services.report_works(("email", mail_server()), now)
    assert due_in(held, now) == HOURS


def test_a_try_takes_a_message_that_failed_and_none_that_was_held_back(story: Story, now: datetime) -> None:
    failed = one_email(story, attempts=3, due_at=now + A_MINUTE)
    multiply(failed, range(1, 2), id=made_id(6), address="'other'", attempts="0", held="'quiet'")
    held = Delivery.objects.get(address="other")
    services.forget_or_try(failing("email", mail_server(), now), now)
    assert due_in(failed, now) <= timedelta() and due_in(held, now) == A_MINUTE


def test_an_answer_can_be_taken_back_however_its_engine_fares(
    story: Story, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undo_window, "HELD", A_MINUTE)
    story.answer(story.bob, "approve")
    answer = Callback.objects.get()
    Callback.objects.update(attempts=0, due_at=now + A_MINUTE)
    services.forget_or_try(failing("engine", answer.engine.slug, now), now)
    services.report_works(("engine", answer.engine.slug), now)
    requeue.hurry_callbacks(answer.engine, now)
    assert due_in(answer, now) == A_MINUTE


@pytest.mark.parametrize(("status", "waits"), [(429, True), (503, True), (500, False)])
def test_an_engine_that_asks_to_wait_is_not_called_before(
    story: Story, now: datetime, status: int, waits: bool
) -> None:
    story.answer(story.bob, "approve")
    answer = Callback.objects.get()
    Callback.objects.update(attempts=1, last_status=status, due_at=now + HOURS)
    services.forget_or_try(failing("engine", answer.engine.slug, now), now)
    assert (due_in(answer, now) == HOURS) is waits


def test_an_answer_that_an_engine_does_not_take_is_given_up_although_it_takes_others(
    story: Story, now: datetime
) -> None:
    story.answer(story.bob, "approve")
    answer = Callback.objects.get()
    Callback.objects.update(attempts=9, last_status=500, first_attempt_at=now - 6 * HOURS, due_at=now + HOURS)
    failing("engine", answer.engine.slug, now)
    services.report_works(("engine", answer.engine.slug), now)
    assert due_in(answer, now) <= timedelta() and answer.first_attempt_at == now - 6 * HOURS


def test_a_state_ends_although_the_clock_was_set_back(now: datetime) -> None:
    failing("email", "mail:25", now + HOURS, services.AWAY)
    assert not services.is_left_alone(("email", "mail:25"), now)
    assert services.held("deliveries", now) is None
    services.report_works(("email", "mail:25"), now, now)
    assert not ServiceState.objects.exists()
