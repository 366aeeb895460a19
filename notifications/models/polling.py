"""Engines that cannot send events, and whose tasks are polled."""

from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications.models.engines import Engine
from notifications.reasons import EnglishText
from wfpush.queue.outbox import Work


class Poll(Work):
    """The polling of one engine. The row is its own outbox entry; `cursor` says how far it has come."""

    engine = models.OneToOneField(
        Engine, verbose_name=_("engine"), on_delete=models.CASCADE, related_name="poll", primary_key=True
    )
    enabled = models.BooleanField(_("ask for tasks"), default=True)
    every = models.PositiveIntegerField(
        _("for new ones every … seconds"), default=15, validators=[MinValueValidator(5), MaxValueValidator(86_400)]
    )
    sweep_every = models.PositiveIntegerField(
        _("for all of them every … minutes"),
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(10_080)],
        help_text=_("Finds what has changed or ended meanwhile."),
    )
    cursor: Any = models.JSONField(default=dict, editable=False)
    asked_at = models.DateTimeField(_("asked last"), null=True, blank=True, editable=False)
    swept_at = models.DateTimeField(_("asked for all last"), null=True, blank=True, editable=False)
    error = EnglishText()
    error_fact: Any = models.JSONField(null=True, blank=True, editable=False)

    class Meta(Work.Meta):
        verbose_name = _("asking for tasks")
        verbose_name_plural = _("asking for tasks")
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="poll_due")]

    def __str__(self) -> str:
        return str(self.engine)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Make it due at once if it was not enabled before."""
        if self.enabled and self.due_at is None:
            self.make_due(timezone.now())
        super().save(*args, **kwargs)


class PolledTask(models.Model):
    """A task as the engine listed it last, by its digest; `sweep`: the last sweep that listed it."""

    id: Any = models.BigAutoField(primary_key=True)
    engine = models.ForeignKey(Engine, on_delete=models.CASCADE, related_name="+", db_index=False)
    task_id = models.CharField(max_length=200)
    digest = models.CharField(max_length=32)
    sweep = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("task as it was listed")
        verbose_name_plural = _("tasks as they were listed")
        constraints = [models.UniqueConstraint(fields=["engine", "task_id"], name="each_polled_once")]

    def __str__(self) -> str:
        return self.task_id
