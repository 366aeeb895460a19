"""Four-eyes rules, by which people may not decide certain tasks, and the answers that were refused by them."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from notifications.models.engines import Engine
from notifications.models.events import Task
from notifications.models.history import HistoryWithParts
from notifications.models.people import Recipient
from notifications.models.responses import via_choices
from notifications.models.routing import Condition
from notifications.reasons import EnglishText
from wfpush.identifiers import uuid7


class FourEyesRule(models.Model):
    """An enabled rule applies to the final answers of each task that its engine and conditions fit."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    enabled = models.BooleanField(_("enabled"), default=True)
    engine = models.ForeignKey(
        Engine,
        verbose_name=_("engine"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="four_eyes_rules",
        help_text=_("Empty: every engine."),
    )
    not_initiator = models.BooleanField(
        _("not whoever started it"), default=True, help_text=_("The task's initiator, as its events name them.")
    )
    not_previous = models.BooleanField(
        _("not whoever decided the step before"),
        default=False,
        help_text=_("Whoever gave the final answer to the case's task before this one."),
    )

    history = HistoryWithParts(parts=["conditions"])

    class Meta:
        verbose_name = _("four-eyes rule")
        verbose_name_plural = _("four-eyes rules")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class FourEyesCondition(Condition):
    """All conditions of a rule must hold for the task."""

    rule = models.ForeignKey(
        FourEyesRule, verbose_name=_("four-eyes rule"), on_delete=models.CASCADE, related_name="conditions"
    )


class RefusedAnswer(models.Model):
    """An answer that a four-eyes rule refused: it was not recorded, and no engine was called."""

    id: Any = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    task = models.ForeignKey(Task, verbose_name=_("task"), on_delete=models.CASCADE, related_name="refused_answers")
    recipient = models.ForeignKey(
        Recipient, verbose_name=_("person"), on_delete=models.CASCADE, related_name="refused_answers"
    )
    action = models.CharField(_("action"), max_length=60)
    comment = models.TextField(_("comment"), blank=True)
    via = models.CharField(_("via"), max_length=20, choices=via_choices)
    rule = models.CharField(_("rule"), max_length=120)
    why = EnglishText()
    why_fact: Any = models.JSONField(null=True, editable=False)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("refused answer")
        verbose_name_plural = _("refused answers")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.recipient}: {self.action}"
