"""Absences of people, with delegates."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from notifications.models.engines import Engine
from notifications.models.history import HistoryWithParts
from notifications.models.people import Recipient
from notifications.models.routing import Category


class OpenItems(models.TextChoices):
    """The handling of items that wait already when an absence begins."""

    STAY = "stay", _("stay with the person")
    OFFER = "offer", _("are offered to the delegate as well")
    REASSIGN = "reassign", _("are given to the delegate in their engine, where it can do that; else offered")


class Absence(models.Model):
    """A person's absence. The delegate gets the messages that the person would get.

    Parts (`AbsencePart`) name other delegates for some of them.
    """

    recipient = models.OneToOneField(
        Recipient, verbose_name=_("person"), on_delete=models.CASCADE, related_name="absence", primary_key=True
    )
    begins_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    delegate = models.ForeignKey(
        Recipient,
        verbose_name=_("delegate"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="stands_in_for",
        help_text=_("Empty: messages wait in the person's own inbox."),
    )
    open_items = models.CharField(
        _("waiting items"),
        max_length=10,
        choices=OpenItems,
        default=OpenItems.OFFER,
        db_default=OpenItems.STAY,
    )
    give_back = models.BooleanField(
        _("give them back afterwards"),
        default=False,
        db_default=False,
        help_text=_("Open tasks that the engine gave to the delegate."),
    )
    handed_over_at = models.DateTimeField(null=True, editable=False)
    """The time when all waiting items were handed over; null: not yet, or the absence was changed since."""
    entered_by = models.ForeignKey(Recipient, null=True, on_delete=models.SET_NULL, related_name="+", editable=False)
    """The manager or lead who entered it for the person; null: the person, or an administrator."""

    history = HistoryWithParts(parts=["parts"], excluded_fields=["handed_over_at", "entered_by"])

    class Meta:
        verbose_name = _("absence")
        verbose_name_plural = _("absences")
        ordering = ["begins_at"]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=models.F("begins_at")), name="absence_ends_after_it_begins"),
            models.CheckConstraint(
                condition=~Q(delegate=models.F("recipient")), name="nobody_stands_in_for_themselves"
            ),
        ]
        indexes = [models.Index(fields=["ends_at"])]

    def __str__(self) -> str:
        begins, ends = localtime(self.begins_at), localtime(self.ends_at)
        return f"{self.recipient} · {begins:%Y-%m-%d %H:%M} – {ends:%Y-%m-%d %H:%M}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.handed_over_at = None
        super().save(*args, **kwargs)


class AbsencePart(models.Model):
    """Another delegate for one category, one engine or one kind of case. The first part that fits counts."""

    absence = models.ForeignKey(Absence, on_delete=models.CASCADE, related_name="parts")
    category = models.ForeignKey(
        Category, verbose_name=_("category"), null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    engine = models.ForeignKey(
        Engine, verbose_name=_("engine"), null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    case_type = models.CharField(
        _("kind of case"), max_length=100, blank=True, help_text=_("As events name it in “case.type”, such as repair.")
    )
    delegate = models.ForeignKey(
        Recipient,
        verbose_name=_("delegate"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text=_("Empty: messages wait in the person's own inbox."),
    )

    class Meta:
        verbose_name = _("part of an absence")
        verbose_name_plural = _("parts of absences")
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(category__isnull=False, engine=None, case_type="")
                    | Q(category=None, engine__isnull=False, case_type="")
                    | (Q(category=None, engine=None) & ~Q(case_type=""))
                ),
                name="absence_part_names_one_thing",
            ),
            models.UniqueConstraint(
                fields=["absence", "category", "engine", "case_type"],
                name="one_part_each",
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return self.named

    @property
    def named(self) -> str:
        """The category, engine or kind of case. Reads `category` and `engine`."""
        return str(self.category or self.engine or self.case_type)
