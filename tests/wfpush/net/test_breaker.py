"""A push service that does not answer is left alone for a while; the others go on."""

import pytest

from tests.support.seconds import Seconds
from wfpush.net.breaker import Breaker

MOZILLA, GOOGLE = "updates.push.services.mozilla.com", "fcm.googleapis.com"


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
def breaker(clock: Seconds) -> Breaker:
    return Breaker(failures=3, pause=5, most=30, clock=clock)


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        breaker.failed(MOZILLA)


def test_a_few_failures_stop_nothing(breaker: Breaker) -> None:
    fail(breaker, 2)

    assert [breaker.wait(MOZILLA) for _ in range(3)] == [0, 0, 0]


def test_after_some_failures_in_a_row_the_service_is_left_alone_and_others_are_not(
    breaker: Breaker, clock: Seconds
) -> None:
    fail(breaker, 3)

    assert breaker.wait(MOZILLA) == 5
    assert breaker.wait(GOOGLE) == 0
    clock.now += 3
    assert breaker.wait(MOZILLA) == 2


def test_failures_between_successes_are_not_in_a_row(breaker: Breaker) -> None:
    for _ in range(5):
        fail(breaker, 2)
        breaker.succeeded(MOZILLA)

    assert breaker.wait(MOZILLA) == 0


def test_after_the_pause_exactly_one_try_goes_out(breaker: Breaker, clock: Seconds) -> None:
    fail(breaker, 3)
    clock.now += 5

    assert [breaker.wait(MOZILLA) for _ in range(3)] == [0, 5, 5]


def test_a_try_that_succeeds_opens_the_way_for_all(breaker: Breaker, clock: Seconds) -> None:
    fail(breaker, 3)
    clock.now += 5
    breaker.wait(MOZILLA)
    breaker.succeeded(MOZILLA)

    assert [breaker.wait(MOZILLA) for _ in range(3)] == [0, 0, 0]
    fail(breaker, 2)
    assert breaker.wait(MOZILLA) == 0, "it starts from nothing"


def test_with_each_try_that_fails_the_pause_is_longer_up_to_the_limit(breaker: Breaker, clock: Seconds) -> None:
    fail(breaker, 3)
    pauses = []
    for _ in range(5):
        pauses.append(breaker.wait(MOZILLA))
        clock.now += pauses[-1]
        assert breaker.wait(MOZILLA) == 0
        fail(breaker, 1)

    assert pauses == [5, 10, 20, 30, 30]


def test_calls_that_were_on_their_way_when_it_broke_do_not_make_the_pause_longer(
    breaker: Breaker, clock: Seconds
) -> None:
    fail(breaker, 3)
    clock.now += 4
    fail(breaker, 90)

    assert breaker.wait(MOZILLA) == 1


def test_one_of_them_that_succeeds_after_all_ends_the_pause(breaker: Breaker) -> None:
    fail(breaker, 3)
    breaker.succeeded(MOZILLA)

    assert breaker.wait(MOZILLA) == 0


def test_a_try_that_nobody_tells_of_is_not_waited_for_for_ever(breaker: Breaker, clock: Seconds) -> None:
    fail(breaker, 3)
    clock.now += 5
    assert breaker.wait(MOZILLA) == 0
    clock.now += 5

    assert breaker.wait(MOZILLA) == 0
