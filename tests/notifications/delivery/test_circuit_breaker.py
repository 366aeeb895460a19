"""What a dispatcher has seen of services: one is down when different addresses say so, and nobody is answered."""

from uuid import uuid4

import pytest

from notifications.delivery.circuit_breaker import (
    ALONE_FIRST,
    ALONE_MOST,
    DOWN_AFTER,
    DOWN_PARTIES,
    JUST_WORKED,
    LATER_SECONDS,
    Services,
)
from tests.support.seconds import Seconds

MOZILLA = ("webpush", "updates.push.services.mozilla.com")
GATEWAY = ("appworks", "gateway.example")


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
def services(clock: Seconds) -> Services:
    return Services(clock)


def test_it_is_down_when_several_devices_have_failed_for_long(services: Services, clock: Seconds) -> None:
    for _ in range(DOWN_PARTIES):
        services.failed(MOZILLA, uuid4(), clock.now)
    clock.now += DOWN_AFTER
    services.failed(MOZILLA, uuid4(), clock.now)

    assert services.answered(MOZILLA), "and works again"
    assert not services.answered(MOZILLA), "which is said once"


def test_one_device_that_is_tried_again_and_again_says_nothing_of_the_service(
    services: Services, clock: Seconds
) -> None:
    dead = uuid4()
    for _ in range(100):
        clock.now += DOWN_AFTER
        services.failed(MOZILLA, dead, clock.now)

    assert not services.answered(MOZILLA)


def test_it_is_not_down_while_it_answers_anybody(services: Services, clock: Seconds) -> None:
    for _ in range(10 * DOWN_PARTIES):
        clock.now += DOWN_AFTER / 2
        services.failed(MOZILLA, uuid4(), clock.now)
        assert not services.answered(MOZILLA)


def test_what_was_sent_before_somebody_was_answered_does_not_count(services: Services, clock: Seconds) -> None:
    began = clock.now
    clock.now += 1
    services.answered(MOZILLA)
    for _ in range(10 * DOWN_PARTIES):
        clock.now += DOWN_AFTER
        services.failed(MOZILLA, uuid4(), began)

    assert not services.answered(MOZILLA)


def test_refusals_count_by_person_and_from_a_while_after_the_last_message_that_was_taken(
    services: Services, clock: Seconds
) -> None:
    for person in (1, 1, 2):
        services.refused(MOZILLA, person)
    assert services.refusals(MOZILLA) == {1, 2}

    services.took(MOZILLA)
    services.refused(MOZILLA, 3)
    assert not services.refusals(MOZILLA), "it has just worked"
    clock.now += JUST_WORKED
    assert services.refusals(MOZILLA) == {3}


def test_one_that_is_down_is_left_alone_and_tried_by_one_later_each_time(services: Services, clock: Seconds) -> None:
    assert services.wait(GATEWAY) == 0
    for at in (0.0, DOWN_AFTER):
        clock.now += at
        for number in range(DOWN_PARTIES):
            services.failed(GATEWAY, f"person-{number}", clock.now)
    waits = []
    for _ in range(8):
        waits.append(services.wait(GATEWAY))
        assert services.wait(GATEWAY) == LATER_SECONDS, "one comes again"
        clock.now += waits[-1]
        assert services.wait(GATEWAY) == 0, "and tries it"

    assert waits[0] == ALONE_FIRST and waits == sorted(waits) and waits[-1] == ALONE_MOST
    assert services.wait(MOZILLA) == 0
    assert services.answered(GATEWAY)
    assert services.wait(GATEWAY) == 0
