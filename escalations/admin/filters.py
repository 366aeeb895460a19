"""Filters of the list of clocks that count as the SLA overview does (escalations/compliance.py)."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from escalations import compliance
from notifications.admin.filters import Conditions, Lookups
from notifications.models import Team

TIME_LEFT: dict[str, Any] = {
    "1h": _("within 1 h"),
    "4h": _("in 1 to 4 h"),
    "1d": _("in 4 to 24 h"),
    "3d": _("in 1 to 3 days"),
    "later": _("later"),
    "paused": _("paused, in time so far"),
}
"""What is under way and not late, by the names of compliance.by_time_left."""


class TimeLeft(Conditions):
    title = _("time left")
    parameter_name = "left"

    def conditions_now(self) -> dict[str, tuple[Any, Q]]:
        conditions = compliance.by_time_left(timezone.now())
        return {name: (words, conditions[name]) for name, words in TIME_LEFT.items()}


class OfTeam(admin.SimpleListFilter):
    title = _("team")
    parameter_name = "team"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Lookups:
        return [(str(team.pk), team.name) for team in Team.objects.all()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        team = Team.objects.filter(pk=value).first() if value.isdecimal() and len(value) < 19 else None
        return queryset.filter(compliance.of_team(team)) if team else queryset
