"""The function that django-q2 runs by schedule for duty. The schedule in the database contains its dotted name."""

import structlog
from django.utils import timezone

from notifications.rotas import notices

log = structlog.get_logger(__name__)


def hand_over_duty() -> None:
    """Once a minute: notify the people whose duty began since the last check."""
    people = notices.tell_of_hand_overs(timezone.now())
    if people:
        log.info("duty_handed_over", people=people)
