"""Guessing of passwords is bounded however it is spread, and locks nobody else out."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest
import time_machine
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils.timezone import now as clock_now

from notifications.people import login_limits, password_places
from tests.factories import PASSWORD, UserFactory
from tests.support.length import LONG
from tests.support.story import Story
from tests.support.unrendered import contexts_alone
from tests.support.waiting import eventually

pytestmark = pytest.mark.soak

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
WRONG, RIGHT, LOCKED, BUSY = 422, 302, 429, 503
HOME, ELSEWHERE = "203.0.113.7", "198.51.100.9"
DOORS = ["/sign-in", "/admin/login/"]
MINUTE = timedelta(minutes=1)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def story(db: None, clock: object) -> Story:
    UserFactory(username="root", is_staff=True, is_superuser=True)
    return Story.begin()


def give(password: str, name: str, at: str = HOME, *, browser: Client | None = None, door: str = "/sign-in") -> int:
    """A password is given, in a browser that nobody has used before unless it is named."""
    with contexts_alone():  # of hundreds of pages nobody reads one
        found = (browser or Client()).post(door, {"username": name, "password": password}, REMOTE_ADDR=at)
    return WRONG if found.status_code == 200 else found.status_code  # the desk shows its form again with 200


def guess(name: str, at: str = HOME, *, browser: Client | None = None, door: str = "/sign-in") -> int:
    return give("a guess", name, at, browser=browser, door=door)


def sign_in(name: str, at: str = HOME, *, browser: Client | None = None, door: str = "/sign-in") -> int:
    return give(PASSWORD, name, at, browser=browser, door=door)


def known(name: str) -> Client:
    """A browser in which the person has signed in before, and is signed in no more."""
    browser = Client()
    assert sign_in(name, browser=browser) == RIGHT
    del browser.cookies[settings.SESSION_COOKIE_NAME]
    return browser


@pytest.mark.ci
@pytest.mark.parametrize("door", DOORS)
def test_a_colleagues_sign_in_between_frees_nobody(story: Story, door: str) -> None:
    answers = []
    for number in range(24):
        answers.append(guess("root", door=door))
        if number % 4 == 3:
            assert sign_in("bob") == RIGHT

    assert answers == [WRONG] * 4 + [LOCKED] * 20
    assert sign_in("root", door=door) == LOCKED, "even with the right one"


def test_the_doors_count_together(story: Story) -> None:
    assert [guess("root", door=DOORS[number % 2]) for number in range(6)] == [WRONG] * 4 + [LOCKED] * 2


@pytest.mark.parametrize("door", DOORS)
def test_a_stranger_locks_nobody_out(story: Story, door: str) -> None:
    for _ in range(19):
        guess("root", ELSEWHERE)

    assert guess("root", ELSEWHERE) == LOCKED
    assert sign_in("root", HOME, door=door) == RIGHT


def test_pauses_grow_and_end(story: Story, clock: time_machine.Traveller) -> None:
    for _ in range(5):
        guess("root")
    pauses = []
    for _ in range(8 if LONG else 5):
        minutes = 0
        while guess_is_refused("root"):
            clock.shift(MINUTE)
            minutes += 1
        pauses.append(minutes)

    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60][: len(pauses)]
    clock.shift(timedelta(hours=1))
    assert sign_in("root") == RIGHT


def guess_is_refused(name: str) -> bool:
    """Whether the password was not even looked at: a guess that is looked at counts."""
    before = login_limits.Try(name, HOME, "").own().get().failures_since_start
    guess(name)
    return bool(login_limits.Try(name, HOME, "").own().get().failures_since_start == before)


@pytest.mark.ci
def test_what_is_refused_does_not_lengthen_the_pause(story: Story, clock: time_machine.Traveller) -> None:
    for _ in range(50):
        guess("root")
    clock.shift(MINUTE)

    assert sign_in("root") == RIGHT


def test_the_page_says_how_long(story: Story, clock: time_machine.Traveller) -> None:
    for _ in range(5):
        guess("bob")
    clock.shift(timedelta(seconds=20))
    page = Client().post("/sign-in", {"username": "bob", "password": PASSWORD}, REMOTE_ADDR=HOME)

    assert page.status_code == LOCKED
    assert page["Retry-After"] == "40"
    assert "Wait 1 minute, then try again." in page.content.decode()


@pytest.mark.ci
def test_a_day_of_guessing_at_one_name_from_everywhere_is_bounded(story: Story, clock: time_machine.Traveller) -> None:
    tried = 0
    for number in range(24 * 12):
        tried += not login_limits.admit(
            login_limits.Try("root", f"198.51.{number // 250}.{number % 250 + 1}", ""), clock_now()
        )
        clock.shift(5 * MINUTE)

    assert 100 < tried <= 130


def test_the_owner_gets_in_meanwhile_where_they_have_signed_in_before(story: Story) -> None:
    laptop = known("root")
    for number in range(40):
        guess("root", f"198.51.100.{number + 1}")

    assert sign_in("root", "192.0.2.1") == LOCKED, "a browser nobody knows waits"
    assert sign_in("root", "192.0.2.1", browser=laptop) == RIGHT, "whatever the address"


@pytest.mark.ci
def test_one_address_that_guesses_at_many_names_is_bounded(story: Story) -> None:
    laptop = known("bob")
    answers = [guess(f"name{number}") for number in range(60)]

    assert answers.count(WRONG) == 49
    assert sign_in("carol") == LOCKED
    assert sign_in("carol", ELSEWHERE) == RIGHT
    assert sign_in("bob", browser=laptop) == RIGHT, "people who stand behind the same address"


def test_a_known_browser_guesses_no_more_than_others_wherever_it_is(story: Story) -> None:
    laptop = known("root")

    answers = [guess("root", f"198.51.100.{number + 1}", browser=laptop) for number in range(10)]
    assert answers == [WRONG] * 4 + [LOCKED] * 6
    assert sign_in("root", HOME) == RIGHT, "and locks nobody else out"


def test_a_browser_is_known_for_those_who_have_signed_in_there(story: Story) -> None:
    laptop = known("bob")
    for number in range(25):
        guess("root", f"198.51.100.{number + 1}")

    assert sign_in("root", browser=laptop) == LOCKED


def test_nobody_makes_such_a_cookie(story: Story) -> None:
    for number in range(25):
        guess("root", f"198.51.100.{number + 1}")
    forged = Client()
    real = known("bob").cookies[login_limits.COOKIE].value
    for value in ("", "x", real[:-1], real.replace(":", "", 1), '{"id":"1","names":[]}'):
        forged.cookies[login_limits.COOKIE] = value
        assert sign_in("root", browser=forged) == LOCKED


@pytest.mark.parametrize("door", DOORS)
def test_the_cookie_names_nobody_and_no_script_reads_it(story: Story, door: str) -> None:
    laptop = Client()
    sign_in("root", browser=laptop, door=door)
    cookie = laptop.cookies[login_limits.COOKIE]

    assert "root" not in cookie.value
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


@pytest.mark.parametrize("header", ["User-Agent", "Accept"])
def test_other_headers_make_nobody_new(story: Story, header: str) -> None:
    for number in range(5):
        Client(headers={header: f"known browser {number}"}).post("/sign-in", {"username": "root", "password": "x"})

    assert sign_in("root", "127.0.0.1") == LOCKED


@pytest.mark.django_db(transaction=True)
def test_twenty_guesses_at_once_are_no_more_than_twenty_one_after_the_other() -> None:
    User.objects.create_user("root", password=PASSWORD)

    def admitted(_: int) -> bool:
        try:
            return not login_limits.admit(login_limits.Try("root", HOME, ""), NOON)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as crowd:
        assert sum(crowd.map(admitted, range(20))) == 5


# --- many at once -----------------------------------------------------------------------------------------------------
@dataclass
class Hashing:
    """The guess "slow" is hashed for as long as the test wants."""

    entered: int = 0
    go_on: Event = field(default_factory=Event)

    def wait(self) -> None:
        self.entered += 1
        assert self.go_on.wait(30)


@pytest.fixture
def hashing(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hashing]:
    made, encode = Hashing(), MD5PasswordHasher.encode

    def slow(self: MD5PasswordHasher, password: str, salt: str, *more: Any) -> str:
        if password == "slow":
            made.wait()
        return str(encode(self, password, salt, *more))

    monkeypatch.setattr(MD5PasswordHasher, "encode", slow)
    yield made
    made.go_on.set()


@pytest.fixture
def crowd(hashing: Hashing) -> Iterator[ThreadPoolExecutor]:
    """As many threads as a web process has. What is still hashed ends with the test."""
    with ThreadPoolExecutor(settings.DATABASE_POOL) as threads:
        yield threads
        hashing.go_on.set()


def given(password: str, name: str, **how: Any) -> int:
    """In a thread of its own, with its connection."""
    try:
        return give(password, name, **how)
    finally:
        connection.close()


@pytest.mark.parametrize("door", DOORS)
def test_a_password_that_is_being_hashed_keeps_nobody_waiting_at_the_same_address(
    hashing: Hashing, crowd: ThreadPoolExecutor, door: str
) -> None:
    first = crowd.submit(given, "slow", "name1", door=door)
    eventually(lambda: hashing.entered, "the first is being hashed")

    assert crowd.submit(given, "a guess", "name2", door=door).result(10) == WRONG
    assert not first.done()
    hashing.go_on.set()
    assert first.result(10) == WRONG


@pytest.mark.ci
@pytest.mark.parametrize("door", DOORS)
def test_however_many_passwords_are_given_at_once_most_threads_stay_free(
    hashing: Hashing, crowd: ThreadPoolExecutor, door: str
) -> None:
    UserFactory(username="root", is_staff=True, is_superuser=True)
    laptop = known("root")
    tries = [
        crowd.submit(given, "slow", f"name{number}", at=f"198.51.100.{number}", door=door)
        for number in range(settings.DATABASE_POOL)
    ]
    most = settings.DATABASE_POOL // password_places.SHARE
    eventually(lambda: sum(each.done() for each in tries) == len(tries) - most, "all but those are refused")

    assert hashing.entered == most
    assert {each.result() for each in tries if each.done()} == {BUSY}
    assert sign_in("carol", door=door) == BUSY
    assert sign_in("root", browser=laptop, door=door) == RIGHT, "strangers keep nobody out of a known browser"
    assert AccessAttempt.objects.count() == most, "what was not looked at was no try"

    hashing.go_on.set()
    assert [each.result(10) for each in tries if each.result(10) != BUSY] == [WRONG] * most
    assert guess("carol", door=door) == WRONG


@pytest.mark.ci
def test_who_is_not_heard_is_told_when_to_come_again(hashing: Hashing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(password_places, "strangers", password_places.Places(1))
    with password_places.strangers.take() as first, password_places.strangers.take() as second:
        assert (first, second) == (True, False)
    with password_places.strangers.take(), ThreadPoolExecutor(1) as other:
        page = other.submit(Client().post, "/sign-in", {"username": "root", "password": "x"}).result()

    assert (page.status_code, page["Retry-After"]) == (BUSY, "2")
    assert "your password was not checked" in page.content.decode()
