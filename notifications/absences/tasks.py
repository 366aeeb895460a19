"""The function that django-q2 runs by schedule for absences. The schedule in the database contains its dotted name."""

import structlog
from django.utils import timezone

from notifications.absences import hand_over

log = structlog.get_logger(__name__)


def hand_over_absences() -> None:
    """Once a minute: hand over waiting items of people who have gone away, and take them back when they are back."""
    tasks = hand_over.run(timezone.now())
    if tasks:
        log.info("absences_handed_over", tasks=tasks)
