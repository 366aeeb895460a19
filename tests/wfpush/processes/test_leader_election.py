"""One leads, by a row and the database's clock, and whoever was killed is followed within seconds."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.db.utils import Error as DatabaseError

from wfpush.models import Lead
from wfpush.processes.leader_election import LONGEST_SECONDS, TURN_SECONDS, Leadership

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alice() -> Leadership:
    return Leadership("choir")


@pytest.fixture
def bob() -> Leadership:
    return Leadership("choir")


def pass_seconds(seconds: float) -> None:
    """For the turn that somebody has."""
    Lead.objects.update(until=F("until") - timedelta(seconds=seconds))


def test_only_one_leads_until_it_leaves(alice: Leadership, bob: Leadership) -> None:
    assert alice.acquire()
    assert not bob.acquire()
    assert alice.acquire()
    alice.release()
    assert bob.acquire()
    assert not alice.acquire()
    assert not alice.held


def test_who_does_not_lead_takes_nothing_from_the_leader_by_leaving(alice: Leadership, bob: Leadership) -> None:
    assert alice.acquire()
    bob.release()
    assert not bob.acquire()


def test_a_killed_leader_is_followed_when_its_turn_is_over(alice: Leadership, bob: Leadership) -> None:
    assert alice.acquire()
    pass_seconds(TURN_SECONDS - 1)
    assert not bob.acquire()
    pass_seconds(1)
    assert bob.acquire()
    assert not alice.acquire(), "it was frozen meanwhile"


def test_each_time_the_leader_asks_its_turn_begins_anew(alice: Leadership, bob: Leadership) -> None:
    for _ in range(3):
        assert alice.acquire()
        pass_seconds(TURN_SECONDS - 1)
    assert alice.acquire()
    assert not bob.acquire()


def test_nobody_waits_for_a_turn_that_a_clock_set_back_has_made_long(alice: Leadership, bob: Leadership) -> None:
    assert alice.acquire()
    pass_seconds(-2 * LONGEST_SECONDS)
    assert bob.acquire()


def test_there_are_several_things_to_lead(alice: Leadership) -> None:
    assert alice.acquire()
    assert Leadership("orchestra").acquire()


def test_whoever_was_frozen_finds_out_before_it_does_what_only_one_may(alice: Leadership, bob: Leadership) -> None:
    assert alice.acquire()
    with alice.alone() as nobody_else:
        assert nobody_else
    pass_seconds(TURN_SECONDS)
    assert bob.acquire()
    assert alice.held, "it has not asked since"
    with alice.alone() as nobody_else:
        assert not nobody_else


def test_without_the_database_nobody_says_that_it_leads(alice: Leadership, monkeypatch: pytest.MonkeyPatch) -> None:
    assert alice.acquire()
    connection.close()
    with monkeypatch.context() as away:
        away.setitem(connection.settings_dict["OPTIONS"], "host", "/nonexistent")
        with pytest.raises(DatabaseError):
            alice.acquire()
        assert not alice.held
        alice.release()
    assert alice.acquire()
