"""What the tests of the desk's pages see of configuration files."""

from datetime import timedelta

from notifications.config_files import operator_keys
from notifications.config_files.models import ConfigApply, OwnedThing
from tests.admin.world import World


def add_to(world: World) -> None:
    ConfigApply.objects.create(
        at=world.now,
        by_name="ops@desk",
        source="config",
        sentences=["Rule “Travel” is new:"],
        after=[["rules", "Travel", {"category": "approvals", "template": "task"}]],
    )
    OwnedThing.objects.create(kind="rules", name="Travel", file="rules/travel.yaml")
    operator_keys.issue(world.carol.user, name="CI", expires_at=world.now + timedelta(days=90))
