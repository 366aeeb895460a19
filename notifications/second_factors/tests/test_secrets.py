"""Secrets of factors at rest: moved to a new key, and named when no key opens them. And the page of too many tries."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import call_command
from django.test import Client

from notifications.models import Recipient
from notifications.second_factors.tests.factors import code, give_code, give_password, is_signed_in, recovery_codes
from wfpush.security import lost_secrets

pytestmark = pytest.mark.django_db

OLD, NEW = "an older key of the tests", "a newer key of the tests"


@pytest.fixture
def keys(settings: Any) -> Any:
    settings.ENCRYPTION_KEYS = [OLD]
    return settings


def test_they_move_to_a_new_key(keys: Any, bob: Recipient, secret: str, browser: Client) -> None:
    before = {each.pk: each.data for each in Authenticator.objects.all()}
    codes = recovery_codes(bob.user)
    keys.ENCRYPTION_KEYS = [NEW, OLD]
    call_command("reencrypt", verbosity=0)
    keys.ENCRYPTION_KEYS = [NEW]
    assert all(before[each.pk] != each.data for each in Authenticator.objects.all())
    assert recovery_codes(bob.user) == codes
    give_password(browser, "bob")
    give_code(browser, code(secret))
    assert is_signed_in(browser)


def test_those_that_no_key_opens_are_named_and_let_nobody_in(
    keys: Any, bob: Recipient, secret: str, browser: Client
) -> None:
    assert list(lost_secrets.faults()) == []
    keys.ENCRYPTION_KEYS = [NEW]
    (sentence,) = [each for each in lost_secrets.faults() if "authenticator" in each]
    assert sentence.startswith("2 of the authenticators")
    give_password(browser, "bob")
    response = give_code(browser, code(secret))
    assert response.status_code == 422 and "cannot be checked at the moment" in response.content.decode()
    assert not is_signed_in(browser)


def test_a_network_with_too_many_passkey_sign_ins_reads_a_page(browser: Client, db: None) -> None:
    statuses = [browser.post("/sign-in/passkey", {"credential": "{}"}).status_code for _ in range(61)]
    assert statuses[-2:] == [302, 429]
    response = browser.post("/sign-in/passkey", {"credential": "{}"})
    assert "Too many sign-ins come from your network" in response.content.decode()
