"""Paths are learnt from what events carried: which, how often, and what was there last; whatever an engine sends."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.models import Engine, Event, EventType, EventVariable
from notifications.types import Json
from notifications.wording import known_paths
from notifications.wording.known_paths import KnownPath, carried
from tests.factories import EngineFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def invoices() -> Engine:
    EventType.objects.all().delete()
    made: Engine = EngineFactory(slug="invoices")
    return made


def send(engine: Engine, data: Json, type: str = "task.assigned") -> None:
    at = timezone.now() + timedelta(seconds=Event.objects.count())
    Event.objects.create(
        engine=engine,
        source="erp",
        event_id=str(Event.objects.count()),
        type=type,
        data=data,
        received_at=at,
        processed_at=at,
    )


def known(engine: Engine | None, *types: str) -> dict[str, KnownPath]:
    return {each.path: each for each in known_paths.known_paths(engine, types)}


def test_a_path_has_its_kind_its_share_and_the_last_value(invoices: Engine) -> None:
    for number in range(4):
        variables = {"amount": number, "due": "2026-12-01", "paid": True, **({"vendor": "Acme"} if number else {})}
        send(invoices, {"task": {"id": str(number)}, "variables": variables, "documents": [{"title": "Invoice"}]})

    found = known(invoices, "task.assigned")

    assert found["variables.vendor"] == KnownPath("variables.vendor", "text", 0.75, 3, "Acme")
    assert found["variables.amount"] == KnownPath("variables.amount", "number", 1, 4, "3")
    assert [found[f"variables.{name}"].kind for name in ("due", "paid")] == ["date", "yes or no"]
    assert [found[path].kind for path in ("task", "documents", "documents.0.title")] == ["object", "list", "text"]
    assert found["event.engine"].last == "invoices"
    assert found["documents"].last == found["task"].last == "", "what is in them has lines of its own"


def test_only_events_of_the_engine_and_of_the_types_count(invoices: Engine) -> None:
    other = EngineFactory(slug="claims")
    send(other, {"variables": {"claim": 1}})
    send(invoices, {"variables": {"floor": 3}}, "com.acme.coffee.empty")
    send(invoices, {"variables": {"amount": 1}}, "com.acme.task.assigned")

    assert "variables.amount" in known(invoices, "task.assigned"), "a prefix of its own changes no behaviour"
    assert not {"variables.claim", "variables.floor"} & set(known(invoices, "task.assigned"))
    assert {"variables.claim", "variables.amount"} <= set(known(None, "task.assigned"))
    assert {"variables.floor", "variables.amount"} <= set(known(invoices))
    assert {"variables.floor", "variables.claim"} <= set(known(None))


def test_types_that_come_seldom_are_found_behind_many_others(invoices: Engine) -> None:
    now = timezone.now()
    send(invoices, {"variables": {"yearly": 1}}, "com.acme.audit")
    Event.objects.bulk_create(
        Event(engine=invoices, source="s", event_id=f"n{n}", type="task.updated", received_at=now, processed_at=now)
        for n in range(2 * known_paths.NEWEST)
    )

    assert known(invoices, "com.acme.audit")["variables.yearly"].count == 1
    assert "variables.yearly" not in known(None)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        known(invoices, "com.acme.audit")
    [newest] = [each["sql"] for each in queries if "pair.engine_id" in each["sql"]]
    with connection.cursor() as cursor:
        for setting, value in known_paths.BY_INDEX.items():
            cursor.execute("SELECT set_config(%s, %s, true)", [setting, value])
        cursor.execute(f"EXPLAIN {newest}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "event_by_type" in plan


def test_samples_and_declared_variables_are_known_with_what_is_said_of_them(invoices: Engine) -> None:
    assigned = EventType.objects.create(name="task.assigned", sample={"variables": {"cost_centre": "4711"}})
    EventVariable.objects.create(event_type=assigned, path="customer", sensitive=True)
    EventVariable.objects.create(event_type=assigned, path="variables.amount", label="Amount")
    send(invoices, {"variables": {"amount": 1}, "customer": {"phone": "030 123"}})

    found = known(invoices, "task.assigned")

    assert found["variables.cost_centre"] == KnownPath("variables.cost_centre", last="4711")
    assert found["variables.amount"].label == "Amount"
    assert found["customer.phone"].sensitive, "so is what is below a sensitive object"


def hostile(number: int) -> Json:
    deep: Any = "end"
    for _ in range(60):
        deep = {"a": deep}
    return {
        **{f"k{number}_{n}": n for n in range(1_000)},
        "deep": deep,
        "long": "x" * 20_000,
        "name\u202e": 1,
        "with-dash": 1,
        "n" * 400: 1,
        "hidden": "pay\u202e\u0007 now",
    }


def test_a_hostile_engine_neither_fills_the_list_nor_takes_long(invoices: Engine) -> None:
    now = timezone.now()
    for _ in range(3):
        send(invoices, {"variables": {"amount": 1}})
    Event.objects.bulk_create(
        Event(
            engine=invoices,
            source="s",
            event_id=f"h{n}",
            type="task.assigned",
            received_at=now,
            processed_at=now,
            data=hostile(n),
        )
        for n in range(100)
    )
    began = time.monotonic()

    found = known(invoices, "task.assigned")

    assert time.monotonic() - began < 5
    assert found["variables.amount"].count == 3, "what several events had goes first"
    assert len(found) <= 2 * known_paths.MOST_PATHS
    assert all(len(each.path) <= known_paths.LONGEST and each.path.isascii() for each in found.values())
    assert all(len(each.last) <= known_paths.LONGEST_VALUE for each in found.values())
    assert found["hidden"].last == "pay\\u202e\\u0007 now"
    assert max(path.count(".") for path in found) < known_paths.DEEPEST


def test_reading_that_takes_too_long_is_given_up_and_what_follows_goes_on(
    invoices: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: Any) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(10)")
        return []

    monkeypatch.setattr(known_paths, "newest_events", slow)
    monkeypatch.setattr(known_paths, "PATIENCE", 20)

    assert carried(invoices, ["task.assigned"]).events == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout'), current_setting('enable_sort')")
        assert cursor.fetchone()[1] == "on"
    assert Engine.objects.filter(pk=invoices.pk).exists()
