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
