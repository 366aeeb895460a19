"""Numbers of each hour, counted by `hourly` and `engagement`. They identify nobody."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.timezone import localtime

from notifications.models import Category, Template


class Metric(models.TextChoices):
    """The kinds of counts, and the meaning of `HourlyCount.of` for each."""

    EVENTS = "events"
    """Incoming events, by the key of their engine."""
    TOLD = "told"
    """Answers that engines have got, by the key of the engine."""
    ANSWERS = "answers"
    """Final answers, by `team/band`: the key of a team of the person, or nothing for all answers together, and how long
    the task had waited (`BANDS` of hourly.py)."""
    MESSAGES = "messages"
    """Messages, by `channel/state`."""
    WAITING = "waiting"
    """The most tasks that waited at once."""
    LATE = "late"
    """The most tasks that were late at once."""


class CountedHour(models.Model):
    """An hour with counts. `settled`: none of them can change any more."""

    hour: Any = models.DateTimeField(primary_key=True)
    counted_at = models.DateTimeField()
    settled = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{localtime(self.hour):%Y-%m-%d %H:%M}"


class HourlyCount(models.Model):
    """A number that is not 0."""

    hour = models.ForeignKey(CountedHour, on_delete=models.CASCADE, related_name="counts", db_index=False)
    what = models.CharField(max_length=20, choices=Metric)
    of = models.CharField(max_length=80, blank=True)
    count = models.PositiveBigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["hour", "what", "of"], name="one_count_each")]

    def __str__(self) -> str:
        return f"{self.hour} {self.what} {self.of}: {self.count}"


class EngagementHour(models.Model):
    """The hour in which messages were made; later events of these messages are counted in it again."""

    hour: Any = models.DateTimeField(primary_key=True)
    counted_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{localtime(self.hour):%Y-%m-%d %H:%M}"


class EngagementCount(models.Model):
    """Counts of one category and template, or of one channel. `people` has a bit for each person, by their key modulo
    60: over several hours, it gives a minimum number of people."""

    hour = models.ForeignKey(EngagementHour, on_delete=models.CASCADE, related_name="counts")
    category = models.ForeignKey(Category, null=True, on_delete=models.CASCADE, related_name="+")
    template = models.ForeignKey(Template, null=True, on_delete=models.CASCADE, related_name="+")
    channel = models.CharField(max_length=20, blank=True)
    told = models.PositiveIntegerField(default=0)
    ignored = models.PositiveIntegerField(default=0)
    seen: Any = ArrayField(models.PositiveIntegerField(), default=list)
    """Numbers of messages by the time until they were seen: `BANDS` of hourly.py."""
    answered: Any = ArrayField(models.PositiveIntegerField(), default=list)
    people = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.hour} {self.channel or self.category}: {self.told}"
