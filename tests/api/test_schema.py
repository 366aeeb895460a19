"""The API against its own description: whatever is sent, it answers no 500 and nothing that is not described."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from notifications.api.frame import base
from notifications.people import devices
from notifications.types import NewAddress
from tests.support.api import Caller, engine_caller, person_caller
from tests.support.story import Story

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
described = schemathesis.openapi.from_wsgi("/api/schema", get_wsgi_application())
described.config.generation.update(with_security_parameters=False)

PEOPLES = (
    "/notifications",
    "/cases",
    "/tokens",
    "/responses",
    "/subscriptions",
    "/webpush",
    "/absence",
    "/preferences",
)


@pytest.fixture
def one_connection(db: None) -> Iterator[None]:
    """Requests stay within the test's transaction, as with Django's own test client."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def calls(one_connection: None, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], dict[str, str]]:
    """Who calls an operation, and existing values of path parameters by name."""
    monkeypatch.setattr(base.ApiView, "count", lambda *args: None)  # rates have their own tests
    story = Story.begin()
    story.assign()
    engine, bob = engine_caller(story.engine), person_caller(story.bob)
    phone, _ = devices.register(
        story.bob, NewAddress("fcm", "phone", "token", "acme"), name="App on Android", now=timezone.now()
    )
    real = {
        "slug": "invoices",
        "event_id": str(story.send("acme.ping", {}).pk),
        "task_id": "T-42",
        "ref": "bob",
        "case_id": "4711",
        "notification_id": str(story.copy(story.bob).pk),
        "device_id": str(phone.pk),
    }

    def prepare(case: Any) -> dict[str, str]:
        caller = bob if case.path.startswith(tuple(f"/api/v1{path}" for path in PEOPLES)) else engine
        if case.path == "/api/v1/responses":
            caller = Caller()
        prepare.real = {name: real.get(name, "x") for name in case.path_parameters or {}}  # type: ignore[attr-defined]
        return {"Authorization": f"Bearer {caller.key}"} if caller.key else {}

    return prepare


@described.parametrize()
@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_operation_answers_as_described(case: Any, calls: Any) -> None:
    headers = calls(case)
    case.call_and_validate(headers=headers, checks=CHECKS)
    if case.path_parameters:
        case.path_parameters = calls.real
        case.call_and_validate(headers=headers, checks=CHECKS)


def test_every_address_of_the_api_is_described() -> None:
    paths = json.loads(Client().get("/api/schema").content)["paths"]
    parts = [pattern.url_patterns for pattern in get_resolver().url_patterns if str(pattern.pattern) == "api/"]

    assert {path.count("/") for path in paths} <= {3, 4, 5, 6}
    assert len(paths) == sum(str(pattern.pattern).startswith("v1/") for part in parts for pattern in part)


def test_every_operation_names_what_can_always_happen() -> None:
    paths = json.loads(Client().get("/api/schema").content)["paths"]
    for path, operations in paths.items():
        for method, operation in operations.items():
            missing = {"400", "403", "429", "503"} - set(operation["responses"])
            assert not missing, f"{method} {path} does not name {missing}"
            problems = [said for status, said in operation["responses"].items() if int(status) >= 400]
            assert all(list(said["content"]) == ["application/problem+json"] for said in problems)


def test_the_description_is_openapi_3_and_names_who_may_call() -> None:
    answer = Client().get("/api/schema")
    document = json.loads(answer.content)

    assert answer.headers["Content-Type"] == "application/json"
    assert document["openapi"].startswith("3.")
    assert set(document["components"]["securitySchemes"]) == {"bearer", "apiKey", "session", "signature", "operator"}
    paths = document["paths"]
    assert paths["/api/v1/events"]["post"]["security"] == [{"bearer": []}, {"apiKey": []}]
    assert paths["/api/v1/notifications"]["get"]["security"] == [{"bearer": []}, {"apiKey": []}, {"session": []}]
    for path, method in (("/api/v1/responses", "post"), ("/api/v1/webpush/public-key", "get")):
        assert paths[path][method].get("security", [{}]) == [{}]


def test_the_docs_are_shown_offline() -> None:
    """Every address in the page is ours, and there."""
    page = Client().get("/api/docs")
    body = page.content.decode()

    assert page.status_code == 200
    assert "http://" not in body
    assert "https://" not in body
    policy = page.headers["Content-Security-Policy"]
    assert "script-src" not in policy or "unsafe" not in policy.split("script-src")[1].split(";")[0]
    scripts = [part.split('"')[0] for part in body.split('<script src="')[1:]]
    assert len(scripts) == 3
    for address in (*scripts, *(part.split('"')[0] for part in body.split('<link rel="stylesheet" href="')[1:])):
        assert Client().get(address.replace("&amp;", "&")).status_code == 200, address
