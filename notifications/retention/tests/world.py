"""What retention adds to the world of the desk's tests."""

from notifications.models import Case
from notifications.retention.models import LegalHold, RetentionRule
from tests.admin.world import World


def add_to(day: World) -> None:
    RetentionRule.objects.create(items_days=730, addresses_days=180, events_days=90, devices_days=365)
    LegalHold.objects.create(case=Case.objects.order_by("-pk")[0], why="Lawsuit 12 O 34/26", since=day.now)
