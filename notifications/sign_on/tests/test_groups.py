"""Teams and desk roles by groups: by the table only, never without the claim, and shown before."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from notifications.models import Recipient, Team
from notifications.sign_on.admin import previews
from notifications.sign_on.models import IdentityProvider, SignInRecord
from notifications.sign_on.tests.signing_on import sign_in
from tests.factories import TeamFactory
from tests.support.identity_provider import IdentityProviderServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def finance(provider: IdentityProvider) -> Team:
    team: Team = TeamFactory(slug="finance", name="Finance")
    provider.mappings.create(group="g-finance", team=team)
    provider.mappings.create(group="g-money", team=team)
    return team


@pytest.fixture
def operators(provider: IdentityProvider) -> Group:
    group = Group.objects.get(name="Operators")
    provider.mappings.create(group="g-ops", role=group)
    return group


def test_groups_give_and_take_teams_and_roles(
    server: IdentityProviderServer, bob: Recipient, finance: Team, operators: Group
) -> None:
    other = TeamFactory(slug="other", members=[bob])
    server.person = {**server.person, "groups": ["g-money", "g-ops", "g-unknown"]}
    sign_in(Client(), server)
    bob.user.refresh_from_db()
    assert set(bob.teams.all()) == {finance, other}
    assert list(bob.user.groups.all()) == [operators] and bob.user.is_staff
    assert SignInRecord.objects.get(outcome="changed").detail == "+Finance +Operators"
    server.person = {**server.person, "groups": []}
    sign_in(Client(), server)
    bob.user.refresh_from_db()
    assert set(bob.teams.all()) == {other}
    assert not bob.user.groups.exists() and not bob.user.is_staff


def test_without_the_claim_nothing_changes(server: IdentityProviderServer, bob: Recipient, finance: Team) -> None:
    finance.members.add(bob)
    sign_in(Client(), server)
    assert list(bob.teams.all()) == [finance]


def test_the_preview_shows_what_a_new_table_would_change(
    server: IdentityProviderServer, provider: IdentityProvider, bob: Recipient
) -> None:
    server.person = {**server.person, "groups": ["g-finance"]}
    sign_in(Client(), server)
    team = TeamFactory(slug="finance", name="Finance")
    provider.mappings.create(group="g-finance", team=team)
    [row] = previews(provider)
    assert (row["person"], row["groups"], str(row["changes"])) == (bob, ["g-finance"], "+Finance")
    assert not bob.teams.exists()
