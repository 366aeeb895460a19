"""An engine's own JSON becomes a CloudEvent by its mapping, or is refused; nothing is invented."""

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps

from notifications.connectors import connector_for, presets
from notifications.connectors.flowable import STARTER
from notifications.errors import InvalidEvent
from notifications.intake import expressions, mapping
from notifications.models import Engine, EventMapping
from notifications.types import Json
from tests.factories import EngineFactory

pytestmark = pytest.mark.django_db

CAMUNDA: Json = {
    "id": "a1b2", "eventName": "create", "name": "Approve invoice 4711", "assignee": "bob", "description": "",
    "created": "2026-11-25T10:00:00.000+0100", "due": "2026-11-27T17:00:00.000+0100", "priority": 80,
    "processInstanceId": "p-7", "variables": {"amount": {"type": "Double", "value": 1200.5}, "note": None},
}  # fmt: skip
OPENTEXT: Json = {
    "id": "0f3c", "name": "Approve contract", "assignee": None, "createTime": "2026-11-25T09:00:00.000+0000",
    "dueDate": "2026-11-27T16:00:00.000+0000", "priority": 50, "processInstanceId": "p-8",
    "assignments": [
        {"type": "candidate", "user": "bob@example.org"}, {"type": "assignee", "user": "x"}, {"group": "legal"},
    ],
    "variables": [{"name": "amount", "value": 5}, {"value": "nameless"}, "odd"],
}  # fmt: skip
FLOWABLE: Json = {
    "id": "77", "name": "Inspect", "assignee": "carol", "priority": 20, "createTime": "2026-11-25T09:00:00.000Z",
    "eventType": "completed", "timestamp": "2026-11-25T11:00:00Z",
}  # fmt: skip


def engine_with(*rows: tuple[str, str]) -> Engine:
    engine = EngineFactory(slug="legacy")
    EventMapping.objects.bulk_create(
        EventMapping(engine=engine, member=member, expression=text) for member, text in rows
    )
    return engine


def faults_of(engine: Engine, document: Any) -> list[str]:
    with pytest.raises(InvalidEvent) as refused:
        mapping.read(engine, document)
    return [fault["pointer"] for fault in refused.value.extra["errors"]]


# --- presets --------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", presets())
def test_every_expression_of_a_preset_is_one_and_every_member_is_possible(name: str) -> None:
    engine = EngineFactory()
    mapping.use_preset(engine, connector_for(name).preset)
    mapping.use_preset(engine, connector_for(name).preset)

    for row in engine.event_mappings.all():
        expressions.check(row.expression)
        row.full_clean()
    assert engine.event_mappings.count() == len(connector_for(name).preset)


@pytest.mark.parametrize(
    ("kind", "said", "known"),
    [
        ("flowable", {"startUserId": "alice", "owner": "bob"}, "alice"),
        ("flowable", {"owner": "bob"}, None),
        ("flowable", {"variables": [{"name": "initiator", "value": "alice"}]}, "alice"),
        ("opentext", {"owner": "bob", "variables": [{"name": "initiator", "value": "alice"}]}, "alice"),
        ("opentext", {"owner": "bob"}, None),
        ("camunda7", {"owner": "bob", "variables": {"initiator": {"type": "String", "value": "alice"}}}, "alice"),
        ("camunda7", {"startUserId": "alice", "variables": {}}, "alice"),
        ("camunda8", {"variables": {"initiator": "alice"}}, "alice"),
        ("camunda8", {"variables": {"initiator": {"level": 3}}}, None),
        ("flowable", {"variables": [{"name": "initiator", "value": 7}]}, None),
    ],
)
def test_who_started_it_is_not_who_delegated_it(kind: str, said: Json, known: str | None) -> None:
    engine = EngineFactory(slug="starters")
    mapping.use_preset(engine, connector_for(kind).preset)
    key = "userTaskKey" if kind == "camunda8" else "id"
    event = mapping.read(engine, {key: "7", "name": "Approve", "assignee": "carol", **said})

    assert event.data["task"].get("initiator") == known


def test_mappings_with_the_old_presets_expression_get_the_new_one_and_no_others() -> None:
    old = ("data.task.initiator", "owner")
    rows = {
        "flowable": [old, ("data.task.assignee", "owner")],
        "camunda7": [("data.task.initiator", "variables.boss")],
        "webhook": [old],
    }
    for kind, said in rows.items():
        engine = EngineFactory(slug=kind, kind=kind)
        EventMapping.objects.bulk_create(EventMapping(engine=engine, member=m, expression=e) for m, e in said)

    import_module("notifications.migrations.0021_starter_and_roles").read_the_starter(apps, None)

    found = {
        kind: dict(EventMapping.objects.filter(engine__slug=kind).values_list("member", "expression")) for kind in rows
    }
    assert found["flowable"] == {"data.task.initiator": STARTER, "data.task.assignee": "owner"}
    assert (found["camunda7"], found["webhook"]) == (dict(rows["camunda7"]), dict(rows["webhook"]))


