"""The function that django-q2 runs by schedule for counts. The schedule in the database contains its dotted name."""

from django.utils import timezone

from notifications.insight import engagement, hourly


def count_hours() -> None:
    """Once a minute: count the numbers of the overview, and seen and answered messages."""
    hourly.run(timezone.now())
    engagement.run(timezone.now())
