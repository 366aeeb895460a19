"""What people decide about when they answer a task, one row for each revision."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from notifications.models.events import Task


class TaskContent(models.Model):
    """One revision of what a task asks people to decide. It is inserted once; only erasure changes it.

    `revision` is the digest of `content` as it was inserted (notifications/revisions/content.py). `event` is the id and
    source of the CloudEvent that it came from, which may have been pruned since.
    """

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="contents", db_index=False)
    revision = models.CharField(_("revision"), max_length=43)
    content: Any = models.JSONField(_("content"))
    event: Any = models.JSONField(_("event"))
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("content of a task")
        verbose_name_plural = _("contents of tasks")
        constraints = [models.UniqueConstraint(fields=["task", "revision"], name="one_content_a_revision")]

    def __str__(self) -> str:
        return f"{self.task} {self.revision[:8]}"
