"""The ways of cases with their milestones, in words for customers; and e-mails that people turned off by a link."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from notifications.models import Category, Engine, EventType, Recipient
from notifications.models.history import HistoryWithParts


class Journey(models.Model):
    """The way of cases of one kind. If several fit a case, the most specific one counts."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    engine = models.ForeignKey(
        Engine,
        verbose_name=_("engine"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text=_("Empty: every engine."),
    )
    case_type = models.CharField(
        _("kind of case"),
        max_length=100,
        blank=True,
        help_text=_("As events name it in “case.type”, such as repair. Empty: every kind."),
    )
    event_type = models.ForeignKey(
        EventType,
        verbose_name=_("event type"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text=_("The type of the events that report the status of these cases. Empty: every type."),
    )

    history = HistoryWithParts(parts=["milestones"])

    class Meta:
        verbose_name = _("journey of a case")
        verbose_name_plural = _("journeys of cases")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["engine", "case_type", "event_type"], name="one_journey_a_kind", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return self.name


class Milestone(models.Model):
    """A step of the way. Milestones with the same position are alternatives, such as approved and rejected."""

    journey = models.ForeignKey(
        Journey, verbose_name=_("journey of a case"), on_delete=models.CASCADE, related_name="milestones"
    )
    position = models.PositiveSmallIntegerField(
        _("position"), default=1, help_text=_("Those with the same position are alternatives.")
    )
    statuses = ArrayField(
        models.CharField(max_length=100),
        verbose_name=_("statuses"),
        help_text=_("As events name them in “case.status”, separated by commas."),
    )
    labels: Any = models.JSONField(_("what customers read"), default=dict)
    """Language to label, such as {"en": "Received", "de": "Eingegangen"}."""
    ahead: Any = models.JSONField(_("before it is reached"), default=dict, blank=True)
    """Language to label of a step that has not been reached; empty: `labels`."""
    notes: Any = models.JSONField(_("sentence while the case is there"), default=dict, blank=True)
    ends = models.BooleanField(_("the journey ends here"), default=False)

    class Meta:
        verbose_name = _("milestone")
        verbose_name_plural = _("milestones")
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return ", ".join(self.statuses)


class Unsubscription(models.Model):
    """A category's channel that a person turned off from a message, and may have turned on again."""

    recipient = models.ForeignKey(
        Recipient, verbose_name=_("person"), on_delete=models.CASCADE, related_name="unsubscriptions"
    )
    category = models.ForeignKey(Category, verbose_name=_("category"), on_delete=models.CASCADE, related_name="+")
    channel = models.CharField(_("channel"), max_length=20)
    at = models.DateTimeField(_("turned off at"))
    undone_at = models.DateTimeField(_("turned on again at"), null=True, blank=True)

    class Meta:
        verbose_name = _("unsubscription")
        verbose_name_plural = _("unsubscriptions")
        ordering = ["-at"]
        constraints = [
            models.UniqueConstraint(
                fields=["recipient", "category", "channel"], condition=Q(undone_at=None), name="one_unsubscription"
            )
        ]

    def __str__(self) -> str:
        return f"{self.recipient} · {self.category} · {self.channel}"
