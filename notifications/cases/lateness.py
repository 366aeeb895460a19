"""Late tasks: those that wait for an answer past their deadline. All numbers and lists of late tasks read it here.

A task whose clock was paused in time is not late: the answer to the question will move its deadline.
"""

from datetime import datetime

from django.db.models import Q
from django.utils.module_loading import import_string

from notifications.additions import PausedTasks
from notifications.models import ANSWERABLE
from wfpush import features


def late(now: datetime) -> Q:
    """Return the condition for late tasks, for queries of tasks."""
    condition = Q(state__in=ANSWERABLE) & (Q(sla_due_at__lt=now) | Q(sla_due_at=None, due_at__lt=now))
    for each in features.added(PausedTasks):
        condition &= ~import_string(each.condition)()
    return condition
