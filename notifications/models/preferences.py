"""People's delivery preferences: channels, quiet hours, and digests."""

from datetime import time
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q, Value
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from notifications.models.engines import Engine
from notifications.models.events import Case
from notifications.models.people import Brand, Recipient, Team
from notifications.models.routing import Category, Frequency
from wfpush.queue.outbox import Work

NO_CHOICES = Value({}, models.JSONField())
USUAL_DIGEST_TIMES = (time(8), time(16))
"""Times of digests for people who have chosen none."""
LEAST_PAUSE, MOST_PAUSE, USUAL_PAUSE = 5, 24 * 60, 60
"""Minutes."""


class Preferences(models.Model):
    """A person's settings for all categories. A person without a row has the defaults."""

    recipient = models.OneToOneField(
        Recipient, verbose_name=_("person"), on_delete=models.CASCADE, related_name="preferences", primary_key=True
    )
    quiet_on_holidays = models.BooleanField(
        _("quiet on holidays"), default=False, help_text=_("All day, by the calendar of the person or their team.")
    )
    digest_times = ArrayField(models.TimeField(), verbose_name=_("digest times"), default=list, blank=True)
    """Empty: USUAL_DIGEST_TIMES."""
    repeat_pause = models.PositiveSmallIntegerField(
        _("pause after the first (minutes)"),
        default=USUAL_PAUSE,
        validators=[MinValueValidator(LEAST_PAUSE), MaxValueValidator(MOST_PAUSE)],
    )
    most_an_hour = models.PositiveSmallIntegerField(
        _("most messages an hour and channel"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    updated_at = models.DateTimeField(_("changed at"), auto_now=True)

    class Meta:
        verbose_name = _("preferences")
        verbose_name_plural = _("preferences")

    def __str__(self) -> str:
        return str(self.recipient)


class QuietHours(models.Model):
    """A period on these days, from one wall-clock time to another; an end that is not later is on the next day."""

    recipient = models.ForeignKey(
        Recipient, verbose_name=_("person"), on_delete=models.CASCADE, related_name="quiet_hours"
    )
    days = ArrayField(models.PositiveSmallIntegerField(), verbose_name=_("days"))
    """The days on which the period begins. 0 is Monday."""
    begins = models.TimeField(_("from"))
    ends = models.TimeField(_("until"))

    class Meta:
        verbose_name = _("quiet hours")
        verbose_name_plural = _("quiet hours")
        ordering = ["recipient", "begins", "pk"]

    def __str__(self) -> str:
        return f"{self.recipient} · {self.begins:%H:%M} – {self.ends:%H:%M}"


class Choice(models.Model):
    """The wanted channels of a category: channel to true or false. Channels left out stay as without the row.

    An empty `frequency` stays as without the row.
    """

    category = models.ForeignKey(Category, verbose_name=_("category"), on_delete=models.CASCADE, related_name="+")
    channels: Any = models.JSONField(_("channels"), default=dict, db_default=NO_CHOICES, blank=True)
    frequency = models.CharField(_("how often"), max_length=10, choices=Frequency.choices, blank=True)

    class Meta:
        abstract = True


class CategoryChoice(Choice):
    """A person's own choice for a category."""

    recipient = models.ForeignKey(
        Recipient, verbose_name=_("person"), on_delete=models.CASCADE, related_name="category_choices"
    )

    class Meta:
        verbose_name = _("choice of a person")
        verbose_name_plural = _("choices of people")
        ordering = ["recipient", "category"]
        constraints = [models.UniqueConstraint(fields=["recipient", "category"], name="one_choice_a_category")]

    def __str__(self) -> str:
        return f"{self.recipient} · {self.category}"


class MutedCase(models.Model):
    """A case about which a person gets items in the inbox only, unless they are urgent or wait for the person."""

    recipient = models.ForeignKey(
        Recipient, verbose_name=_("person"), on_delete=models.CASCADE, related_name="muted_cases"
    )
    case = models.ForeignKey(Case, verbose_name=_("case"), on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(_("since"), auto_now_add=True)

    class Meta:
        verbose_name = _("muted case")
        verbose_name_plural = _("muted cases")
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["recipient", "case"], name="muted_once")]

    def __str__(self) -> str:
        return f"{self.recipient} · {self.case}"


class FollowedKind(models.Model):
    """A type of cases of an engine: the person follows each of these cases of which they have got an item."""

    recipient = models.ForeignKey(
        Recipient, verbose_name=_("person"), on_delete=models.CASCADE, related_name="followed_kinds"
    )
    engine = models.ForeignKey(
        Engine, verbose_name=_("engine"), on_delete=models.CASCADE, related_name="+", db_index=False
    )
    case_type = models.CharField(_("type of case"), max_length=100)
    created_at = models.DateTimeField(_("since"), auto_now_add=True)

    class Meta:
        verbose_name = _("followed kind of case")
        verbose_name_plural = _("followed kinds of cases")
        ordering = ["engine", "case_type"]
        constraints = [models.UniqueConstraint(fields=["engine", "case_type", "recipient"], name="kind_followed_once")]

    def __str__(self) -> str:
        return f"{self.recipient} · {self.case_type}"


class CategoryDefault(Choice):
    """An administrator's choice for the people of a team or a brand. A person's own choice goes before a team's, that
    before a brand's, and that before the category's."""

    team = models.ForeignKey(
        Team, verbose_name=_("team"), null=True, blank=True, on_delete=models.CASCADE, related_name="category_defaults"
    )
    brand = models.ForeignKey(
        Brand,
        verbose_name=_("brand"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="category_defaults",
    )

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("default of a category")
        verbose_name_plural = _("defaults of categories")
        ordering = ["team", "brand", "category"]
        constraints = [
            models.CheckConstraint(condition=Q(team=None) ^ Q(brand=None), name="default_of_a_team_or_a_brand"),
            models.UniqueConstraint(
                fields=["team", "category"], condition=Q(brand=None), name="one_default_a_team_and_category"
            ),
            models.UniqueConstraint(
                fields=["brand", "category"], condition=Q(team=None), name="one_default_a_brand_and_category"
            ),
        ]

    def __str__(self) -> str:
        return " · ".join(str(each) for each in (self.team or self.brand, self.category) if each)

    def clean(self) -> None:
        if (self.team is None) == (self.brand is None):
            raise ValidationError(_("Choose a team or a brand."))


class HeldReview(Work):
    """A request to check a person's held messages again, because others have changed relevant settings.

    Triggers insert the rows for all changes of people (time zone, brand), members of teams, defaults, and the frequency
    of a category.
    """

    recipient = models.OneToOneField(Recipient, on_delete=models.CASCADE, related_name="+", primary_key=True)

    class Meta(Work.Meta):
        default_permissions = ()
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="held_review_due")]

    def __str__(self) -> str:
        return str(self.recipient)
