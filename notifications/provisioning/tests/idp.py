"""An identity provider of the tests: it sends SCIM requests with the token of a directory."""

import json
from dataclasses import dataclass, field
from typing import Any

from django.test import Client
from django.utils import timezone

from notifications.provisioning import tokens
from notifications.provisioning.models import ScimDirectory
from notifications.types import Json

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
SCIM = "application/scim+json"


@dataclass
class Idp:
    directory: ScimDirectory
    token: str
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    @classmethod
    def begin(cls, name: str = "Entra ID", **fields: Any) -> "Idp":
        directory = ScimDirectory.objects.create(name=name, **fields)
        return cls(directory, tokens.issue(directory, timezone.now(), overlap=None)[1])

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send a request below /scim/v2; bodies of text are sent as they are."""
        data = body if isinstance(body, str | bytes) else "" if body is None else json.dumps(body)
        sent = {
            "Authorization": f"Bearer {self.token}",
            "Accept": SCIM,
            **{name.replace("_", "-"): v for name, v in headers.items()},
        }
        kind = sent.pop("Content-Type", SCIM)
        return self.client.generic(method, f"/scim/v2{path}", data, content_type=kind, headers=sent)

    def user(self, ref: str, *, expect: int = 201, **members: Any) -> Json:
        """Create a user; return the resource, or the error."""
        body = {"schemas": [USER], "userName": ref, "displayName": ref.title(), "active": True, **members}
        return self.answer("POST", "/Users", body, expect=expect)

    def group(self, name: str, *members: Json, expect: int = 201, **others: Any) -> Json:
        people = [{"value": member["id"]} for member in members]
        body = {"schemas": [GROUP], "displayName": name, "members": people, **others}
        return self.answer("POST", "/Groups", body, expect=expect)

    def patch(self, path: str, *operations: Json, expect: int = 200) -> Json:
        return self.answer("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)}, expect=expect)

    def deactivate(self, user: Json, expect: int = 200) -> Json:
        return self.patch(f"/Users/{user['id']}", {"op": "replace", "value": {"active": False}}, expect=expect)

    def found(self, path: str) -> list[Json]:
        resources: list[Json] = self.answer("GET", path).get("Resources", [])
        return resources

    def answer(self, method: str, path: str, body: Any = None, *, expect: int = 200, **headers: str) -> Json:
        response = self.send(method, path, body, **headers)
        assert response.status_code == expect, f"{method} {path}: {response.status_code} {response.content.decode()}"
        if expect == 204:
            return {}
        assert response["Content-Type"] == SCIM
        payload: Json = json.loads(response.content)
        if expect >= 400:
            assert payload["schemas"] == [ERROR] and payload["status"] == str(expect) and payload["detail"], payload
        return payload
