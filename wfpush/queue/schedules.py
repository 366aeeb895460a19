"""The schedules of django-q2: those of the ground, and tasks that apps add."""

from dataclasses import dataclass

from django.db import connection, transaction
from django_q.models import Schedule

from wfpush import features

PREFIX = "wfpush "
"""All names of our schedules begin with it."""
BACKSTOP = "wfpush backstop"
PRUNE = "wfpush prune"


@dataclass(frozen=True)
class Minutely:
    """A task that an app adds: a worker runs `function`, a dotted name, once a minute, without arguments."""

    name: str
    function: str


def ensure_schedules() -> None:
    """Make or update the schedules, and delete those of apps that are no longer installed. Workers that start at once
    make each schedule once."""
    tasks = {
        BACKSTOP: "wfpush.tasks.backstop",
        **{PREFIX + each.name: each.function for each in features.added(Minutely)},
    }
    schedules = {
        name: {"func": function, "schedule_type": Schedule.MINUTES, "minutes": 1, "repeats": -1}
        for name, function in tasks.items()
    }
    schedules[PRUNE] = {"func": "wfpush.tasks.prune", "schedule_type": Schedule.DAILY, "repeats": -1}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('wfpush schedules', 0))")
        Schedule.objects.filter(name__startswith=PREFIX).exclude(name__in=schedules).delete()
        for name, schedule in schedules.items():
            Schedule.objects.update_or_create(name=name, defaults=schedule)
