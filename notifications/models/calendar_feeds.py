"""iCalendar feeds that features read."""

from typing import Any

from django.db import models

from notifications.reasons import EnglishText
from wfpush.queue.outbox import Work


class CalendarFeed(Work):
    """An iCalendar feed with the time of the last read, and the time since when reads fail."""

    read_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    fault = EnglishText()
    fault_fact: Any = models.JSONField(null=True, blank=True)

    class Meta(Work.Meta):
        abstract = True
