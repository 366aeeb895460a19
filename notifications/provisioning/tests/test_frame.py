"""All requests: who may call, what is refused, and that each refusal is a SCIM error that the desk shows."""

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import OperationalError
from django.utils import timezone

from notifications.housekeeping import prune
from notifications.intake import throttling
from notifications.provisioning import tokens, users
from notifications.provisioning.models import ScimRequest, ScimToken
from notifications.provisioning.tests.idp import GROUP, SCIM, USER, Idp


# --- callers ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wfs_x", "Basic eDp5", "Bearer " + "x" * 4000])
@pytest.mark.parametrize("path", ["/Users", "/ServiceProviderConfig", "/Nothing", "/Bulk"])
def test_strangers_are_refused_everywhere(idp: Idp, header: str, path: str) -> None:
    response = idp.send("GET", path, Authorization=header)
    assert response.status_code == 401 and response["WWW-Authenticate"] == "Bearer"
    assert json.loads(response.content)["status"] == "401" and response["Content-Type"] == SCIM


def test_a_token_is_stored_as_a_digest_and_ends_with_an_overlap(idp: Idp) -> None:
    now, first = timezone.now(), idp.token
    assert first.startswith("wfs_") and first not in str(ScimToken.objects.values())
    _row, second = tokens.issue(idp.directory, now, overlap=timedelta(hours=24))
    for token in (first, second):
        idp.token = token
        idp.answer("GET", "/Users")
    assert ScimToken.objects.filter(last_used_at__isnull=False).count() == 2
    old = ScimToken.objects.get(expires_at__isnull=False)
    assert old.expires_at == now + timedelta(hours=24)
    _row, idp.token = tokens.issue(idp.directory, now, overlap=timedelta(0))
    idp.answer("GET", "/Users")
    for idp.token in (first, second):
        idp.answer("GET", "/Users", expect=401)


def test_a_directory_that_is_switched_off_is_refused(idp: Idp) -> None:
    idp.directory.active = False
    idp.directory.save()
    idp.answer("GET", "/Users", expect=401)


def test_too_many_requests_are_refused(idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(throttling.LIMITS, "directory", 2)
    monkeypatch.setattr(throttling, "throttle", throttling.Throttle())
    monkeypatch.setattr("notifications.provisioning.frame.throttle", throttling.throttle)
    with time_machine.travel(timezone.now(), tick=False):  # in one window
        answers = [idp.send("GET", "/Users") for _ in range(4)]
    assert answers[-1].status_code == 429 and int(answers[-1]["Retry-After"]) > 0


# --- what is sent -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ("{", 400, "invalidSyntax"),
        ("[]", 400, "invalidSyntax"),
        ('{"userName": "a", "userName": "b"}', 400, "invalidSyntax"),
        ('{"userName": "\\u0000"}', 400, "invalidValue"),
        ('{"userName": 5}', 400, "invalidValue"),
        ('{"displayName": "x"}', 400, "invalidValue"),
        ('{"schemas": ["urn:nothing"], "userName": "a"}', 400, None),
        ("x" * (1024 * 1024 + 1), 413, None),
        (b"\xff", 400, "invalidSyntax"),
    ],
)
def test_bodies_that_cannot_be_read_are_refused(idp: Idp, body: Any, status: int, kind: str | None) -> None:
    error = idp.answer("POST", "/Users", body, expect=status)
    assert kind is None or error["scimType"] == kind
    row = ScimRequest.objects.get()
    assert (row.method, row.path, row.status) == ("POST", "/Users", status) and row.detail == error["detail"]


@pytest.mark.parametrize(
    ("operations", "kind"),
    [
        (None, "invalidSyntax"),
        ([{"op": "frob", "path": "title", "value": 1}], "invalidValue"),
        ([{"op": "remove"}], "noTarget"),
        ([{"op": "replace", "path": "id", "value": "1"}], "mutability"),
        ([{"op": "remove", "path": "userName"}], "mutability"),
        ([{"op": "replace", "path": "emails[", "value": "x"}], "invalidPath"),
        ([{"op": "replace", "path": "active", "value": "maybe"}], "invalidValue"),
        ([{"op": "add", "path": "title", "value": "x"}] * 1_001, "invalidValue"),
        (["x"], "invalidValue"),
    ],
)
def test_patches_that_make_no_sense_are_refused(idp: Idp, operations: Any, kind: str) -> None:
    bob = idp.user("bob")
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations}
    error = idp.answer("PATCH", f"/Users/{bob['id']}", body, expect=400)
    assert error["scimType"] == kind, error
    assert idp.answer("GET", f"/Users/{bob['id']}") == bob


