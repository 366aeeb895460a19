"""Makes a row in each table of this feature, for the test of erasure (notifications/retention/tests/planting.py)."""

from django.utils import timezone

from notifications.config_files.models import ConfigApply, OperatorKey, OwnedThing
from notifications.models import Recipient
from tests.support.world import World


def plant(world: World, person: Recipient) -> None:
    rule = ["rules", f"Leave of {person.name}", {"targets": [{"kind": "person", "person": person.ref}]}]
    ConfigApply.objects.create(
        at=timezone.now(),
        by_name=person.name,
        source="config",
        sentences=[f"Person: – → {person.name}"],
        before=[rule],
        after=[rule],
        owned=[[*rule[:2], None]],
    )
    OwnedThing.objects.create(kind="rules", name=rule[1], file="rules.yaml")
    OperatorKey.objects.create(
        user=person.user, name=f"CI of {person.name}", prefix="abcdefgh", digest="0" * 64, expires_at=timezone.now()
    )
