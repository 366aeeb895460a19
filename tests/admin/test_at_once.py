"""Two people at the desk make the same at the same moment: both are done, or told what was meanwhile."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from notifications.models import Engine, Event, EventStatus, Recipient, Replay, ReplayKind, ReplayState
from notifications.replays import orders
from notifications.replays.kinds import KINDS
from notifications.routing.claims import LEASE
from tests.admin.pages import text_of
from tests.admin.test_engine_wizard import BEGIN
from tests.admin.test_importing import sent
from tests.admin.test_send_again import BROKEN, broken_events
from tests.admin.world import build
from tests.support.locking import elsewhere, under_way
from tests.support.waiting import PATIENCE_SECONDS, eventually
from wfpush.identifiers import uuid7
from wfpush.queue import outbox

pytestmark = pytest.mark.django_db(transaction=True)


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' LIMIT 1"
        )
        return cursor.fetchone() is not None


def done_beside(other: Callable[[], object], ours: Callable[[], Any]) -> Any:
    """What `ours` returns, which waits for another transaction that has done `other` and ends then."""
    answers: list[Any] = []
    with under_way(other):
        thread = elsewhere(lambda: answers.append(ours()))
        eventually(somebody_waits, "ours waits for the other's transaction")
    thread.join()
    return answers[0]


def test_two_import_the_same_person(root: Client) -> None:
    preview = sent(root, "ref,name\nzoe,Zoe\n")
    address, digest = preview.redirect_chain[-1][0], preview.context["plan"].digest
    answer = done_beside(
        lambda: Recipient.objects.create(ref="zoe", name="Zoe of another"),
        lambda: root.post(address, {"digest": digest}),
    )
    assert "Something else was changed meanwhile" in text_of(answer)
    assert "0 new, 1 changed" in text_of(answer)
    assert [person.name for person in Recipient.objects.filter(ref="zoe")] == ["Zoe of another"]


def test_two_connect_an_engine_of_the_same_name(root: Client) -> None:
    answer = done_beside(
        lambda: Engine.objects.create(slug="claims", name="Claims"),
        lambda: root.post(reverse(BEGIN), {"kind": "webhook", "name": "Claims", "callback_url": ""}),
    )
    assert answer.status_code == 302
    assert sorted(Engine.objects.values_list("slug", flat=True)) == ["claims", "claims-2"]


def test_an_order_is_done_undone_and_taken_by_workers_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is first: what was put back is as it was, and what a worker has taken stays with it alone."""
    kind = replace(KINDS[ReplayKind.EVENTS], together=5)
    monkeypatch.setitem(KINDS, ReplayKind.EVENTS, kind)
    broken_events(build())
    operator = User.objects.create_user("operator")
    asked = orders.Question(uuid7(), BROKEN, timezone.now(), operator, "")
    replay, _new = orders.order(kind, Event.objects.all(), asked, timezone.now())
    Replay.objects.update(due_at=timezone.now())
    taken: list[Event] = []

    def take() -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while Replay.objects.filter(state=ReplayState.RUNNING).exists() and time.monotonic() < end:
            taken.extend(outbox.claim(Event.objects.all(), limit=2, lease=LEASE, now=timezone.now()))

    def undo() -> None:
        eventually(lambda: Event.objects.filter(status=EventStatus.ACCEPTED).exists(), "one is due")
        orders.undo(replay.pk, timezone.now())

    threads = [elsewhere(act) for act in (orders.drain, orders.drain, take, undo)]
    for thread in threads:
        thread.join()
    Replay.objects.filter(due_at__isnull=False).update(due_at=timezone.now(), lease_until=None, lease_token=None)
    orders.drain()

    replay.refresh_from_db()
    assert replay.state == ReplayState.UNDONE
    assert replay.put_back + replay.too_late + replay.left == replay.chosen == BROKEN
    kept = {event.pk for event in taken}
    assert len(kept) == len(taken) == replay.too_late
    assert set(Event.objects.filter(status=EventStatus.ACCEPTED).values_list("pk", flat=True)) == kept
    back = Event.objects.exclude(pk__in=kept)
    assert {(event.status, event.due_at, event.attempts) for event in back} == {(EventStatus.FAILED, None, 70)}
