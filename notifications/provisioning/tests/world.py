"""What directories add to the world of the desk's tests."""

from django.utils import timezone

from notifications.provisioning import tokens
from notifications.provisioning.models import ScimDeparture, ScimDirectory, ScimRequest, ScimUser
from tests.admin.world import World


def add_to(day: World) -> None:
    """A directory that sends Bob, and has just been refused to deactivate somebody."""
    now = timezone.now()
    directory = ScimDirectory.objects.create(name="Entra ID", held_at=now)
    tokens.issue(directory, now, overlap=None)
    document = {"userName": "bob", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Tax"}}
    times = {"created_at": now, "updated_at": now}
    ScimUser.objects.create(
        directory=directory, person=day.bob, user_name="bob", user_key="bob", document=document, **times
    )
    ScimRequest.objects.create(directory=directory, at=now, method="PATCH", path="/Users/1", status=429, detail="No.")
    ScimDeparture.objects.create(directory=directory, person=day.alice, at=now, open_tasks=2)