def test_other_media_types_and_methods_are_refused(idp: Idp) -> None:
    idp.answer("POST", "/Users", "userName=bob", expect=415, Content_Type="application/x-www-form-urlencoded")
    assert idp.send("POST", "/Users", '{"userName": "bob"}', Content_Type="application/json").status_code == 201
    for method, path in (
        ("DELETE", "/Users"),
        ("POST", "/Schemas"),
        ("PUT", "/ServiceProviderConfig"),
        ("TRACE", "/Users"),
    ):
        response = idp.send(method, path)
        assert response.status_code == 405 and response["Allow"], path


def test_what_is_not_offered_is_refused_politely(idp: Idp) -> None:
    assert "Bulk is not supported" in idp.answer("POST", "/Bulk", {"Operations": []}, expect=501)["detail"]
    for path in ("/.search", "/Users/.search", "/Groups/.search"):
        assert "Send the filter with GET" in idp.answer("POST", path, {}, expect=501)["detail"]
    idp.answer("GET", "/Me", expect=501)
    idp.answer("GET", "/Nothing/here", expect=404)
    idp.answer("GET", "", expect=404)
    idp.answer("GET", "/Users/no-uuid", expect=404)


def test_what_no_view_sees_is_refused_in_the_same_form(idp: Idp) -> None:
    error = idp.answer("GET", "/Users?filter=%00", expect=400)
    assert error["detail"].startswith("The request cannot be understood.")


def test_faults_of_ours_and_outages_are_scim_errors_too(idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: Any) -> None:
        raise OperationalError("away")

    monkeypatch.setattr(users, "create", fail)
    response = idp.send("POST", "/Users", {"userName": "bob"})
    assert response.status_code == 503 and response["Retry-After"]
    monkeypatch.setattr(users, "create", lambda *arguments: 1 / 0)
    assert "The fault was recorded" in idp.answer("POST", "/Users", {"userName": "bob"}, expect=500)["detail"]


# --- what the service says of itself ----------------------------------------------------------------------------------
def test_the_service_describes_itself(idp: Idp) -> None:
    config = idp.answer("GET", "/ServiceProviderConfig")
    supported = {
        name: config[name]["supported"] for name in ("patch", "bulk", "filter", "sort", "etag", "changePassword")
    }
    assert supported == {
        "patch": True, "bulk": False, "filter": True, "sort": False, "etag": True, "changePassword": False,
    }  # fmt: skip
    assert {kind["endpoint"] for kind in idp.found("/ResourceTypes")} == {"/Users", "/Groups"}
    assert idp.answer("GET", "/ResourceTypes/User")["schemaExtensions"]
    assert {USER, GROUP} <= {schema["id"] for schema in idp.found("/Schemas")}
    names = {attribute["name"] for attribute in idp.answer("GET", f"/Schemas/{USER}")["attributes"]}
    assert "emails" in names and "password" not in names
    idp.answer("GET", "/Schemas/urn:nothing", expect=404)
    idp.answer("GET", '/Schemas?filter=id eq "x"', expect=403)


def test_changes_are_recorded_reads_are_not_and_records_go_after_90_days(idp: Idp) -> None:
    bob = idp.user("bob")
    idp.answer("GET", "/Users")
    idp.answer("GET", "/Users/0", expect=404)
    idp.answer("DELETE", f"/Users/{bob['id']}", expect=204)
    rows = list(ScimRequest.objects.order_by("pk").values_list("method", "status"))
    assert rows == [("POST", 201), ("DELETE", 204)]
    ScimRequest.objects.filter(method="POST").update(at=timezone.now() - timedelta(days=91))
    prune(timezone.now(), through=True)
    assert ScimRequest.objects.get().method == "DELETE"
