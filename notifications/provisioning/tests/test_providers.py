"""Entra ID and Okta: their requests, from their public documentation, in the order in which they send them."""

import json
from pathlib import Path
from typing import Any

import pytest

from notifications.models import Recipient
from notifications.provisioning.tests.idp import Idp

REQUESTS = Path(__file__).parent / "requests"


def filled(value: Any, ids: dict[str, str]) -> Any:
    text = json.dumps(value)
    for name, pk in ids.items():
        text = text.replace("{" + name + "}", pk)
    return json.loads(text)


def member(payload: Any, path: str) -> Any:
    """The value at a path of names and indexes. The name of a schema has dots of its own."""
    urn, _separator, rest = path.rpartition(":User.") if path.startswith("urn:") else ("", "", path)
    for name in [*([f"{urn}:User"] if urn else []), *rest.split(".")]:
        payload = payload[int(name)] if isinstance(payload, list) else payload.get(name)
        if payload is None:
            return None
    return payload


@pytest.mark.parametrize("provider", ["entra", "okta"])
def test_the_requests_of_a_provider_are_answered_right(provider: str, idp: Idp) -> None:
    ids: dict[str, str] = {}
    for step in json.loads((REQUESTS / f"{provider}.json").read_text("utf-8")):
        step = filled(step, ids)
        response = idp.send(step["method"], step["path"], step.get("body"))
        assert response.status_code == step["status"], f"{step['why']}: {response.content.decode()}"
        payload = json.loads(response.content) if response.content else {}
        for path, value in step.get("expect", {}).items():
            assert member(payload, path) == value, f"{step['why']}: {path} in {payload}"
        if "save" in step:
            ids[step["save"]] = payload["id"]
    assert not Recipient.objects.filter(engine=None, active=True).exists(), "all were deactivated in the end"
