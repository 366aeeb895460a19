"""Puts a person into the tables of directories, for the test of erasure (notifications/retention/tests/planting.py)."""

from django.utils import timezone

from notifications.models import Recipient
from notifications.provisioning.models import ScimDeparture, ScimDirectory, ScimGroup, ScimRequest, ScimUser
from notifications.provisioning.resources import key_of
from tests.support.world import World


def plant(world: World, person: Recipient) -> None:
    """A directory that is named after them sends them, and a group with their name; they left once."""
    now, bob = timezone.now(), Recipient.objects.get(ref="bob")
    directory = ScimDirectory.objects.create(name=f"Okta of {person.name}")
    times = {"directory": directory, "created_at": now, "updated_at": now}
    document = {"userName": person.ref, "displayName": person.name, "emails": [{"value": person.email}]}
    ScimUser.objects.create(
        person=person, user_name=person.ref, user_key=key_of(person.ref), external_id=person.ref, document=document,
        manager_value=person.email, **times,
    )  # fmt: skip
    ScimUser.objects.create(person=bob, user_name="bob", user_key="bob", document={"userName": "bob"}, **times)
    name = f"Friends of {person.name}"
    team = bob.teams.all()[0]
    ScimGroup.objects.create(team=team, display_name=name, display_key=key_of(name), **times)
    detail = f"“{person.ref}” has the e-mail address {person.email}."
    ScimRequest.objects.create(directory=directory, at=now, method="POST", path="/Users", status=409, detail=detail)
    ScimRequest.objects.create(directory=directory, at=now, method="POST", path="/Users", status=201)
    ScimDeparture.objects.create(directory=directory, person=person, at=now, to=bob)
    ScimDeparture.objects.create(directory=directory, person=bob, at=now, to=person)
