"""Limits that administrators set: events a minute of an engine or an API key, messages an hour to one person."""

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from notifications.channel_facts import channel_choices
from notifications.models.engines import ApiKey, Engine
from wfpush.numbers import number

SUBJECTS = ("engine", "api_key", "channel")


class Limit(models.Model):
    """The limit of one engine, API key or channel. A channel's is for each person and address of theirs."""

    engine = models.OneToOneField(
        Engine, verbose_name=_("engine"), null=True, blank=True, on_delete=models.CASCADE, related_name="limit"
    )
    api_key = models.OneToOneField(
        ApiKey, verbose_name=_("API key"), null=True, blank=True, on_delete=models.CASCADE, related_name="limit"
    )
    channel = models.CharField(_("channel"), max_length=20, blank=True, choices=channel_choices)
    most = models.PositiveIntegerField(
        _("at most"),
        validators=[MinValueValidator(1)],
        help_text=_("Events a minute of an engine or a key, or messages an hour to one person."),
    )

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("limit")
        verbose_name_plural = _("limits")
        ordering = ["engine__name", "api_key", "channel"]
        constraints = [
            models.UniqueConstraint(fields=["channel"], condition=~Q(channel=""), name="one_limit_of_a_channel"),
            models.CheckConstraint(
                condition=Q(engine__isnull=False, api_key=None, channel="")
                | Q(engine=None, api_key__isnull=False, channel="")
                | (Q(engine=None, api_key=None) & ~Q(channel="")),
                name="a_limit_has_one_subject",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject}: {self.amount}"

    @property
    def amount(self) -> str:
        if self.channel:
            form = ngettext("%(count)s message an hour", "%(count)s messages an hour", self.most)
        else:
            form = ngettext("%(count)s event a minute", "%(count)s events a minute", self.most)
        return form % {"count": number(self.most)}

    @property
    def subject(self) -> str:
        if self.api_key is not None:
            return f"{self.api_key.engine}, {self.api_key.name}"
        return str(self.engine or self.get_channel_display())

    def clean(self) -> None:
        if sum(bool(getattr(self, f"{name}_id" if name != "channel" else name)) for name in SUBJECTS) != 1:
            raise ValidationError(gettext("Choose one: an engine, an API key or a channel."))
