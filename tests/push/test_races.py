"""A message reaches a device at the moment at which its task changes."""

import threading
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from notifications.items import inbox_items, superseding
from notifications.models import Notification, NotificationState
from notifications.reasons import REASSIGNED_TO
from tests.push.books import Host
from tests.support.devices import Answer, dispatch
from tests.support.story import Story
from tests.support.waiting import PATIENCE_SECONDS, eventually

pytestmark = pytest.mark.django_db(transaction=True)


def dispatch_and_leave() -> None:
    dispatch()
    connections.close_all()


def somebody_waits() -> bool:
    """For a lock in this database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' LIMIT 1"
        )
        return bool(cursor.fetchall())


def test_what_lands_while_its_task_is_taken_back_is_replaced(story: Story, host: Host) -> None:
    under_way, may_land = threading.Event(), threading.Event()
    host.subscribe(story.bob, "firefox")
    story.assign()
    take = host.take

    def slowly(name: str, headers: Any, body: bytes) -> Answer:
        under_way.set()
        may_land.wait(PATIENCE_SECONDS)
        return take(name, headers, body)

    host.take = slowly  # type: ignore[method-assign]
    dispatcher = threading.Thread(target=dispatch_and_leave)
    dispatcher.start()
    under_way.wait(PATIENCE_SECONDS)
    bobs = Notification.objects.filter(pk=story.copy(story.bob).pk)

    with transaction.atomic():  # the two steps of taking back; the dispatcher writes down between them, if it may
        inbox_items.change(bobs, timezone.now(), state=NotificationState.WITHDRAWN)
        may_land.set()
        eventually(lambda: not dispatcher.is_alive() or somebody_waits(), "it has written down, or waits for us")
        superseding.supersede([story.copy(story.bob).pk], REASSIGNED_TO(name="Carol"), timezone.now())
    dispatcher.join(PATIENCE_SECONDS)
    host.settled()

    assert [each["kind"] for each in host.shown("firefox")] == ["message", "replacement"]
    assert host.shown("firefox")[-1]["state"] == "withdrawn"
