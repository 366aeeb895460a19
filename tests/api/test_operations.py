"""What /api/docs says of each operation besides its description: purpose, summary, examples and codes are there, and
true. The examples fit the operation's own schema, are taken by the API, and have the members of its real answers."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

import jsonschema
import pytest
import time_machine
from django.conf import settings
from django.contrib.auth.models import Group
from django.utils import timezone

from notifications.api.frame.schema import document
from notifications.api.operations.events import BATCH
from notifications.api.operations.inbox import APPROVAL
from notifications.api.operations.story import ASSIGNED
from notifications.intake import mapping
from notifications.intake.cloudevents import BATCH_TYPE, STRUCTURED_TYPE
from notifications.intake.eventdata import instant
from notifications.items import undo_window
from notifications.models import Category, CategoryChoice, Device, Event, Recipient
from notifications.people import devices
from notifications.roles import OPERATORS
from notifications.routing import pipeline
from notifications.types import Json, NewAddress
from tests.factories import action_token
from tests.support.api import Caller, browser_of, engine_caller, person_caller
from tests.support.documentation import section
from tests.support.files import jpeg
from tests.support.length import some
from tests.support.messages import show_messages
from tests.support.story import Story
from wfpush.web.problems import CONTENT_TYPE

DOCUMENT: Json = json.loads(document())
OPERATIONS: dict[str, tuple[str, str, Json]] = {
    operation["operationId"]: (method, path, operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}
NINE = datetime(2026, 11, 25, 9, tzinfo=UTC)
"""When the examples' story begins."""
OWN = {
    "id": "join('-', [event, task.id])",
    "source": "'/engines/invoices'",
    "type": "'task.assigned'",
    "data.task.id": "task.id",
    "data.task.name": "task.title",
    "data.task.assignee": "task.owner",
}
"""A mapping of the engine's own JSON that is shown."""


# --- what is said -------------------------------------------------------------------------------------------------
def test_every_operation_has_a_purpose_and_a_summary_of_its_own() -> None:
    purposes = [tag["name"] for tag in DOCUMENT["tags"]]
    for name, (_, _, operation) in OPERATIONS.items():
        assert len(operation["tags"]) == 1, name
        assert operation["tags"][0] in purposes, name
        assert 0 < len(operation["summary"]) <= 60, name
    summaries = Counter(operation["summary"] for _, _, operation in OPERATIONS.values())
    assert [summary for summary, times in summaries.items() if times > 1] == []


def test_every_purpose_is_described_once_and_has_operations() -> None:
    used = {tag for _, _, operation in OPERATIONS.values() for tag in operation["tags"]}
    assert {tag["name"] for tag in DOCUMENT["tags"]} == used
    assert len(DOCUMENT["tags"]) == len(used)
    assert all(tag["description"].endswith(".") for tag in DOCUMENT["tags"])


def test_every_code_is_one_of_its_status() -> None:
    known = set(re.findall(r"^\| `(\w+)` \| (\d+) \|", section("docs/api", "Errors"), re.MULTILINE))
    assert ("already_answered", "409") in known
    codes = {code for code, _ in known}
    for name, (_, _, operation) in OPERATIONS.items():
        for status, answer in operation["responses"].items():
            said = codes.intersection(re.findall(r"`(\w+)`", str(answer["description"])))
            shown = answer.get("content", {}).get(CONTENT_TYPE, {}).get("examples", {})
            assert set(shown) == said, f"{name} {status}"
            assert int(status) < 400 or said, f"{name} {status} names no code"
            assert said <= {code for code, of in known if of == status}, f"{name} {status}"


# --- examples -----------------------------------------------------------------------------------------------------
def bodies() -> Iterator[tuple[str, Json]]:
    """What is sent and what comes back, of all operations: text and JSON, but no files."""
    for name, (_, _, operation) in OPERATIONS.items():
        for kind, body in operation.get("requestBody", {}).get("content", {}).items():
            if "octet-stream" not in kind and "form-data" not in kind:
                yield f"{name} {kind}", body
        for status, answer in operation["responses"].items():
            for body in answer.get("content", {}).values() if int(status) < 300 else ():
                if body["schema"].get("format") != "binary":
                    yield f"{name} {status}", body


def problems() -> Iterator[tuple[int, str, Json]]:
    for _, _, operation in OPERATIONS.values():
        for status, answer in operation["responses"].items():
            for code, example in answer["content"][CONTENT_TYPE]["examples"].items() if int(status) >= 400 else ():
                yield int(status), code, example["value"]


