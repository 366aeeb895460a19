"""Workers among each other: who stops says so, who is killed stays to be seen, and what the dead held is given back."""

import socket
from datetime import timedelta

import pytest
from django.utils import timezone

from notifications.models import Event
from tests.factories import EventFactory
from wfpush.models import Heartbeat
from wfpush.processes.worker_registry import FORGET_AFTER, Registration, latest_worker
from wfpush.queue import lease_holder, outbox

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not lease_holder.machine(), reason="only Linux has an abstract namespace of sockets"),
]

LEASE = timedelta(seconds=50)


class Worker:
    """One with a single child, both of which the test lets live or die."""

    def __init__(self) -> None:
        self.registration = Registration()
        self.child = lease_holder.new_id()
        self._bound = lease_holder.claim(self.child)
        self.registration.add(self.child)
        self.registration.refresh()

    @property
    def name(self) -> str:
        return self.registration.name

    def claim(self, monkeypatch: pytest.MonkeyPatch) -> Event:
        """Its child takes an event, and does nothing with it."""
        with monkeypatch.context() as there:
            there.setenv(lease_holder.VARIABLE, self.child)
            (event,) = outbox.claim(Event.objects.all(), limit=1, lease=LEASE, now=timezone.now())
        return event

    def child_dies(self) -> None:
        assert self._bound is not None
        self._bound.close()

    def is_killed(self) -> None:
        self.child_dies()
        bound: socket.socket | None = self.registration._bound
        assert bound is not None
        bound.close()


@pytest.fixture
def event() -> Event:
    return EventFactory(due_at=timezone.now())


def is_due(event: Event) -> bool:
    return outbox.due(Event.objects.filter(pk=event.pk), timezone.now()).exists()


def names() -> list[str]:
    return list(Heartbeat.objects.order_by("beat_at").values_list("name", flat=True))


def test_a_worker_that_stops_says_when_until_another_runs() -> None:
    worker = Worker()
    assert names() == [worker.name]
    assert worker.name.startswith(f"{socket.gethostname()}/")
    worker.child_dies()
    worker.registration.end()
    stopped = latest_worker()
    assert stopped is not None and stopped.name == worker.name
    assert stopped.stopped_at is not None and timezone.now() - stopped.stopped_at < timedelta(minutes=1)
    another = Worker()
    assert names() == [another.name]


def test_what_a_child_held_is_given_back_when_its_last_process_is_dead(
    event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Worker()
    worker.claim(monkeypatch)
    worker.registration.refresh()
    assert not is_due(event), "its main process is dead, and what that has forked may still do the work"
    worker.child_dies()
    worker.registration.refresh()
    assert is_due(event)
    assert Heartbeat.objects.get(name=worker.name).holders == ""


def test_what_others_hold_stays_theirs(event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = Worker(), Worker()
    one.claim(monkeypatch)
    other.child_dies()
    other.registration.refresh()
    assert not is_due(event)


def test_a_killed_worker_stays_to_be_seen_and_what_it_held_is_given_back(
    event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed, other = Worker(), Worker()
    killed.claim(monkeypatch)
    killed.is_killed()
    other.registration.refresh()
    assert is_due(event)
    assert names() == [killed.name, other.name]


def test_a_killed_parent_whose_children_live_has_not_given_up_anything(
    event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed, other = Worker(), Worker()
    killed.claim(monkeypatch)
    assert killed.registration._bound is not None
    killed.registration._bound.close()
    other.registration.refresh()
    assert not is_due(event)
    killed.child_dies()
    other.registration.refresh()
    assert is_due(event)


def test_who_starts_in_the_place_of_a_killed_one_replaces_it_and_no_other() -> None:
    first, second = Worker(), Worker()
    first.is_killed()
    second.is_killed()
    third = Worker()
    assert names() == [second.name, third.name]


def test_nobody_speaks_for_the_dead_of_another_machine(event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    away = Worker()
    away.claim(monkeypatch)
    Heartbeat.objects.update(machine="another boot net:[4026531840]")
    away.is_killed()
    here = Worker()
    here.registration.refresh()
    assert not is_due(event), "its lease is waited for"
    assert names() == [away.name, here.name]


def test_who_is_long_dead_is_forgotten() -> None:
    dead, here = Worker(), Worker()
    long_ago = timezone.now() - FORGET_AFTER
    Heartbeat.objects.filter(name=dead.name).update(beat_at=long_ago + timedelta(minutes=1), machine="another")
    here.registration.refresh()
    assert names() == [dead.name, here.name]
    Heartbeat.objects.filter(name=dead.name).update(beat_at=long_ago - timedelta(minutes=1))
    here.registration.refresh()
    assert names() == [here.name]


def test_who_was_forgotten_while_it_was_frozen_is_there_again() -> None:
    worker = Worker()
    Heartbeat.objects.all().delete()
    worker.registration.refresh()
    assert names() == [worker.name]
