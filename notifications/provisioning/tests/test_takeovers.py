"""What a directory cannot do: hand an old account to a namesake, or close and rename a superuser."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from notifications.models import Recipient
from notifications.provisioning.tests.idp import Idp

pytestmark = pytest.mark.django_db
OLD = "the old password 1"


def test_a_namesake_without_the_external_id_does_not_get_the_old_account(idp: Idp) -> None:
    made = idp.user("bob", externalId="42")
    idp.answer("DELETE", f"/Users/{made['id']}", expect=204)
    idp.answer(
        "POST", "/Users", {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "bob"}, expect=409
    )
    assert not User.objects.get(username="bob").is_active


def test_whoever_comes_back_has_no_old_password(idp: Idp) -> None:
    made = idp.user("bob", externalId="42")
    user = Recipient.objects.get(ref="bob").user
    assert user is not None
    user.set_password(OLD)
    user.save()
    idp.answer("DELETE", f"/Users/{made['id']}", expect=204)
    idp.user("bob", externalId="42")
    assert User.objects.get(pk=user.pk).is_active
    assert Client().post("/sign-in", {"username": "bob", "password": OLD}).status_code == 422
    assert Recipient.objects.select_related("user").get(ref="bob").may_act


@pytest.mark.parametrize("values", [{"active": False}, {"userName": "x"}])
def test_a_superuser_is_closed_and_renamed_at_the_desk(idp: Idp, values: dict[str, object]) -> None:
    made = idp.user("bob")
    User.objects.filter(username="bob").update(is_superuser=True, is_staff=True)
    patch = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "value": values}],
    }
    idp.answer("PATCH", f"/Users/{made['id']}", patch, expect=409)
    user = User.objects.get(is_superuser=True)
    assert (user.username, user.is_active) == ("bob", True)


# --- addresses of other domains ---------------------------------------------------------------------------------------
def emails(address: str) -> dict[str, object]:
    return {"emails": [{"value": address, "type": "work", "primary": True}]}


def test_a_directory_claims_addresses_of_its_domains_only() -> None:
    idp = Idp.begin(domains=["acme.example"])
    error = idp.user("eve", expect=400, **emails("boss@other.example"))
    assert error["scimType"] == "invalidValue" and "in none of this directory's e-mail domains" in error["detail"]
    for address in ("boss@acme.example.evil.example", "boss@sub.acme.example", "boss@evil-acme.example"):
        idp.user("eve", expect=400, **emails(address))
    assert not Recipient.objects.filter(ref="eve").exists() and not User.objects.filter(username="eve").exists()
    made = idp.user("bob", **emails("Bob@ACME.example"))
    change = {"op": "replace", "path": 'emails[type eq "work"].value', "value": "boss@other.example"}
    idp.patch(f"/Users/{made['id']}", change, expect=400)
    assert Recipient.objects.get(ref="bob").email == "Bob@ACME.example"
    idp.user("carl")  # without an address


def test_whoever_has_another_address_already_keeps_it_and_can_leave() -> None:
    idp = Idp.begin()
    made = idp.user("bob", **emails("bob@other.example"))
    idp.directory.domains = ["acme.example"]
    idp.directory.save()
    idp.patch(f"/Users/{made['id']}", {"op": "replace", "path": "displayName", "value": "Bob B."})
    idp.deactivate(made)
    assert not Recipient.objects.get(ref="bob").active