def strict(schema: Any) -> Any:
    """A schema of OpenAPI 3.0 as JSON Schema: `nullable` is a type, and an example has no member without a name."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: strict(each) for name, each in schema.items() if name != "nullable"}
    if isinstance(schema.get("properties"), dict):
        made.setdefault("additionalProperties", False)
    return {"anyOf": [made, {"type": "null"}]} if schema.get("nullable") is True else made


def is_uuid(value: str) -> bool:
    return bool(UUID(value))


formats = jsonschema.FormatChecker(formats=())
for name, holds in (
    ("uuid", is_uuid),
    ("date-time", lambda value: instant(value) is not None),
    ("uri", lambda value: value.startswith("https://")),
):
    formats.checks(name, raises=ValueError)(lambda value, holds=holds: value is None or holds(value))
COMPONENTS = {"components": strict(DOCUMENT["components"])}


@pytest.mark.parametrize(("name", "body"), [pytest.param(name, body, id=name) for name, body in bodies()])
def test_every_example_is_there_and_fits_its_schema(name: str, body: Json) -> None:
    schema = {**strict(body["schema"]), **COMPONENTS}
    jsonschema.Draft202012Validator(schema, format_checker=formats).validate(body["example"])


def test_every_problem_is_one_that_the_api_answers_with() -> None:
    schema = {"$ref": "#/components/schemas/Problem", **COMPONENTS}
    for status, code, shown in problems():
        jsonschema.Draft202012Validator(schema).validate(shown)
        assert (shown["status"], shown["code"], shown["type"]) == (status, code, f"/problems/{code}")
        assert shown["title"] != HTTPStatus(status).phrase, f"{code} has no title of its own"
        assert ("errors" in shown) == (status == 422)


@pytest.mark.parametrize(
    "wrong",
    [{"action": 1}, {"comment": "Fine."}, {"action": "approve", "coment": "Fine."}],
    ids=["of another type", "without what is needed", "misspelled"],
)
def test_a_wrong_example_would_be_found(wrong: Json) -> None:
    schema = {"$ref": "#/components/schemas/AnswerOfPersonRequest", **COMPONENTS}
    validator = jsonschema.Draft202012Validator(schema, format_checker=formats)
    assert validator.is_valid(APPROVAL)
    assert not validator.is_valid(wrong)


# --- the same in the real API -------------------------------------------------------------------------------------
@pytest.fixture
def story(db: None) -> Iterator[Story]:
    """On the morning of the examples."""
    with time_machine.travel(NINE, tick=True):
        yield Story.begin()


def work() -> None:
    pipeline.drain()
    show_messages()


@pytest.fixture
def assigned(story: Story) -> Story:
    """Bob has the task of the examples, and Erin a case on which he works."""
    engine_caller(story.engine).send(ASSIGNED)
    repair = {"id": "R-88", "title": "Broken heating", "type": "repair", "status": "assigned"}
    story.happen("request.status_changed", {"case": repair, "customer": {"ref": "C-9", "name": "Erin"}})
    story.happen("task.assigned", {"task": {"id": "T-88", "assignee": "bob"}, "case": {"id": "R-88"}})
    return story


def address(path: str, story: Story) -> str:
    """With what there is in the story."""
    real = {
        "event_id": lambda: Event.objects.get(event_id=ASSIGNED["id"], source=ASSIGNED["source"]).pk,
        "notification_id": lambda: story.copy(story.bob).pk,
        "device_id": lambda: phone_of(story).pk,
        "task_id": lambda: "T-42",
        "case_id": lambda: "R-88",
        "ref": lambda: "alice",
        "slug": lambda: "finance" if "/teams/" in path else "invoices",
    }
    return re.sub(r"\{(\w+)\}", lambda found: str(real[found[1]]()), path)


def phone_of(story: Story) -> Device:
    given = NewAddress("fcm", "phone", "token", "acme", platform="android")
    return devices.register(story.bob, given, name="App on Android", now=timezone.now())[0]


def are_alike(real: Any, shown: Any) -> bool:
    """Whether what is shown has no members but those of what is real, wherever both have any."""
    if isinstance(real, dict) and isinstance(shown, dict):
        return set(shown) <= set(real) and all(are_alike(real[name], shown[name]) for name in shown)
    if isinstance(real, list) and isinstance(shown, list):
        return not real or not shown or are_alike(real[0], shown[0])
    return True


def call(name: str, caller: Caller, story: Story, *, kind: str = "application/json", **changed: Any) -> Any:
    """Send the operation's example. `changed`: members that differ in each story, such as a token."""
    method, path, operation = OPERATIONS[name]
    body = operation.get("requestBody", {}).get("content", {}).get(kind, {}).get("example")
    if body and "revision" in body:
        changed = {"revision": story.copy(story.bob).revision, **changed}
    given = {**body, **changed} if changed else body
    answer = caller.call(method.upper(), address(path, story), given, type=kind)
    described = operation["responses"].get(str(answer.status_code))
    assert answer.status_code < 300, answer.content
    assert described is not None
    if "content" in described:
        of_batch = kind == BATCH_TYPE and operation["responses"]["207"]
        shown = (of_batch or described)["content"]["application/json"]["example"]
        assert are_alike(answer.json(), shown), (answer.json(), shown)
    return answer


