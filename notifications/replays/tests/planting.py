"""Makes a row in each table of replays, for the test of erasure (notifications/retention/tests/planting.py)."""

from django.utils import timezone

from notifications.models import Recipient
from notifications.replays.models import Replay, ReplayedRow
from tests.support.world import World


def plant(world: World, person: Recipient) -> None:
    now = timezone.now()
    replay = Replay.objects.create(kind="events", as_of=now, ordered_at=now, ended_at=now, state="done")
    ReplayedRow.objects.create(replay=replay, row=replay.pk)
