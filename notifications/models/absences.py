"""What belongs to absences: delegates for a part of what comes, and what was handed over."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from notifications.models.delivery import Notification
from notifications.models.engines import Engine
from notifications.models.events import Task
from notifications.models.people import Absence, Recipient
from notifications.models.responses import Callback
from notifications.models.routing import Category


class AbsencePart(models.Model):
    """Another delegate for what is of one category, one engine or one kind of case. The first part that fits counts."""

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
        """What it is about. Reads `category` and `engine`."""
        return str(self.category or self.engine or self.case_type)


class HandedOver(models.Model):
    """One task that somebody who went away had, and that was handed over: by a copy that is offered (`item`), or by
    asking the engine to give it away (`callback`). The row is removed when they are back."""

    person = models.ForeignKey(Recipient, on_delete=models.CASCADE, related_name="handed_over")
    to = models.ForeignKey(Recipient, on_delete=models.CASCADE, related_name="+")
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="+")
    item = models.ForeignKey(Notification, null=True, on_delete=models.CASCADE, related_name="+")
    callback = models.ForeignKey(Callback, null=True, on_delete=models.SET_NULL, related_name="+")
    give_back = models.BooleanField(default=False)
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["person", "task"], name="one_hand_over_a_task")]

    def __str__(self) -> str:
        return f"{self.task}: {self.person} → {self.to}"
