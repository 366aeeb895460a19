"""Calls the API as an engine or a person."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.test import Client
from django.utils import timezone

from notifications.connectors import credentials
from notifications.inbox.sign_in.session import BACKEND
from notifications.models import Engine, Event, Recipient, Scope
from notifications.people import recipient_tokens
from notifications.types import Json

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


@dataclass
class Caller:
    """Somebody with a key, or nobody without one. Answers are Django's test responses; `json()` reads them."""

    key: str = ""
    client: Client = field(default_factory=Client)

    def call(self, method: str, path: str, body: Any = None, *, type: str = "application/json", **headers: str) -> Any:
        """`body`: bytes go out as they are, anything else as JSON. Headers by their names in snake_case."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.key:
            given.setdefault("Authorization", f"Bearer {self.key}")
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return self.client.generic(method, path, raw, content_type=type, headers=given)

    def get(self, path: str, **headers: str) -> Any:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **how: str) -> Any:
        return self.call("POST", path, body, **how)

    def put(self, path: str, body: Any = None, **how: str) -> Any:
        return self.call("PUT", path, body, **how)

    def delete(self, path: str) -> Any:
        return self.call("DELETE", path)

    def send(self, body: Any, *, type: str = "application/json", **headers: str) -> Any:
        return self.post("/api/v1/events", body, type=type, **headers)


def engine_caller(engine: Engine, scopes: Sequence[str] = tuple(Scope)) -> Caller:
    return Caller(credentials.issue_key(engine, name="test", scopes=scopes)[1])


def person_caller(person: Recipient) -> Caller:
    """With a recipient token."""
    return Caller(recipient_tokens.new_token(person, label="", now=timezone.now())[1])


def browser_of(person: Recipient, *, checks_csrf: bool = False) -> Caller:
    """With a session."""
    client = Client(enforce_csrf_checks=checks_csrf)
    assert person.user is not None
    client.force_login(person.user, backend=BACKEND)
    return Caller(client=client)


def assigned(id: str = "e-1", **changes: Any) -> Json:
    """Bob is asked to approve invoice 4711. `task` changes the task, everything else the event."""
    task = {"id": "T-42", "name": "Approve invoice 4711", "assignee": "bob", **changes.pop("task", {})}
    event: Json = {
        "specversion": "1.0",
        "id": id,
        "source": "/engines/invoices",
        "type": "task.assigned",
        "data": {"task": task, "case": {"id": "4711"}},
    }
    return event | changes


def stored() -> list[Event]:
    return list(Event.objects.order_by("id"))


def is_problem(response: Any, status: int, code: str) -> bool:
    """Whether it is this problem, complete in its form (RFC 9457); says what it is instead."""
    assert response.status_code == status, (response.status_code, response.content[:500])
    assert response.headers["Content-Type"] == "application/problem+json"
    body = response.json()
    assert body["code"] == code, body
    assert (body["type"], body["status"]) == (f"/problems/{code}", status)
    assert body["title"]
    assert body["detail"]
    if status == 422:
        assert isinstance(body["errors"], list)
    return True


def pointers(response: Any, code: str = "invalid") -> list[str]:
    """The places of the faults in a refusal with this code."""
    assert is_problem(response, 422, code)
    return [fault["pointer"] for fault in response.json()["errors"]]
