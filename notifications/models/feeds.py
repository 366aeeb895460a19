"""What all calendar feeds that are read have."""

from typing import Any

from django.db import models

from notifications.reasons import EnglishText
from wfpush.queue.outbox import Work


class CalendarFeed(Work):
    """An iCalendar feed as it was last read, and since when it cannot be read."""

    read_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    fault = EnglishText()
    fault_fact: Any = models.JSONField(null=True, blank=True)

    class Meta(Work.Meta):
        abstract = True
