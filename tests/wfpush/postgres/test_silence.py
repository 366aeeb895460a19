"""A server that takes what is sent and never answers holds nobody for long: PostgreSQL, then Redis."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from django.db import OperationalError, connection
from psycopg import OperationalError as DriverError
from psycopg.errors import ConnectionTimeout

from wfpush.postgres.silence import Silence, silence
from wfpush.queue import outbox
from wfpush.redis.cooldown import COOLDOWN_SECONDS, Cooldown


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(silence, "patience", 0.3)
    yield
    silence._silent = False


@pytest.fixture
def mute() -> Iterator[int]:
    """The port of a server that accepts connections and says nothing."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield int(server.getsockname()[1])


@pytest.mark.django_db(transaction=True)
def test_a_statement_without_an_answer_is_given_up_and_its_connection_with_it(impatient: None) -> None:
    with connection.cursor() as cursor, pytest.raises(OperationalError, match=r"not answered for 0\.3 s"):
        cursor.execute("SELECT pg_sleep(30)")
    assert silence
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
    assert not silence, "it has answered"


@pytest.mark.django_db(transaction=True)
def test_a_statement_that_was_given_up_is_cancelled_on_the_server(impatient: None) -> None:
    with connection.cursor() as cursor, pytest.raises(OperationalError):
        cursor.execute("SELECT pg_sleep(30), 'given up'")
    connection.close()
    with connection.cursor() as cursor:
        for _ in range(200):
            cursor.execute(
                "SELECT pg_sleep(0.01), (SELECT count(*) FROM pg_stat_activity WHERE state = 'active'"
                " AND query LIKE 'SELECT pg_sleep(30), %%')"
            )
            if cursor.fetchone() == ("", 0):
                return
    pytest.fail("the server still runs it")


@pytest.mark.django_db(transaction=True)
def test_programs_that_may_take_long_wait(impatient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "patience", None)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.5), 1")
        assert cursor.fetchone() is not None


@pytest.mark.django_db(transaction=True)
def test_a_server_that_takes_connections_and_says_nothing_is_given_up(
    impatient: None, mute: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.close()
    with monkeypatch.context() as elsewhere:
        for name, value in {"host": "127.0.0.1", "port": mute, "connect_timeout": 2}.items():
            elsewhere.setitem(connection.settings_dict["OPTIONS"], name, value)
        with pytest.raises(OperationalError, match="timeout"):
            connection.ensure_connection()
    assert silence


def test_while_it_is_silent_one_thread_tries_and_the_others_fail_at_once() -> None:
    found, tries, over = Silence(), threading.Event(), threading.Event()
    found.begin()

    def first() -> None:
        with found.trying():
            tries.set()
            assert over.wait(20)

    with ThreadPoolExecutor(1) as threads:
        trying = threads.submit(first)
        assert tries.wait(20)
        with pytest.raises(DriverError, match="does not answer"), found.trying():
            pytest.fail("a second thread tries as well")
        over.set()
        trying.result(20)
    assert not found
    with found.trying():
        assert not found, "all connect again as they like"


def test_a_try_that_times_out_leaves_it_silent_for_the_next_one() -> None:
    found = Silence()
    for _ in range(2):
        with pytest.raises(ConnectionTimeout), found.trying():
            raise ConnectionTimeout("connection timeout expired")
        assert found


def test_a_redis_that_did_not_answer_is_left_alone_for_a_moment() -> None:
    now = 1000.0
    cooldown = Cooldown(clock=lambda: now)
    cooldown.after(redis.ConnectionError("refused: that costs nothing"))
    assert not cooldown
    cooldown.after(redis.TimeoutError("no answer"))
    assert cooldown
    now += COOLDOWN_SECONDS
    assert not cooldown


def test_a_wake_up_meets_a_mute_redis_once_and_then_leaves_it_alone(mute: int, monkeypatch: pytest.MonkeyPatch) -> None:
    cooldown = Cooldown()
    client = redis.Redis(host="127.0.0.1", port=mute, socket_timeout=0.2, retry=None)
    monkeypatch.setattr(outbox, "redis_cooldown", cooldown)
    monkeypatch.setattr(outbox, "_connection", client)
    source = outbox.Source("events", "cluster", lambda now: True, lambda: None)
    source.wake()
    assert cooldown
    monkeypatch.setattr(outbox, "_connection", None)
    monkeypatch.setattr(outbox, "connection", lambda: pytest.fail("Redis is asked again"))
    source.wake()
