"""Two people at the desk make the same at the same moment: both are done, or told what was meanwhile."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from notifications.models import Engine
from tests.admin.test_engine_wizard import BEGIN
from tests.support.locking import elsewhere, under_way
from tests.support.waiting import eventually

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


def test_two_connect_an_engine_of_the_same_name(root: Client) -> None:
    answer = done_beside(
        lambda: Engine.objects.create(slug="claims", name="Claims"),
        lambda: root.post(reverse(BEGIN), {"kind": "webhook", "name": "Claims", "callback_url": ""}),
    )
    assert answer.status_code == 302
    assert sorted(Engine.objects.values_list("slug", flat=True)) == ["claims", "claims-2"]
