"""Numbers of each hour, of how messages are seen and answered: notifications/engagement.py. They name nobody."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models

from notifications.models.routing import Category
from notifications.models.templates import Template


class EngagementHour(models.Model):
    """The hour in which messages were made; what becomes of them later is counted again."""

    hour: Any = models.DateTimeField(primary_key=True)
    counted_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H:00}"


class EngagementCount(models.Model):
    """Of one category and template, or of one channel. `people` has a bit for each person, by their key modulo 60:
    together with other hours it says of how many people there are at least."""

    hour = models.ForeignKey(EngagementHour, on_delete=models.CASCADE, related_name="counts")
    category = models.ForeignKey(Category, null=True, on_delete=models.CASCADE, related_name="+")
    template = models.ForeignKey(Template, null=True, on_delete=models.CASCADE, related_name="+")
    channel = models.CharField(max_length=20, blank=True)
    told = models.PositiveIntegerField(default=0)
    ignored = models.PositiveIntegerField(default=0)
    seen: Any = ArrayField(models.PositiveIntegerField(), default=list)
    """By how long it took: notifications/hourly.py, `BANDS`."""
    answered: Any = ArrayField(models.PositiveIntegerField(), default=list)
    people = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.hour} {self.channel or self.category}: {self.told}"
