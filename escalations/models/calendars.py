"""Calendars of working time."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from escalations.calendars.working_time import BadCalendar, Calendar
from notifications.models import Recipient, Team
from notifications.models.history import HistoryWithParts
from notifications.models.validators import validate_timezone


class BusinessCalendar(models.Model):
    """A calendar. `week` and the days' intervals have the format of escalations/calendars/definition.py."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    timezone = models.CharField(_("time zone"), max_length=60, default="UTC", validators=[validate_timezone])
    week: Any = models.JSONField(_("week"), default=dict, blank=True)
    country = models.CharField(
        _("public holidays of"), max_length=10, blank=True, help_text=_("A country such as DE. Empty: none.")
    )
    subdivision = models.CharField(
        _("in its part"), max_length=60, blank=True, help_text=_("Such as BY. Empty: those of the whole country.")
    )

    history = HistoryWithParts(parts=["days", "teams", "people"])

    class Meta:
        verbose_name = _("calendar")
        verbose_name_plural = _("calendars")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def as_dict(self, days: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the definition. `days`: date to intervals, instead of the stored days."""
        document: dict[str, Any] = {"timezone": self.timezone, "week": self.week}
        if self.country:
            document["holidays"] = {"country": self.country, "subdivision": self.subdivision or None}
        if days is None:
            days = {day.date.isoformat(): day.hours for day in self.days.all()}
        return {**document, "days": days} if days else document

    def reckoning(self) -> Calendar:
        """Return the calendar for computing. Raises BadCalendar."""
        return Calendar.from_dict(self.as_dict())

    def reckoning_or_none(self) -> Calendar | None:
        """Return the calendar for computing; None if its definition is faulty, which the desk shows."""
        try:
            return self.reckoning()
        except BadCalendar:
            return None


class CalendarDay(models.Model):
    """A date with hours of its own, or with none."""

    calendar = models.ForeignKey(
        BusinessCalendar, verbose_name=_("calendar"), on_delete=models.CASCADE, related_name="days"
    )
    date = models.DateField(_("date"))
    hours: Any = models.JSONField(_("hours"), default=list, blank=True)
    note = models.CharField(_("note"), max_length=120, blank=True)

    class Meta:
        verbose_name = _("special day")
        verbose_name_plural = _("special days")
        ordering = ["date"]
        constraints = [models.UniqueConstraint(fields=["calendar", "date"], name="one_entry_a_day")]

    def __str__(self) -> str:
        return f"{self.date:%Y-%m-%d} {self.note}".strip()


class TeamCalendar(models.Model):
    """The working hours of a team."""

    team = models.OneToOneField(
        Team, verbose_name=_("team"), on_delete=models.CASCADE, related_name="working_time", primary_key=True
    )
    calendar = models.ForeignKey(
        BusinessCalendar, verbose_name=_("calendar"), on_delete=models.CASCADE, related_name="teams"
    )

    class Meta:
        verbose_name = _("team that uses it")
        verbose_name_plural = _("teams that use it")

    def __str__(self) -> str:
        return str(self.team)


class PersonCalendar(models.Model):
    """The working hours of a person."""

    recipient = models.OneToOneField(
        Recipient, verbose_name=_("person"), on_delete=models.CASCADE, related_name="working_time", primary_key=True
    )
    calendar = models.ForeignKey(
        BusinessCalendar, verbose_name=_("calendar"), on_delete=models.CASCADE, related_name="people"
    )

    class Meta:
        verbose_name = _("person who uses it")
        verbose_name_plural = _("people who use it")

    def __str__(self) -> str:
        return str(self.recipient)
