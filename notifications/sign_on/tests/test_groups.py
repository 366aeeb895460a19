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


def test_without_the_claim_people_are_in_no_group(
    server: IdentityProviderServer, bob: Recipient, finance: Team, operators: Group
) -> None:
    """Entra ID, Okta and Keycloak leave it out for people in none: otherwise the last group would never end."""
    server.person = {**server.person, "groups": ["g-finance", "g-ops"]}
    sign_in(Client(), server)
    del server.person["groups"]
    sign_in(Client(), server)
    bob.user.refresh_from_db()
    assert not bob.teams.exists() and not bob.user.is_staff


def test_too_many_groups_change_nothing(server: IdentityProviderServer, bob: Recipient, finance: Team) -> None:
    """Entra ID then names only where they can be asked for."""
    finance.members.add(bob)
    server.person = {**server.person, "_claim_names": {"groups": "src1"}}
    sign_in(Client(), server)
    assert list(bob.teams.all()) == [finance]


def test_becoming_staff_ends_sessions_from_before(
    server: IdentityProviderServer, bob: Recipient, operators: Group
) -> None:
    """A link may have begun them, and links do not open the desk."""
    earlier = Client()
    sign_in(earlier, server)
    assert earlier.get("/settings").status_code == 200
    server.person = {**server.person, "groups": ["g-ops"]}
    now = Client()
    sign_in(now, server)
    assert now.get("/admin/").status_code == 200
    assert earlier.get("/admin/").status_code == 302
    assert earlier.get("/settings").status_code == 302


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
