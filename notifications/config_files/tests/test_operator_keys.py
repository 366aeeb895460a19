"""Operators' keys at the desk: made for oneself, shown once, revoked."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from notifications.config_files.models import OperatorKey
from notifications.config_files.tests.operators import ADDRESS, administrator, key_of
from notifications.roles import ADMINISTRATORS, AUDITORS, CONNECTION_OWNERS, EDITORS, OPERATORS, RULE_EDITORS
from tests.admin.conftest import member_of, signed_in
from tests.admin.pages import text_of
from tests.support.api import Caller

pytestmark = pytest.mark.django_db

LIST = "admin:config_files_operatorkey_changelist"
ADD = "admin:config_files_operatorkey_add"


def fields(days: float = 90, **more: str) -> dict[str, str]:
    end = timezone.localtime(timezone.now() + timedelta(days=days))
    return {"name": "CI", "expires_at_0": f"{end:%Y-%m-%d}", "expires_at_1": f"{end:%H:%M:%S}", **more}


def test_an_administrator_makes_a_key_that_is_shown_once() -> None:
    user = member_of(ADMINISTRATORS)
    desk = signed_in(user)
    page = desk.post(reverse(ADD), fields())
    key = OperatorKey.objects.get()
    plain = page.context["plain"]

    assert plain.startswith(f"wfo_{key.prefix}_")
    assert plain in page.content.decode()
    assert (key.user, key.name) == (user, "CI")
    assert plain not in str(OperatorKey.objects.values().get())
    assert Caller(plain).get(ADDRESS).status_code == 200
    address = reverse("admin:config_files_operatorkey_change", args=[key.pk])
    for page in (desk.get(reverse(LIST)), desk.get(address)):
        assert f"wfo_{key.prefix}…" in text_of(page)
        assert plain not in page.content.decode()
    assert LogEntry.objects.filter(object_id=str(key.pk), user=user).exists()


def test_a_key_is_made_for_oneself_only() -> None:
    """Otherwise, an administrator could make one for a superuser."""
    user, root = member_of(ADMINISTRATORS), User.objects.create_superuser("root")
    signed_in(user).post(reverse(ADD), fields(user=str(root.pk)))

    assert OperatorKey.objects.get().user == user


@pytest.mark.parametrize("days", [-1, 400])
def test_a_key_ends_within_a_year(days: float) -> None:
    page = signed_in(member_of(ADMINISTRATORS)).post(reverse(ADD), fields(days))
    assert "Choose a time within the next year." in text_of(page)
    assert not OperatorKey.objects.exists()


def test_a_key_without_an_end_is_not_made() -> None:
    signed_in(member_of(ADMINISTRATORS)).post(reverse(ADD), {"name": "CI"})
    assert not OperatorKey.objects.exists()


def test_only_administrators_make_and_revoke_keys() -> None:
    administrator()
    key = OperatorKey.objects.get()
    for role in (AUDITORS, CONNECTION_OWNERS, EDITORS, OPERATORS, RULE_EDITORS):
        desk = signed_in(member_of(role))
        assert desk.post(reverse(ADD), fields()).status_code == 403
        desk.post(reverse("admin:config_files_operatorkey_revoke", args=[key.pk]))
        desk.post(reverse(LIST), {"action": "revoke_chosen", "_selected_action": key.pk})
        key.refresh_from_db()
        assert key.revoked_at is None
        assert desk.get(reverse(LIST)).status_code == (200 if role == AUDITORS else 403)


def test_a_key_is_revoked(root: Client) -> None:
    _user, ci = administrator()
    key = OperatorKey.objects.get()
    address = reverse("admin:config_files_operatorkey_revoke", args=[key.pk])
    assert "refused from now on" in text_of(root.get(address))
    assert ci.get(ADDRESS).status_code == 200

    root.post(address)
    assert ci.get(ADDRESS).status_code == 401
    assert "It is already revoked." in text_of(root.post(address, follow=True))


def test_chosen_keys_are_revoked(root: Client) -> None:
    user, ci = administrator()
    other = Caller(key_of(user))
    keys = list(OperatorKey.objects.values_list("pk", flat=True))
    page = root.post(reverse(LIST), {"action": "revoke_chosen", "_selected_action": keys}, follow=True)

    assert "Keys revoked: 2." in text_of(page)
    assert {each.get(ADDRESS).status_code for each in (ci, other)} == {401}
    assert LogEntry.objects.filter(change_message="Revoked").count() == 2


def test_a_new_password_ends_the_keys_of_its_account(root: Client) -> None:
    user, ci = administrator()
    passwords = {"password1": "correct horse battery", "password2": "correct horse battery", "usable_password": "true"}
    root.post(reverse("admin:auth_user_password_change", args=[user.pk]), passwords)

    user.refresh_from_db()
    assert user.check_password("correct horse battery")
    assert ci.get(ADDRESS).status_code == 401
