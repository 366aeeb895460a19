from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.test import Client

from notifications import roles
from notifications.models import Recipient
from notifications.second_factors.tests.factors import add_app
from tests.factories import RecipientFactory, UserFactory


@pytest.fixture(autouse=True)
def _no_used_codes() -> None:
    """Codes that earlier tests have used in this half minute are free again, as are the limits of addresses."""
    cache.clear()


@pytest.fixture
def bob(db: None) -> Recipient:
    person: Recipient = RecipientFactory(
        ref="bob", name="Bob", email="bob@acme.example", user=UserFactory(username="bob")
    )
    return person


@pytest.fixture
def secret(bob: Recipient) -> str:
    """Bob has an authenticator app with this secret, and recovery codes."""
    assert bob.user is not None
    return add_app(bob.user)


@pytest.fixture
def carol(db: None) -> User:
    """Carol is an operator of the desk, with an address."""
    user: User = UserFactory(username="carol", email="carol@acme.example", is_staff=True)
    user.groups.add(Group.objects.get(name=roles.OPERATORS))
    return user


@pytest.fixture
def root(db: None) -> User:
    user: User = UserFactory(username="root", email="root@acme.example", is_staff=True, is_superuser=True)
    return user


@pytest.fixture
def browser() -> Any:
    return Client(headers={"User-Agent": "Firefox of the tests"})
