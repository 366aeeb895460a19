"""CloudEvents 1.0 in all modes, and every check of an event's data, each fault with its pointer."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from notifications.errors import InvalidEvent, Malformed
from notifications.intake import cloudevents
from notifications.types import InboundEvent, Json
from tests.support.api import assigned


def read(event: Any) -> InboundEvent:
    return cloudevents.structured(cloudevents.read(json.dumps(event).encode()))


def pointers_of(event: Any) -> list[str]:
    with pytest.raises(InvalidEvent) as refused:
        read(event)
    return [fault["pointer"] for fault in refused.value.extra["errors"]]


def test_an_event_is_read_with_all_it_says() -> None:
    event = read(
        assigned(subject="T-42", time="2026-11-25T10:00:00.5+01:00", traceparent="00-ab", dataschema="https://x/y")
    )

    assert (event.id, event.source, event.type, event.subject) == ("e-1", "/engines/invoices", "task.assigned", "T-42")
    assert event.time == datetime(2026, 11, 25, 9, 0, 0, 500_000, tzinfo=UTC)
    assert event.data["task"]["assignee"] == "bob"
    assert event.extensions == {"traceparent": "00-ab", "dataschema": "https://x/y"}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"id": None}, "/id"),
        ({"id": ""}, "/id"),
        ({"id": 5}, "/id"),
        ({"id": "x" * 201}, "/id"),
        ({"id": "a\nb"}, "/id"),
        ({"source": None}, "/source"),
        ({"source": ""}, "/source"),
        ({"type": None}, "/type"),
        ({"type": ["task.assigned"]}, "/type"),
        ({"specversion": "0.3"}, "/specversion"),
        ({"specversion": None}, "/specversion"),
        ({"specversion": 1.0}, "/specversion"),
        ({"subject": ""}, "/subject"),
        ({"time": "yesterday"}, "/time"),
        ({"time": "2026-11-25T09:00:00"}, "/time"),
        ({"time": "2026-11-25"}, "/time"),
        ({"time": 1_800_000_000}, "/time"),
        ({"time": "2026-02-30T09:00:00Z"}, "/time"),
        ({"time": "0001-01-01T00:00:00+14:00"}, "/time"),
        ({"myExtension": "x"}, "/myExtension"),
        ({"my-extension": "x"}, "/my-extension"),
        ({"extension": {"a": 1}}, "/extension"),
        ({"extension": 1.5}, "/extension"),
        ({"extension": 2**31}, "/extension"),
        ({"data": "text"}, "/data"),
        ({"data": [1]}, "/data"),
        ({"data_base64": "e30="}, "/data_base64"),
    ],
)
def test_a_fault_in_an_attribute_is_pointed_at(change: Json, pointer: str) -> None:
    assert pointers_of(assigned(**change)) == [pointer]


def test_an_event_is_an_object() -> None:
    for document in ([], [assigned()], "text", 5, None):
        assert pointers_of(document) == [""]


def test_members_in_snake_case_are_no_attributes_and_are_ignored() -> None:
    assert read(assigned(is_staff=True, created_by={"a": 1})).extensions == {}


def test_absent_attributes_may_be_null() -> None:
    event = read(assigned(subject=None, time=None, traceparent=None))

    assert (event.subject, event.time, event.extensions) == ("", None, {})


def test_data_may_come_in_base64() -> None:
    data = assigned()["data"]
    event = read(assigned(data=None, data_base64=base64.b64encode(json.dumps(data).encode()).decode()))

    assert event.data == data


@pytest.mark.parametrize("encoded", ["%%%", 5, base64.b64encode(b"\xff").decode(), "e30", "ü"])
def test_base64_that_holds_no_json_is_refused(encoded: object) -> None:
    assert "/data_base64" in pointers_of(assigned(data=None, data_base64=encoded))


# --- what each type needs -------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("type", "data", "pointers"),
    [
        ("task.assigned", {}, ["/data/task/id", "/data/task/name", "/data/task/assignee"]),
        ("task.assigned", {"task": {"id": "T", "name": "N", "candidates": []}}, ["/data/task/assignee"]),
        ("task.assigned", {"task": {"id": "T", "name": "  ", "teams": ["a"]}}, ["/data/task/name"]),
        ("task.updated", {"task": {}}, ["/data/task/id"]),
        ("task.completed", {"case": {"id": "1"}}, ["/data/task/id"]),
        ("task.cancelled", {"task": {"id": None}}, ["/data/task/id"]),
        ("task.escalated", {}, ["/data/task/id"]),
        ("task.info_supplied", {"task": {"id": "T"}}, ["/data/info"]),
        ("case.status_changed", {"case": {"id": "1"}}, ["/data/case/status"]),
        ("request.status_changed", {}, ["/data/case/id", "/data/case/status"]),
        ("exception.raised", {"exception": {"summary": "x"}}, ["/data/exception/code", "/data/case/id"]),
        ("exception.resolved", {"exception": {"code": "x"}}, ["/data/case/id"]),
        ("com.acme.task.updated", {}, ["/data/task/id"]),
    ],
)
def test_what_a_type_needs(type: str, data: Json, pointers: list[str]) -> None:
    assert pointers_of(assigned(type=type, data=data)) == pointers


@pytest.mark.parametrize(
    ("type", "data"),
    [
        ("task.assigned", {"task": {"id": "T", "name": "N", "teams": ["finance"]}}),
        ("task.assigned", {"task": {"id": "T", "name": "N", "candidates": [{"ref": "bob"}]}}),
        ("com.acme.task.updated", {"task": {"id": "T"}}),
        ("task.completed", {"task": {"id": "T"}, "result": {"action": "approve", "by": "bob", "at": None}}),
        ("task.info_supplied", {"task": {"id": "T"}, "info": "It is in the annex."}),
        ("exception.raised", {"exception": {"code": "x"}, "task": {"id": "T"}}),
        ("acme.something_else", {}),
        ("acme.something_else", {"anything": [{"at": {"all": None}}]}),
    ],
)
def test_enough_for_a_type(type: str, data: Json) -> None:
    assert read(assigned(type=type, data=data)).data == data


def test_an_event_without_data_is_possible_where_its_type_needs_none() -> None:
    event = {name: value for name, value in assigned(type="acme.ping").items() if name != "data"}

    assert read(event).data == {}


# --- what the members of data may be --------------------------------------------------------------
@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("task", "T-42"),
        ("task/id", 42),
        ("task/id", "x" * 201),
        ("task/name", 5),
        ("task/assignee", 5),
        ("task/assignee", ""),
        ("task/assignee", {"name": "Bob"}),
        ("task/assignee", {"ref": "bob\x07"}),
        ("task/assignee", {"ref": "bob", "email": "bob"}),
        ("task/assignee", {"ref": "bob", "email": "bob@" + ("b" * 60 + ".") * 4 + "b" * 20 + ".example"}),
        ("task/assignee", {"ref": "bob", "timezone": "Berlin"}),
        ("task/assignee", {"ref": "bob", "timezone": 5}),
        ("task/assignee", {"ref": "bob", "locale": "de_DE_and_much_more_than_that"}),
        ("task/assignee", {"ref": "bob", "name": "x" * 201}),
        ("task/candidates", "bob"),
        ("task/candidates", ["bob", None]),
        ("task/teams", [{"slug": "finance"}]),
        ("task/initiator", ["alice"]),
        ("task/due_at", "2026-11-25T16:00:00"),
        ("task/due_at", "tomorrow"),
        ("task/expires_at", 5),
        ("task/priority", "very high"),
        ("task/priority", 50),
        ("task/url", 5),
        ("task/actions", "approve"),
        ("task/actions", [5]),
        ("task/actions", [""]),
        ("task/actions", ["x" * 61]),
        ("task/actions", [{"title": "Approve"}]),
        ("task/actions", [{"action": "a", "effect": "closing"}]),
        ("task/actions", [{"action": "a", "comment": "please"}]),
        ("task/actions", ["approve", {"action": "approve"}]),
        ("case", []),
        ("case/title", 5),
        ("exception", {"code": "x", "severity": "bad"}),
        ("exception", {"code": 5}),
        ("location", "Main Street 1"),
        ("location/lat", 90.5),
        ("location/lat", "48.1"),
        ("location/lon", -181),
        ("location/lon", True),
        ("customer", 5),
        ("customer/ref", ""),
        ("customer/phone", 5),
        ("documents", {"title": "x"}),
        ("documents", [{"title": "x"}]),
        ("documents", ["https://engine.example"]),
        ("recipients", "erin"),
        ("recipients", [{"name": "Erin"}]),
        ("variables", [1]),
        ("info", 5),
        ("result", "approved"),
        ("result/at", "now"),
    ],
)
def test_a_fault_in_data_is_pointed_at(path: str, value: Any) -> None:
    event = assigned()
    inside = event["data"]
    *parents, last = path.split("/")
    for name in parents:
        inside = inside.setdefault(name, {})
    inside[last] = value

    found = pointers_of(event)

    assert found
    assert all(pointer.startswith(f"/data/{path}") for pointer in found)


def test_the_example_of_the_contract_is_valid() -> None:
    data: Json = {
        "task": {
            "id": "T-42", "name": "Approve invoice 4711", "description": "…", "kind": "approval",
            "assignee": "alice", "candidates": ["bob"], "teams": ["finance"], "initiator": "dave",
            "due_at": "2026-11-25T16:00:00Z", "expires_at": None, "priority": "urgent", "url": "https://x/tasks/42",
            "actions": [
                "acknowledge", "approve",
                {"action": "reject", "title": "Send back", "effect": "final", "comment": "required"}, "request_info",
            ],
        },
        "case": {"id": "4711", "title": "Invoice 4711", "type": "invoice", "status": "under_review", "url": "https://x"},
        "exception": {"code": "missing_po", "summary": "…", "severity": "warning", "recommended_action": "…"},
        "location": {"address": "…", "lat": 48.1, "lon": 11.6},
        "customer": {"ref": "C-9", "name": "…", "phone": "…"},
        "documents": [{"title": "Floor plan", "url": "https://x"}],
        "recipients": [
            "erin",
            {"ref": "C-9", "name": "Zoë", "email": "z@example.org", "locale": "pt-BR", "timezone": "America/Sao_Paulo"},
        ],
        "variables": {"amount": 1200.5, "currency": "EUR"},
        "more": {"of": "our own"},
    }  # fmt: skip

    assert read(assigned(data=data)).data == data


def test_a_link_that_is_no_web_link_is_the_pipelines_to_drop_and_note() -> None:
    assert read(assigned(task={"url": "javascript:alert(1)"})).data["task"]["url"] == "javascript:alert(1)"


def test_times_of_engines_are_understood_with_offsets_in_either_form() -> None:
    for time, same in (
        ("2018-04-17T10:17:43.902+0000", "2018-04-17T10:17:43.902+00:00"),
        ("2026-11-25T09:00Z", "2026-11-25T09:00:00+00:00"),
        ("2026-11-25 09:00:00-05:30", "2026-11-25T14:30:00+00:00"),
    ):
        assert read(assigned(task={"due_at": time}, time=time)).time == datetime.fromisoformat(same)


def test_names_with_every_printable_character_are_ids() -> None:
    for name in ("T/42", "ü ö", "50%", "a\u00a0b", "日本", "\u202eabc", "😀"):
        assert read(assigned(id=name, task={"id": name, "assignee": name})).id == name


def test_all_faults_are_told_at_once() -> None:
    event = assigned(id="", task={"due_at": "x", "candidates": ["a", 5]}, time="x")

    assert sorted(pointers_of(event)) == ["/data/task/candidates/1", "/data/task/due_at", "/id", "/time"]


# --- limits ---------------------------------------------------------------------------------------
def test_data_may_have_64_kib() -> None:
    room = cloudevents.MAX_DATA_BYTES - len(json.dumps(assigned()["data"], separators=(",", ":"))) - len(',"text":""')
    event = assigned()
    event["data"]["text"] = "x" * room
    read(event)

    event["data"]["text"] += "x"

    assert pointers_of(event) == ["/data"]


def test_an_event_may_name_1000_people() -> None:
    event = assigned(task={"candidates": ["bob"] * 499})
    event["data"]["recipients"] = [{"ref": f"C-{number}"} for number in range(500)]
    read(event)

    event["data"]["customer"] = {"ref": "C-1"}

    assert pointers_of(event) == ["/data"]


# --- what is the same event -----------------------------------------------------------------------
def test_the_order_of_members_and_what_is_around_the_data_do_not_matter() -> None:
    one, other = assigned(), assigned(time="2026-11-25T09:00:00Z", traceparent="00-ab")
    other["data"] = dict(reversed(other["data"].items()))

    assert read(one).digest == read(other).digest


@pytest.mark.parametrize(
    "change", [{"type": "task.updated"}, {"subject": "T-42"}, {"task": {"name": "Approve invoice 4712"}}]
)
def test_type_subject_and_data_make_another_event(change: Json) -> None:
    assert read(assigned()).digest != read(assigned(**change)).digest


# --- binary ---------------------------------------------------------------------------------------
HEADERS = {"CE-specversion": "1.0", "ce-id": "e-1", "Ce-Source": "/engines/invoices", "ce-type": "task.assigned"}
DATA = json.dumps(assigned()["data"]).encode()


def test_binary_mode_says_the_same_as_structured_mode() -> None:
    assert cloudevents.binary(HEADERS, DATA) == read(assigned())


def test_headers_are_unquoted_and_percent_decoded_once() -> None:
    headers = HEADERS | {"ce-id": '"a %E2%82%AC \\"b\\""', "ce-subject": "50%2525", "ce-extension": "Euro%20"}
    event = cloudevents.binary(headers, DATA)

    assert (event.id, event.subject, event.extensions) == ('a € "b"', "50%25", {"extension": "Euro "})


@pytest.mark.parametrize(
    ("headers", "pointer"),
    [
        ({"ce-id": "%FF"}, "/id"),
        ({"ce-id": "%00"}, "/id"),
        ({"ce-id": ""}, "/id"),
        ({"ce-specversion": "0.3"}, "/specversion"),
        ({"ce-time": "noon"}, "/time"),
        ({"ce-my-extension": "x"}, "/my-extension"),
        ({"ce-data": "x"}, "/data"),
        ({"ce-extension": "a%0Ab"}, "/extension"),
    ],
)
def test_a_fault_in_a_header_is_pointed_at(headers: dict[str, str], pointer: str) -> None:
    with pytest.raises(InvalidEvent) as refused:
        cloudevents.binary(HEADERS | headers, DATA)

    assert pointer in [fault["pointer"] for fault in refused.value.extra["errors"]]


def test_an_id_that_no_header_gives_is_never_invented() -> None:
    with pytest.raises(InvalidEvent):
        cloudevents.binary({name: value for name, value in HEADERS.items() if name != "ce-id"}, DATA)


def test_the_body_of_a_binary_event_is_strict_json_too() -> None:
    with pytest.raises(Malformed):
        cloudevents.binary(HEADERS, b'{"a": 1, "a": 2}')
    with pytest.raises(InvalidEvent) as refused:
        cloudevents.binary(HEADERS | {"ce-type": "acme.ping"}, b'{"a": "\\u0000"}')

    assert [fault["pointer"] for fault in refused.value.extra["errors"]] == ["/data/a"]


# --- which mode -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("content_type", "headers", "mode"),
    [
        ("application/cloudevents+json", {}, "structured"),
        ("Application/CloudEvents+JSON; charset=utf-8", {"ce-id": "x"}, "structured"),
        ("application/cloudevents-batch+json", {}, "batch"),
        ("application/json", {}, "json"),
        ("application/json", {"ce-id": "x"}, "binary"),
        ("application/vnd.acme+json", {"CE-ID": "x"}, "binary"),
        ("", {"ce-specversion": "1.0"}, "binary"),
        ("application/cloudevents+avro", {"ce-id": "x"}, None),
        ("text/xml", {"ce-id": "x"}, None),
        ("text/plain", {}, None),
        ("", {}, None),
    ],
)
def test_the_mode_is_told_by_content_type_and_headers(
    content_type: str, headers: dict[str, str], mode: str | None
) -> None:
    assert cloudevents.mode_of(content_type, headers) == mode
