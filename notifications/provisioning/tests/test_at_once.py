"""Requests that come in the same moment: one succeeds, the others get a clean answer."""

from collections.abc import Callable
from typing import Any

import pytest

from notifications.models import Recipient, Team
from notifications.provisioning.tests.idp import GROUP, PATCH, USER, Idp
from tests.support.at_once import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def sender(idp: Idp, method: str, path: str, body: Any) -> Callable[[], int]:
    mine = Idp(idp.directory, idp.token)
    return lambda: int(mine.send(method, path, body).status_code)


def test_the_same_user_twice_at_once_is_made_once() -> None:
    idp = Idp.begin()
    body = {"schemas": [USER], "userName": "bob", "externalId": "1", "active": True}
    assert sorted(at_once(*[sender(idp, "POST", "/Users", body)] * 2)) == [201, 409]
    assert Recipient.objects.filter(ref="bob").count() == 1


def test_the_same_person_from_two_directories_at_once_is_made_once() -> None:
    calls = []
    for name in ("Entra ID", "Okta"):
        body = {"schemas": [USER], "userName": "bob", "active": True}
        calls.append(sender(Idp.begin(name), "POST", "/Users", body))
    assert sorted(at_once(*calls)) == [201, 409]
    assert Recipient.objects.filter(ref="bob").count() == 1


def test_members_that_are_added_at_once_are_all_there() -> None:
    idp = Idp.begin()
    people = [idp.user(f"u{number}") for number in range(4)]
    group = idp.group("Finance")
    calls = []
    for user in people:
        body = {"schemas": [PATCH], "Operations": [{"op": "add", "path": "members", "value": [{"value": user["id"]}]}]}
        calls.append(sender(idp, "PATCH", f"/Groups/{group['id']}", body))
    assert at_once(*calls) == [200] * 4
    assert Team.objects.get().members.count() == 4


def test_the_bound_holds_for_deactivations_at_once() -> None:
    idp = Idp.begin(max_departures=2, max_departures_percent=0)
    people = [idp.user(f"u{number}") for number in range(4)]
    body = {"schemas": [PATCH], "Operations": [{"op": "replace", "value": {"active": False}}]}
    calls = [sender(idp, "PATCH", f"/Users/{user['id']}", body) for user in people]
    assert sorted(at_once(*calls)) == [200, 200, 429, 429]
    assert Recipient.objects.filter(active=False).count() == 2


def test_two_groups_with_one_slug_at_once_are_made_once() -> None:
    idp = Idp.begin()
    calls = [sender(idp, "POST", "/Groups", {"schemas": [GROUP], "displayName": name}) for name in ("A B", "A-B")]
    assert sorted(at_once(*calls)) == [201, 409]
    assert Team.objects.count() == 1
