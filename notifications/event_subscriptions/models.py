"""Subscriptions of other systems to what happens to messages and tasks, and the events that they get."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from notifications.models import Engine
from notifications.models.engines import RotatedSecret
from notifications.reasons import EnglishText
from wfpush.queue.outbox import Work


class OutgoingKind(models.TextChoices):
    """The kinds of events, by their CloudEvents types (docs/api/subscriptions.md)."""

    DELIVERED = "message.delivered", _("message delivered")
    READ = "message.read", _("message read")
    UNDELIVERABLE = "message.undeliverable", _("message undeliverable")
    ANSWERED = "task.answered", _("task answered")
    ESCALATED = "task.escalated", _("task escalated")
    UNREACHABLE = "task.unreachable", _("task or SLA step that reaches nobody")


class SigningScheme(models.TextChoices):
    V1 = "v1", _("by a shared secret (v1, HMAC-SHA256)")
    V1A = "v1a", _("by a private key (v1a, Ed25519)")


class EventSubscription(models.Model):
    """A receiver of events. While it is not `active`, nothing is recorded for it, and what waits is not sent."""

    name = models.CharField(_("name"), max_length=120)
    active = models.BooleanField(
        _("active"), default=True, help_text=_("While this is off, nothing is recorded or sent.")
    )
    address = models.URLField(_("address"), max_length=500)
    engine = models.ForeignKey(
        Engine, verbose_name=_("engine"), null=True, blank=True, on_delete=models.CASCADE, related_name="+",
        help_text=_("Empty: every engine."),
    )  # fmt: skip
    kinds = ArrayField(models.CharField(max_length=30, choices=OutgoingKind.choices), verbose_name=_("events"))
    signing = models.CharField(
        _("signing"), max_length=3, choices=SigningScheme.choices, default=SigningScheme.V1,
        help_text=_("With a private key, the receiver holds the public key only."),
    )  # fmt: skip
    gone_at = models.DateTimeField(_("address gone since"), null=True, blank=True, editable=False)
    """When the receiver answered 410, which switched the subscription off."""

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("event subscription")
        verbose_name_plural = _("event subscriptions")
        ordering = ["name"]
        # Of an expression, which no foreign key can refer to: so a new name does not keep triggers from the row.
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="one_subscription_a_name",
                violation_error_message=_("Another subscription has this name."),
            )
        ]

    def __str__(self) -> str:
        return self.name


class SubscriptionSecret(RotatedSecret):
    """A secret or private key that signs the events of a subscription. While two are active, both sign."""

    subscription = models.ForeignKey(
        EventSubscription,
        verbose_name=_("event subscription"),
        on_delete=models.CASCADE,
        related_name="signing_secrets",
    )

    class Meta(RotatedSecret.Meta):
        verbose_name = _("secret of a subscription")
        verbose_name_plural = _("secrets of subscriptions")


class OutgoingState(models.TextChoices):
    WAITING = "waiting", _("waiting for the receiver")
    DELIVERED = "delivered", _("the receiver has it")
    FAILED = "failed", _("given up")


class OutgoingEvent(Work):
    """One event for one subscription; triggers insert it (triggers.py). `id` is the webhook-id.

    The row says only what happened to which row of the core (`subject_key`): the body is written when it is sent, so it
    has no data of people that were erased meanwhile. `circumstances` may change later, so they are stored.
    """

    id: Any = models.UUIDField(primary_key=True, editable=False)
    subscription = models.ForeignKey(
        EventSubscription,
        verbose_name=_("event subscription"),
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="events",
        db_index=False,
    )
    """The database's own constraint deletes events with their subscription: there may be a million."""
    kind = models.CharField(_("event"), max_length=30, choices=OutgoingKind.choices)
    subject_key: Any = models.UUIDField(editable=False)
    circumstances: Any = models.JSONField(default=dict, editable=False)
    occurred_at = models.DateTimeField(_("occurred at"))
    state = models.CharField(_("state"), max_length=10, choices=OutgoingState.choices, default=OutgoingState.WAITING)
    last_status = models.PositiveIntegerField(_("last status"), null=True, blank=True)
    detail = EnglishText()
    detail_fact: Any = models.JSONField(null=True, blank=True, editable=False)
    first_attempt_at = models.DateTimeField(_("first attempt at"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)

    class Meta(Work.Meta):
        verbose_name = _("outgoing event")
        verbose_name_plural = _("outgoing events")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["subscription", "due_at"], condition=Q(due_at__isnull=False), name="outgoing_due"),
            models.Index(fields=["subscription", "state", "-id"], name="outgoing_of_subscription"),
            models.Index(fields=["-id"], condition=Q(state="failed"), name="outgoing_failed"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} → {self.subscription}"
