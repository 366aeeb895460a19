"""Faults of one device, or of half of all, delay nobody else."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import time_machine
from asgiref.sync import async_to_sync
from django.utils import timezone
from pytest_django import Settings

from notifications.channels import registry
from notifications.delivery import circuit_breaker, claims, concurrency_limits, device_lane, service_pauses
from notifications.delivery.engine import Engine
from notifications.models import Delivery, Device, PausedService, Recipient
from notifications.reasons import said
from tests.factories import RecipientFactory
from tests.pushlab.certificates import issue
from tests.support.crowd import DEAD, Crowd, crowd
from tests.support.devices import drain_after
from tests.support.engines import LOOPBACK
from tests.support.length import some
from tests.support.story import Story
from tests.support.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def service(settings: Settings, clock: time_machine.Traveller) -> Iterator[Crowd]:
    settings.PUSH_ALLOWED_CIDRS, settings.PUSH_ALLOWED_HOSTS = LOOPBACK, []
    with crowd() as started:
        yield started


@pytest.fixture
def story(service: Crowd) -> Story:
    return Story.begin()


def people(service: Crowd, count: int, name: str, manner: str = "ok") -> list[Recipient]:
    """They have no other channel than their devices, which do this."""
    them = [RecipientFactory(ref=f"{name}-{number}", email="") for number in range(count)]
    for person in them:
        service.device(person, manner)
    return them


def assign_to(story: Story, task_id: str, *groups: list[Recipient]) -> None:
    story.assign(task_id, assignee=None, candidates=[person.ref for group in groups for person in group])


def hanging_first(them: list[Recipient]) -> None:
    """They are due before everybody else's."""
    Delivery.objects.filter(channel="webpush", recipient__in=them).update(due_at=timezone.now() - timedelta(minutes=1))


async def dispatched(until: Callable[[], bool] = lambda: True) -> bool:
    """A dispatcher takes what is due; whether that came to pass while it was at work. Then it ends."""
    engine = Engine(registry.device_channels())
    try:
        await engine.drain()
        return await asyncio.to_thread(until)
    finally:
        await engine.close()


@pytest.mark.long
def test_half_a_service_that_hangs_holds_up_nobody_who_has_never_been_told_before(story: Story, service: Crowd) -> None:
    dead, alive = people(service, 200, "dave", "hangs"), people(service, 20, "ann")
    assign_to(story, "T-1", dead, alive)
    hanging_first(dead)

    def all_arrive() -> bool:
        return service.waits_for(lambda: len(service.arrived) == 20, PATIENCE_SECONDS) and not service.given_up

    assert async_to_sync(dispatched)(all_arrive), "each of them, while all the others still hang"
    assert {row.state for row in Delivery.objects.filter(recipient__in=alive, channel="webpush")} == {"delivered"}


