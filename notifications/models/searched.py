"""What the search of the inbox reads of people who have very many items: notifications/items/gathered.py."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from notifications.models.people import Recipient


class SearchedPart(models.Model):
    """Some hundred items of a person, with all that is searched of each, in capital letters, in one row.

    The part with the highest `upto` says how far they are gathered, and since when: items whose `seq` is higher are
    read one by one. An item is in one part at most, with what was searched of it when it was gathered.
    """

    recipient = models.ForeignKey(Recipient, on_delete=models.CASCADE, related_name="searched_parts")
    upto = models.BigIntegerField()
    at = models.DateTimeField()
    items = ArrayField(models.UUIDField())
    texts = ArrayField(models.TextField())

    class Meta:
        verbose_name = _("part of what is searched")
        verbose_name_plural = _("parts of what is searched")

    def __str__(self) -> str:
        return f"{self.recipient_id} {self.upto}"


class SearchedAnew(models.Model):
    """Something outside of items has changed that is searched with them: the title of a case, who started a task, or
    the name of a person; or items of an inbox were deleted. Written by triggers, until the parts have it."""

    case_id = models.BigIntegerField(null=True)
    task_id = models.UUIDField(null=True)
    person_id = models.BigIntegerField(null=True)
    inbox_id = models.BigIntegerField(null=True)

    class Meta:
        verbose_name = _("change of what is searched")
        verbose_name_plural = _("changes of what is searched")

    def __str__(self) -> str:
        return f"{self.case_id or ''} {self.task_id or ''} {self.person_id or ''} {self.inbox_id or ''}".strip()
