"""Retention rules, legal holds on cases, and erasures of people."""

from typing import Any

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from notifications.models import Case, Category, Recipient
from wfpush.crypto import EncryptedTextField
from wfpush.identifiers import uuid7
from wfpush.queue.outbox import Work

LEAST_DAYS = 31
"""Minimum number of days: a month that charts can count (notifications/insight)."""


def _days(label: Any, help_text: Any) -> Any:
    return models.PositiveIntegerField(
        label, null=True, blank=True, validators=[MinValueValidator(LEAST_DAYS)], help_text=help_text
    )


class RetentionRule(models.Model):
    """Numbers of days after which data are deleted; empty: never. Without a rule nothing is deleted.

    A category's rule counts instead of the rule for all others. Events without items and devices have no category.
    """

    category = models.ForeignKey(
        Category,
        verbose_name=_("category"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,
        help_text=_("Empty: all categories without a rule of their own."),
    )
    items_days = _days(
        _("delete tasks and items after … days"),
        _("Since they ended, with their answers, messages, files and events. Empty: never. At least 31."),
    )
    addresses_days = _days(
        _("delete addresses of messages after … days"),
        _("E-mail addresses and phone numbers to which messages went. Empty: never. At least 31."),
    )
    events_days = _days(
        _("delete events without items after … days"), _("They notified nobody. Empty: never. At least 31.")
    )
    devices_days = _days(_("delete unused devices after … days"), _("Browsers and apps. Empty: never. At least 31."))

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("retention rule")
        verbose_name_plural = _("retention rules")
        ordering = [models.F("category__name").asc(nulls_first=True)]
        constraints = [
            models.UniqueConstraint(fields=["category"], name="one_rule_for_all_others", nulls_distinct=False),
            models.CheckConstraint(
                condition=Q(category=None) | Q(events_days=None, devices_days=None), name="of_no_category"
            ),
        ]

    def __str__(self) -> str:
        return str(self.category) if self.category is not None else str(_("all other categories"))


class LegalHold(models.Model):
    """A legal hold. While it is in force, nothing of its case is pruned or erased."""

    case = models.ForeignKey(Case, verbose_name=_("case"), on_delete=models.PROTECT, related_name="holds")
    why = models.CharField(_("why"), max_length=500)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("by"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    since = models.DateTimeField(_("since"))
    lifted_at = models.DateTimeField(_("lifted at"), null=True, blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("lifted by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    class Meta:
        verbose_name = _("legal hold")
        verbose_name_plural = _("legal holds")
        ordering = ["-since"]
        indexes = [models.Index(fields=["case"], condition=Q(lifted_at=None), name="hold_in_force")]

    def __str__(self) -> str:
        return f"{self.case}: {self.why}"


class Pruning(Work):
    """The progress of the pruning: one row, which is its own outbox entry. Each day it goes through all steps once.

    `step` and `cursor`: the current step, and the last key that it has processed.
    """

    step = models.CharField(max_length=60, blank=True, default="")
    cursor = models.CharField(max_length=40, blank=True, default="")
    removed: Any = models.JSONField(default=dict)
    began_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta(Work.Meta):
        verbose_name = _("pruning")
        verbose_name_plural = _("prunings")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.step} {self.cursor}"


class Person(Recipient):
    """A person as the subject of the permissions to export and to erase their data."""

    class Meta:
        proxy = True
        default_permissions = ("export", "erase")
        verbose_name = _("person")
        verbose_name_plural = _("people")


class ErasureState(models.TextChoices):
    RUNNING = "running", _("under way")
    HELD = "held", _("the rest waits for legal holds to be lifted")
    DONE = "done", _("done")


class Erasure(Work):
    """The erasure of one person. The row is its own outbox entry, due while steps are left.

    `terms`: the words by which the person is found, encrypted, until the erasure is done. `left`: rows that somebody
    was working on, or that must still be sent to an engine; they are processed later. `held`: rows of held cases.
    """

    id: Any = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    person = models.OneToOneField(Recipient, verbose_name=_("person"), on_delete=models.PROTECT, related_name="erasure")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("by"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    ordered_at = models.DateTimeField(_("ordered at"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=ErasureState.choices, default=ErasureState.RUNNING)
    terms = EncryptedTextField(blank=True, editable=False)
    step = models.CharField(max_length=60, blank=True, default="", editable=False)
    cursor = models.CharField(max_length=40, blank=True, default="", editable=False)
    changed = models.PositiveIntegerField(_("rows changed"), default=0)
    left = models.PositiveIntegerField(_("rows to look at again"), default=0)
    held = models.PositiveIntegerField(_("rows of held cases"), default=0)

    class Meta(Work.Meta):
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")
        ordering = ["-id"]
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="erasure_due")]

    def __str__(self) -> str:
        return str(self.person)
