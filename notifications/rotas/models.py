"""Rotas: the people on duty for a team, by turns, overrides, swaps and calendars that are read."""

from datetime import time
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from notifications.models.calendar_feeds import CalendarFeed
from notifications.models.history import HistoryWithParts
from notifications.models.people import Recipient, Team
from notifications.models.routing import Category
from notifications.models.validators import validate_timezone

MOST_LENGTH = 366
"""Maximum number of days or weeks of a turn."""


class PeopleField(ArrayField):  # type: ignore[type-arg]  # cannot be subscripted at run time
    """Keys of people, in an order. Keys of deleted people stay, so that the places of the others do not change."""

    names: type[models.Model] = Recipient
    """The model of the keys: histories show the names of its rows."""

    def __init__(self, base_field: Any = None, **options: Any) -> None:
        super().__init__(base_field or models.BigIntegerField(), **options)

    def deconstruct(self) -> Any:
        """Return the type of the stored column, for migrations."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.contrib.postgres.fields.ArrayField", args, kwargs


class Rota(models.Model):
    """The duty of a team. The first of its layers with somebody on duty counts."""

    slug = models.SlugField(_("slug"), unique=True, max_length=100)
    name = models.CharField(_("name"), max_length=120)
    team = models.ForeignKey(Team, verbose_name=_("team"), on_delete=models.CASCADE, related_name="rotas")
    timezone = models.CharField(
        _("time zone"),
        max_length=60,
        default="UTC",
        validators=[validate_timezone],
        help_text=_("The time zone of hand-overs, such as Europe/Berlin."),
    )
    category = models.ForeignKey(
        Category,
        verbose_name=_("category"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text=_("For messages about hand-overs and swaps: it sets the channels. Empty: the first category."),
    )
    feed_url = models.CharField(
        _("calendar to read"),
        max_length=500,
        blank=True,
        default="",
        help_text=_("The https address of an iCalendar feed with the shifts. Layers fill its gaps."),
    )
    address_digest = models.CharField(max_length=64, default="", blank=True, editable=False)
    """Digest of the secret in the address of the offered calendar; empty: none is offered."""

    history = HistoryWithParts(parts=["layers", "overrides"], excluded_fields=["address_digest"])

    class Meta:
        verbose_name = _("duty rota")
        verbose_name_plural = _("duty rotas")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class TurnUnit(models.TextChoices):
    DAYS = "days", _("days")
    WEEKS = "weeks", _("weeks")


class RotaLayer(models.Model):
    """People who take turns, from a day on; optionally only on some days of the week or at some hours."""

    rota = models.ForeignKey(Rota, verbose_name=_("duty rota"), on_delete=models.CASCADE, related_name="layers")
    position = models.PositiveSmallIntegerField(
        _("position"), default=1, help_text=_("Smaller numbers go first: later layers fill the gaps.")
    )
    people = PeopleField(verbose_name=_("people"), help_text=_("In the order of their turns."))
    begins_on = models.DateField(_("begins on"), help_text=_("The day of the first hand-over."))
    hand_over = models.TimeField(_("hand-over at"), default=time(8))
    length = models.PositiveSmallIntegerField(
        _("length of a turn"), default=1, validators=[MinValueValidator(1), MaxValueValidator(MOST_LENGTH)]
    )
    unit = models.CharField(_("unit"), max_length=5, choices=TurnUnit.choices, default=TurnUnit.WEEKS)
    weekdays = ArrayField(
        models.PositiveSmallIntegerField(),
        verbose_name=_("days of the week"),
        default=list,
        blank=True,
        help_text=_("None: every day."),
    )
    """0 is Monday."""
    from_time = models.TimeField(_("from"), null=True, blank=True, help_text=_("Empty: all day."))
    until_time = models.TimeField(
        _("until"), null=True, blank=True, help_text=_("Not later than “from”: on the day after.")
    )

    class Meta:
        verbose_name = _("layer")
        verbose_name_plural = _("layers")
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return str(_("layer %(position)d") % {"position": self.position})

    @property
    def days(self) -> int:
        return self.length * (7 if self.unit == TurnUnit.WEEKS else 1)


class RotaOverride(models.Model):
    """Another person on duty, or nobody, for a period: in one layer, or instead of all layers."""

    rota = models.ForeignKey(Rota, verbose_name=_("duty rota"), on_delete=models.CASCADE, related_name="overrides")
    layer = models.PositiveSmallIntegerField(
        _("layer"), null=True, blank=True, help_text=_("Its position. Empty: as the layers say.")
    )
    person = models.ForeignKey(
        Recipient,
        verbose_name=_("person"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text=_("Empty: nobody."),
    )
    begins_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))

    class Meta:
        verbose_name = _("override")
        verbose_name_plural = _("overrides")
        ordering = ["begins_at", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("begins_at")), name="override_ends_after_it_begins")
        ]

    def __str__(self) -> str:
        begins, ends = localtime(self.begins_at), localtime(self.ends_at)
        return f"{self.person or '–'} · {begins:%Y-%m-%d %H:%M} – {ends:%Y-%m-%d %H:%M}"


class SwapState(models.TextChoices):
    ASKED = "asked", _("asked")
    ACCEPTED = "accepted", _("accepted")
    DECLINED = "declined", _("declined")
    WITHDRAWN = "withdrawn", _("withdrawn")
    OVER = "over", _("nobody answered in time")


class RotaSwap(models.Model):
    """A request to a colleague to take over one's duty for a period, perhaps in return for some of the colleague's."""

    rota = models.ForeignKey(Rota, verbose_name=_("duty rota"), on_delete=models.CASCADE, related_name="swaps")
    asked_by = models.ForeignKey(
        Recipient, verbose_name=_("asked by"), on_delete=models.CASCADE, related_name="swaps_asked"
    )
    asked_of = models.ForeignKey(
        Recipient, verbose_name=_("asked"), on_delete=models.CASCADE, related_name="swaps_offered"
    )
    begins_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    back_begins_at = models.DateTimeField(_("in return from"), null=True, blank=True)
    back_ends_at = models.DateTimeField(_("in return until"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=SwapState.choices, default=SwapState.ASKED)
    asked_at = models.DateTimeField(_("asked at"))
    answered_at = models.DateTimeField(_("answered at"), null=True, blank=True)

    class Meta:
        verbose_name = _("swap of duty")
        verbose_name_plural = _("swaps of duty")
        ordering = ["-asked_at"]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("begins_at")), name="swap_ends_after_it_begins"),
            models.CheckConstraint(condition=~Q(asked_of=F("asked_by")), name="nobody_swaps_with_themselves"),
        ]
        indexes = [models.Index(fields=["rota", "ends_at"])]

    def __str__(self) -> str:
        begins, ends = localtime(self.begins_at), localtime(self.ends_at)
        return f"{self.asked_by} → {self.asked_of} · {begins:%Y-%m-%d %H:%M} – {ends:%Y-%m-%d %H:%M}"


class RotaWatch(models.Model):
    """The person on duty at the last check. A change since then is notified once."""

    rota = models.OneToOneField(Rota, on_delete=models.CASCADE, related_name="watch", primary_key=True)
    looked_at = models.DateTimeField()
    person = models.ForeignKey(Recipient, null=True, on_delete=models.SET_NULL, related_name="+")
    on_duty = PeopleField(default=list, db_default=[], editable=False)
    """All people who were on duty at the last check with anybody on duty: one for each layer."""

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.rota)


class RotaFeed(CalendarFeed):
    """The calendar of a rota at its last read. If a read fails, the earlier data stay."""

    rota = models.OneToOneField(Rota, on_delete=models.CASCADE, related_name="feed", primary_key=True)
    url = models.CharField(max_length=500)
    etag = models.CharField(max_length=200, default="", blank=True)
    body = models.TextField(default="", blank=True)

    class Meta(CalendarFeed.Meta):
        default_permissions = ()
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="rota_feed_due")]

    def __str__(self) -> str:
        return str(self.rota)


class RotaFeedShift(models.Model):
    """A shift in the calendar. `person` is null if it names no known person."""

    rota = models.ForeignKey(Rota, on_delete=models.CASCADE, related_name="feed_shifts")
    person = models.ForeignKey(Recipient, null=True, on_delete=models.CASCADE, related_name="+")
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    summary = models.CharField(max_length=300)

    class Meta:
        default_permissions = ()
        ordering = ["begins_at", "pk"]
        indexes = [models.Index(fields=["rota", "ends_at"])]

    def __str__(self) -> str:
        return self.summary
