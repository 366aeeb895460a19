"""Legal holds: while one is in force nothing of its case is pruned or erased."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from notifications.models import Erasure, ErasureState, LegalHold
from wfpush.queue import outbox

SOURCE_NAME = "erasures"
"""Of due work: what waits for a hold goes on when it is lifted."""


def in_force(paths: str) -> Q:
    """Return a condition: the row's case is held. `paths` lead to the case; if empty, the rows are cases."""
    ways = [f"{path}_id" for path in paths.split()] or ["pk"]
    condition = Q()
    for way in ways:
        condition |= Q(Exists(LegalHold.objects.filter(case=OuterRef(way), lifted_at=None)))
    return condition


@transaction.atomic
def lift(hold: LegalHold, by: Any, now: datetime) -> bool:
    """What had to wait for it goes on. False when it was lifted before."""
    lifted = LegalHold.objects.filter(pk=hold.pk, lifted_at=None).update(lifted_at=now, lifted_by=by)
    if lifted:
        waiting = Erasure.objects.filter(state=ErasureState.HELD)
        outbox.make_due(waiting, now, state=ErasureState.RUNNING, step="", cursor="")
        outbox.wake_on_commit(SOURCE_NAME)
    return bool(lifted)