def test_camunda_7() -> None:
    engine = EngineFactory(slug="camunda")
    mapping.use_preset(engine, connector_for("camunda7").preset)
    event = mapping.read(engine, CAMUNDA)

    assert (event.id, event.source) == ("a1b2:create:2026-11-25T10:00:00.000+0100", "/engines/camunda")
    assert (event.type, event.subject) == ("task.assigned", "a1b2")
    assert event.time is not None
    assert event.time.isoformat() == "2026-11-25T09:00:00+00:00"
    assert event.data == {
        "task": {
            "id": "a1b2",
            "name": "Approve invoice 4711",
            "assignee": "bob",
            "due_at": "2026-11-27T17:00:00.000+0100",
            "priority": "urgent",
        },
        "case": {"id": "p-7"},
        "variables": {"amount": 1200.5, "note": None},
    }
    assert mapping.read(engine, CAMUNDA | {"eventName": "complete"}).type == "task.completed"
    assert mapping.read(engine, CAMUNDA | {"eventName": "delete"}).type == "task.cancelled"


def test_opentext() -> None:
    engine = EngineFactory()
    mapping.use_preset(engine, connector_for("opentext").preset)
    event = mapping.read(engine, OPENTEXT)

    assert event.type == "task.assigned"
    assert event.data["task"]["candidates"] == ["bob@example.org"]
    assert event.data["task"]["teams"] == ["legal"]
    assert event.data["task"]["priority"] == "normal"
    assert event.data["variables"] == {"amount": 5}


def test_flowable() -> None:
    engine = EngineFactory()
    mapping.use_preset(engine, connector_for("flowable").preset)
    event = mapping.read(engine, FLOWABLE)

    assert (event.type, event.data["task"]["priority"]) == ("task.completed", "low")
    assert event.id == "77:completed:carol:2026-11-25T09:00:00.000Z"


@pytest.mark.parametrize(("name", "document"), [("camunda7", CAMUNDA), ("opentext", OPENTEXT), ("flowable", FLOWABLE)])
def test_a_retry_has_the_same_id_and_content(name: str, document: Json) -> None:
    engine = EngineFactory()
    mapping.use_preset(engine, connector_for(name).preset)
    one, other = mapping.read(engine, document), mapping.read(engine, dict(reversed(document.items())))

    assert (one.id, one.digest) == (other.id, other.digest)


@pytest.mark.parametrize("document", [{}, {"id": 5}, [], 5, None, "text"])
@pytest.mark.parametrize("name", presets())
def test_json_without_a_stable_id_is_refused(name: str, document: Any) -> None:
    engine = EngineFactory()
    mapping.use_preset(engine, connector_for(name).preset)

    assert "/id" in faults_of(engine, document)


# --- an engine's own ------------------------------------------------------------------------------
def test_members_are_placed_by_their_paths_and_empty_ones_left_out() -> None:
    engine = engine_with(
        ("data.variables", "fields"),
        ("data.variables.region", "'north'"),
        ("data.note", "note"),
        ("data.empty", "empty"),
        ("id", "to_string(number)"),
        ("source", "'legacy-crm'"),
        ("type", "'acme.changed'"),
    )
    event = mapping.read(engine, {"number": 5, "fields": {"a": 1}, "note": "x", "empty": ""})

    assert (event.id, event.source, event.type) == ("5", "legacy-crm", "acme.changed")
    assert event.data == {"variables": {"a": 1, "region": "north"}, "note": "x"}


def test_what_the_mapping_yields_is_checked_like_any_event() -> None:
    engine = engine_with(("id", "id"), ("type", "'task.assigned'"), ("data.task.due_at", "due"))

    assert faults_of(engine, {"id": "1", "due": "tomorrow"}) == [
        "/data/task/due_at",
        "/data/task/id",
        "/data/task/name",
        "/data/task/assignee",
    ]


def test_an_expression_that_fails_is_named() -> None:
    engine = engine_with(("data.total", "sum(amounts)"), ("id", "id"), ("type", "'acme.changed'"))

    assert faults_of(engine, {"id": "1", "amounts": "many"}) == ["/data/total"]


def test_without_a_mapping_other_json_is_refused() -> None:
    assert faults_of(EngineFactory(), {"id": "1"}) == ["/specversion"]


# --- what an administrator types ------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("task.id", "T-1"),
        ("'fixed'", "fixed"),
        ("join(':', [task.id, name])", "T-1:Inspect"),
        ("sum(amounts)", 3),
        ("by_name(variables)", {"a": 1}),
        ("length(@)", 4),
    ],
)
def test_what_is_an_expression_is_taken_and_finds_something(text: str, found: object) -> None:
    expressions.check(text)
    document = {
        "task": {"id": "T-1"}, "name": "Inspect", "amounts": [1, 2], "variables": [{"name": "a", "value": 1}]
    }  # fmt: skip
    assert mapping.translate([("data.found", text)], document, source="/e")["data"]["found"] == found


@pytest.mark.parametrize("text", ["task.", "unheard_of(@)", "join(@)", "a[?b", "", "'open"])
def test_what_is_no_expression_is_said_so(text: str) -> None:
    with pytest.raises(expressions.InvalidExpression, match=r"."):
        expressions.check(text)


def test_a_task_reassigned_without_a_claim_is_another_event() -> None:
    preset = connector_for("flowable").preset.items()
    task = {"id": "77", "name": "Inspect", "createTime": "2026-11-25T09:00:00.000Z"}
    ids = {mapping.translate(preset, {**task, "assignee": who}, source="/e")["id"] for who in ("bob", "carol", None)}
    assert len(ids) == 3
