"""The documentation of the API says what the code does: paths, codes, states, limits and metrics are compared."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from notifications.answers import submission
from notifications.api.frame.schema import document
from notifications.attachments import limits
from notifications.errors import Failure
from notifications.forms import definition
from notifications.intake import cloudevents, eventdata, strictjson
from notifications.intake.throttling import LIMITS
from notifications.models import (
    CallbackState,
    DeliveryState,
    EventStatus,
    NotificationState,
    Scope,
    TaskState,
    via_choices,
)
from notifications.models.validators import MAX_ID
from notifications.people import devices
from notifications.types import BEHAVIOURS, USUAL_COMMENTS
from notifications.wording import message, render
from tests.support.documentation import PAGES, code, first_words, name_of, read, rows, section
from wfpush.web import bodylimit, pointers, problems


def operations() -> set[tuple[str, str]]:
    paths: dict[str, dict[str, Any]] = json.loads(document())["paths"]
    described = {(method.upper(), shape(path)) for path, each in paths.items() for method in each}
    return described | {("GET", "/api/schema"), ("GET", "/api/docs")}


def shape(path: str) -> str:
    """A path whatever its parameters are called."""
    return re.sub(r"\{[^}]*\}|<[^>]*>", "{}", path)


def test_the_list_of_paths_is_that_of_the_api() -> None:
    listed = first_words(section("docs/api", "General"))
    documented = {
        (method, shape(path)) for path, cells in listed.items() if path.startswith("/api/") for method in code(cells[0])
    }

    assert documented == operations()


def test_the_file_is_the_description_that_is_served() -> None:
    is_current = json.loads(read("docs/openapi.json")) == json.loads(document())

    assert is_current, "`make openapi` renews docs/openapi.json"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_page_names_a_path_that_is_not_there(page: Path) -> None:
    named = re.findall(r"`(GET|PUT|POST|DELETE) (/api/[^\s`?]+)", page.read_text(encoding="utf-8"))

    assert {(method, shape(path)) for method, path in named} <= operations()


def test_every_path_is_told_of_and_not_only_listed() -> None:
    told = re.findall(r"`(GET|PUT|POST|DELETE) (/api/v1/[^\s`?]+)", read("docs/api"))

    assert {(method, shape(path)) for method, path in told} == {each for each in operations() if "/v1/" in each[1]}


def failures() -> Iterator[type[Failure]]:
    waiting = [Failure]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        yield kind


def codes_in_code() -> set[tuple[str, int]]:
    ours = {(kind.code, kind.status) for kind in failures()}
    plain = {(name, status) for status, (name, _detail) in problems._BY_STATUS.items()}
    literal = re.findall(r'problem\(\s*(\d{3}), "([a-z_]+)"', read("wfpush/web/problems.py"))
    return ours | plain | {(name, int(status)) for status, name in literal}


def test_every_problem_code_is_documented_with_its_status() -> None:
    table = first_words(section("docs/api", "Errors"))
    documented = {(name, int(cells[0])) for name, cells in table.items() if cells[0].isdecimal()}

    assert documented == codes_in_code()
    assert set(problems._TITLES) == {name for name, _status in documented}


def test_no_page_names_a_problem_code_that_is_not_there() -> None:
    named = {
        (name_of(page), code, int(status))
        for page in PAGES
        for status, code in re.findall(r"\b([45]\d\d) `([a-z_]+)`", page.read_text(encoding="utf-8"))
    }
    known = codes_in_code()

    assert len(named) > 30
    assert {each for each in named if each[1:] not in known} == set()


def test_every_type_of_event_is_documented_with_what_it_needs() -> None:
    table = first_words(section("docs/api", "Event data"))
    documented = {name: set(code(cells[1])) for name, cells in table.items() if name in BEHAVIOURS}
    needed = {
        name: {path.replace("/", ".") for path in (*eventdata.NEEDS[name], *eventdata.NEEDS_ONE_OF.get(name, ()))}
        for name in BEHAVIOURS
    }

    assert documented == needed


@pytest.mark.parametrize(
    ("heading", "title", "choices"),
    [
        ("Effect on tasks", "Task `state`", TaskState),
        ("Inbox", "Notification `state`", NotificationState),
        ("Traces and tasks", "Event `status`", EventStatus),
        ("Traces and tasks", "Delivery `state`", DeliveryState),
        ("Who may call", "Scope", Scope),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_every_state_is_documented(heading: str, title: str, choices: Any) -> None:
    text = section("docs/api", heading)
    table = text[text.index(f"| {title} |") :].split("\n\n")[0]
    documented = {name for cells in rows(table)[1:] for cell in cells[:2] for name in code(cell)}

    assert documented & set(choices.values) == set(choices.values)
    if choices is not TaskState:  # whose table names actions and events, too
        assert {name for cells in rows(table)[1:] for name in code(cells[0])} == set(choices.values)


def test_callback_states_and_ways_of_answering_are_documented() -> None:
    out, answers = section("docs/api", "Answers to the engine"), section("docs/api", "Answers")

    assert set(CallbackState.values) <= set(code(out))
    assert {name for name, _ in via_choices()} <= set(code(answers))


FORM = b"multipart/form-data"


def test_the_limits_are_those_of_the_code() -> None:
    documented = {cells[0]: cells[1] for cells in rows(section("docs/api", "Limits"))[1:]}

    assert documented == {
        "Body of a request": f"{bodylimit.BODY_LIMIT // 2**20} MiB",
        "Body with files, to `/api/v1/attachments`": f"{bodylimit.limit_for(FORM, '/api/v1/attachments') // 2**20} MiB",
        "Body of a batch": f"{bodylimit.BATCH_LIMIT // 2**20} MiB",
        "Events of a batch": f"{cloudevents.MAX_BATCH:,}",
        "`data` of an event": f"{eventdata.MAX_DATA_BYTES // 1024} KiB",
        "Levels of nesting": f"{strictjson.MAX_DEPTH}",
        "Values (members and elements) of a body": f"{strictjson.MAX_VALUES:,}",
        "Values of a batch": f"{cloudevents.MAX_BATCH_VALUES:,}",
        "`errors` of an answer": f"{pointers.MAX_ERRORS}",
        "All `errors` of an answer together": f"{pointers.MAX_BYTES // 1024} KiB",
        "People an event may name (teams and followers may be larger)": f"{eventdata.MAX_PEOPLE:,}",
        "Id or ref": f"{MAX_ID} characters",
        "Title after filling in": f"{render.MAX_TITLE} characters",
        "Title on lock screens and in subjects of e-mails": f"{message.MOST_TITLE} characters",
        "Comment": f"{submission.MAX_COMMENT:,} characters",
        "Fields of a form": f"{definition.MOST_FIELDS}",
        "A form": f"{definition.MOST_BYTES // 1024} KiB",
        "A file": f"{settings.ATTACHMENT_MEGABYTES} MB",
        "Files of a message": f"{settings.ATTACHMENTS_A_MESSAGE}",
        "Files of one person within an hour": f"{settings.ATTACHMENT_MEGABYTES_AN_HOUR} MB",
        "Files of an engine that no message names": f"{limits.MOST_OF_ENGINE // limits.MEGABYTE:,} MB",
        "Devices of a person": f"{devices.MAX_DEVICES}",
        "Calls a minute of one API key": f"{LIMITS['key']:,}",
        "Calls a minute of one operator's key": f"{LIMITS['operator']:,}",
        "Calls a minute of one person": f"{LIMITS['person']:,}",
        "Failed calls a minute from one address": f"{LIMITS['stranger']:,}",
    }


def test_the_buttons_with_labels_of_their_own_are_documented() -> None:
    told = code(section("docs/engines", "Events of a task"))

    assert USUAL_COMMENTS.keys() <= set(told)