def test_suspects_have_few_places_of_their_own_and_are_taken_after_the_others(
    story: Story, service: Crowd, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(concurrency_limits, "SUSPECTS", 2)
    monkeypatch.setattr(device_lane, "BATCH", 4)
    dead = people(service, 10, "dave", "hangs")
    Device.objects.update(last_fault_fact=said("It did not answer completely within 10 seconds.").as_json())
    alive = people(service, 5, "ann")
    assign_to(story, "T-1", dead, alive)
    hanging_first(dead)
    clock.shift(timedelta(seconds=1))

    def all_arrive() -> bool:
        return service.waits_for(lambda: len(service.arrived) == 5 and service.hanging == 2, PATIENCE_SECONDS)

    assert async_to_sync(dispatched)(all_arrive)
    assert service.most_hanging == 2
    assert not Delivery.objects.filter(claims.SUSPECT, due_at__lte=timezone.now(), lease_token=None).exists(), (
        "what has no place for long is due later: the worker is not behind with its work"
    )


def test_a_burst_for_one_device_that_hangs_takes_few_places(
    story: Story, service: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(concurrency_limits, "ROOM", 12)
    monkeypatch.setattr(concurrency_limits, "SLOW", 4)
    (dave,), (ann,) = people(service, 1, "dave", "hangs"), people(service, 1, "ann")
    for number in range(24):
        assign_to(story, f"T-{number}", [dave])
    hanging_first([dave])
    assign_to(story, "T-99", [ann])

    def it_arrives() -> bool:
        return service.waits_for(lambda: bool(service.arrived), PATIENCE_SECONDS) and not service.given_up

    assert async_to_sync(dispatched)(it_arrives)
    assert service.most_hanging <= device_lane.AT_ONCE


# --- what fails at once -----------------------------------------------------------------------------------------------
def one_after_the_other(*steps: Callable[[], object]) -> None:
    """After each step one dispatcher sends what is due, and all of that lands."""
    drain_after(registry.device_channels(), *steps)


@pytest.mark.parametrize("manner", some(sorted({*DEAD, "no service", "no secure connection"} - {"hangs"}), 3))
def test_however_one_device_fails_the_others_hear_at_once(
    story: Story, service: Crowd, tmp_path: Path, clock: time_machine.Traveller, manner: str
) -> None:
    dave, alive = RecipientFactory(ref="dave-0", email=""), people(service, 6, "ann")
    with ExitStack() as others:
        url = service.url
        if manner == "no secure connection":
            url = others.enter_context(crowd(issue(tmp_path, "127.0.0.1").server)).url
        elif manner == "no service":
            url = "http://127.0.0.1:9"
        service.device(dave, manner.replace(" ", "-"), url)
        lone = [partial(assign_to, story, f"T-{number}", [dave]) for number in range(7)]
        one_after_the_other(*lone, partial(assign_to, story, "T-99", [dave], alive))

    assert len(service.arrived) == 6


def test_half_of_a_service_that_fails_is_tried_again_apart(
    story: Story, service: Crowd, clock: time_machine.Traveller
) -> None:
    dead, alive = people(service, 12, "dave", "broken"), people(service, 6, "ann")
    later = partial(clock.shift, timedelta(seconds=3))
    one_after_the_other(
        partial(assign_to, story, "T-1", dead), later, later, partial(assign_to, story, "T-2", dead, alive)
    )

    assert len(service.arrived) == 6


# --- what works again -------------------------------------------------------------------------------------------------
def test_when_a_device_works_again_all_that_waits_for_it_comes_at_once(
    story: Story, service: Crowd, clock: time_machine.Traveller
) -> None:
    (dave,) = people(service, 1, "dave", "broken")
    tasks = [partial(assign_to, story, f"T-{number}", [dave]) for number in range(3)]
    one_after_the_other(*tasks, partial(clock.shift, timedelta(seconds=5)))
    tries = service.tries["broken/dave-0"]
    assert tries == 4, "one for each, and then one for all of them"

    service.manner["broken/dave-0"] = "ok"
    assign_to(story, "T-3", [dave])
    one_after_the_other(lambda: None, lambda: None)

    assert service.arrived["broken/dave-0"] == 4, "in the very moment in which the newest had arrived"


def test_when_a_service_works_again_all_that_waits_for_it_comes_at_once(
    story: Story, service: Crowd, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(circuit_breaker, "DOWN_AFTER", 0.0)
    them = people(service, circuit_breaker.DOWN_PARTIES + 1, "ann", "broken")

    def is_repaired() -> None:
        service.manner.update(dict.fromkeys(service.tries, "ok"))
        assign_to(story, "T-2", them[:1])

    one_after_the_other(partial(assign_to, story, "T-1", them), is_repaired, lambda: None)

    assert len(service.arrived) == len(them), "nobody waits for the next try, which was to be in two seconds"


@pytest.mark.ci
def test_all_that_waits_for_a_dead_device_is_left_to_the_mail_after_an_hour(
    story: Story, service: Crowd, clock: time_machine.Traveller
) -> None:
    service.device(story.bob, "broken")
    for number in range(3):
        story.assign(f"T-{number}")
    for _ in range(20):
        one_after_the_other(partial(clock.shift, timedelta(seconds=310)))

    assert {row.state for row in Delivery.objects.filter(channel="webpush")} == {"dead"}
    assert not Delivery.objects.filter(channel="email", due_at=None).exists()


# --- our key ----------------------------------------------------------------------------------------------------------
def test_two_browsers_that_refuse_our_key_do_not_pause_the_service_of_the_others(
    story: Story, service: Crowd, clock: time_machine.Traveller
) -> None:
    odd, alive = people(service, 2, "dave", "refused"), people(service, 4, "ann")
    one_after_the_other(
        partial(assign_to, story, "T-1", odd),
        partial(assign_to, story, "T-2", odd),
        partial(assign_to, story, "T-3", alive),
    )

    assert len(service.arrived) == 4 and not PausedService.objects.exists()


def test_a_service_that_refuses_many_and_takes_nothing_is_paused_briefly_and_tried_by_one(
    story: Story, service: Crowd, clock: time_machine.Traveller
) -> None:
    them, others = (
        people(service, service_pauses.MIN_REFUSED_PEOPLE, "dave", "refused"),
        people(service, 4, "ann", "refused"),
    )
    one_after_the_other(partial(assign_to, story, "T-1", them))
    paused = PausedService.objects.get()
    assert paused.until - timezone.now() <= timedelta(minutes=1)

    service.tries.clear()
    one_after_the_other(partial(assign_to, story, "T-2", others))
    assert not service.tries

    clock.shift(paused.until - timezone.now() + timedelta(seconds=1))
    one_after_the_other(lambda: None)
    assert service.tries.total() == 1, "one of all tries it"
    paused.refresh_from_db()
    assert paused.until > timezone.now(), "in vain"