OF_FEATURES = {
    "on_duty": "rotas",
    "signing_challenge": "signed_answers",
    **dict.fromkeys(("configuration", "plan_configuration", "apply_configuration"), "config_files"),
    **dict.fromkeys(("messages", "say", "forward", "forward_effect"), "conversation"),
    **dict.fromkeys(("case", "case_messages", "write_in"), "customers"),
    **dict.fromkeys(("absence", "put_absence", "recipient_absence", "put_recipient_absence"), "absences"),
}
CALLERS = {
    "engine": [
        *("event_trace", "task", "put_recipient", "put_team", "give_token", "give_link"),
        *("put_recipient_preferences", "recipient_preferences"),
        *("recipient_absence", "put_recipient_absence"),
    ],
    "bob": [
        *("notifications", "notification", "read", "read_up_to", "snooze", "bring_back", "respond"),
        *("forward_effect", "forward"),
        *("messages", "say", "absence", "put_absence", "subscriptions", "subscribe", "test", "unsubscribe"),
        *("webpush_public_key", "put_preferences", "preferences", "sign_out_token"),
    ],
    "erin": [
        *("case", "case_messages", "write_in", "follow", "unfollow", "follow_kind", "unfollow_kind", "mute"),
        *("followed_cases", "followed_kinds", "muted_cases", "unmute"),
    ],
    "operator": ["simulate", "new_token"],
}
"""Who calls each operation. Those that need more have tests of their own."""


def are_installed(names: Iterable[str]) -> set[str]:
    """Return the names without those of features that are left out."""
    return {name for name in names if OF_FEATURES.get(name, "") in ("", *settings.FEATURES)}


@pytest.fixture
def callers(assigned: Story) -> dict[str, Caller]:
    assert assigned.carol.user is not None
    approvals = Category.objects.get(slug="approvals")
    for person in (assigned.alice, assigned.bob):
        CategoryChoice.objects.create(recipient=person, category=approvals, channels={"email": False})
    assigned.tell_manager_when_due()
    assigned.carol.user.groups.add(Group.objects.get(name=OPERATORS))
    return {
        "engine": engine_caller(assigned.engine),
        "bob": person_caller(assigned.bob),
        "erin": person_caller(Recipient.objects.get(ref="C-9")),
        "operator": browser_of(assigned.carol),
    }


@pytest.mark.parametrize(
    ("who", "name"),
    some([(who, name) for who, names in CALLERS.items() for name in names if are_installed([name])], 12),
)
def test_the_api_takes_and_answers_what_is_shown(
    who: str, name: str, assigned: Story, callers: dict[str, Caller]
) -> None:
    call(name, callers[who], assigned)


@pytest.mark.parametrize("kind", [STRUCTURED_TYPE, BATCH_TYPE, "application/json"])
@pytest.mark.parametrize("name", ["send_event", "send_event_of_engine"])
def test_events_are_taken_as_shown(name: str, kind: str, story: Story) -> None:
    mapping.use_preset(story.engine, OWN)
    engine = engine_caller(story.engine)

    assert call(name, engine, story, kind=kind).status_code == 202
    work()

    assert story.states() == {"bob": "open"}
    assert call(name, engine, story, kind=kind).status_code in {200, 202}  # of a batch each item says that it is known


def test_a_batch_is_taken_partly_as_shown(story: Story) -> None:
    engine = engine_caller(story.engine)
    second = {**BATCH[1], "data": {"case": {"id": "4711"}}}
    answer = engine.send([BATCH[0], second], type=BATCH_TYPE)
    shown = OPERATIONS["send_event"][2]["responses"]["207"]["content"]["application/json"]["example"]
    rejected = answer.json()["items"][1]["problem"]

    assert answer.status_code == 207
    assert rejected == shown["items"][1]["problem"]


def test_an_answer_with_a_token_is_taken_as_shown(assigned: Story) -> None:
    token = action_token(assigned.copy(assigned.bob), expires_at=timezone.now() + timedelta(days=1))
    call("respond_with_token", Caller(), assigned, token=token)


def test_an_answer_is_taken_back(assigned: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undo_window, "HELD", timedelta(minutes=1))
    browser = browser_of(assigned.bob)
    call("respond", browser, assigned)
    call("take_back", browser, assigned)


def test_a_file_is_sent_read_and_removed(assigned: Story) -> None:
    bob = person_caller(assigned.bob)
    path = OPERATIONS["send_file"][1]
    answer = bob.post(f"{path}?name=invoice.jpg", jpeg(), type="application/octet-stream")
    shown = OPERATIONS["send_file"][2]["responses"]["201"]["content"]["application/json"]["example"]

    assert answer.status_code == 201
    assert (answer.json().keys(), answer.json()["type"]) == (shown.keys(), shown["type"])
    assert bob.get(answer.json()["url"]).status_code == 200
    assert bob.delete(answer.json()["url"]).status_code == 204


def test_every_operation_was_tried() -> None:
    of_their_own = {
        *("send_event", "send_event_of_engine", "respond_with_token", "take_back", "send_file", "file", "remove_file"),
        "on_duty",  # notifications/rotas/tests/test_api.py
        "signing_challenge",  # notifications/signed_answers/tests/test_signing.py
        *("configuration", "plan_configuration", "apply_configuration"),  # notifications/config_files/tests/test_api.py
        "receipts",  # each service has a form and a signature of its own: tests/notifications/channels/
    }
    tried = {name for names in CALLERS.values() for name in names} | of_their_own
    assert are_installed(tried) == set(OPERATIONS)
