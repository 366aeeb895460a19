"""Filters that several lists share."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications.admin.desk.intervals import between_words, read_between
from wfpush.identifiers import lowest_id

Lookups = list[tuple[str, Any]]


class Recent(admin.SimpleListFilter):
    """A filter of rows made within the last hours or days, or between two times (`notifications.admin.desk.intervals`),
    for tables whose ids are UUIDv7."""

    title = _("made within")
    parameter_name = "within"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Lookups:
        value = request.GET.get(self.parameter_name, "")
        return [
            ("1", _("the last hour")),
            ("24", _("24 hours")),
            ("168", _("7 days")),
            ("720", _("30 days")),
            *([(value, between_words(*interval))] if (interval := read_between(value)) else []),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        if interval := read_between(value):
            start, end = interval
            return queryset.filter(pk__gte=lowest_id(start), pk__lt=lowest_id(end))
        if not value.isdecimal() or len(value) > 5:
            return queryset
        return queryset.filter(pk__gte=lowest_id(timezone.now() - timedelta(hours=int(value))))


class Conditions(admin.SimpleListFilter):
    """A filter whose choices are conditions: `conditions` is {value: (words, condition)}."""

    conditions: dict[str, tuple[Any, Q]] = {}

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Lookups:
        return [(value, words) for value, (words, _condition) in self.conditions_now().items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.conditions_now().get(self.value() or "")
        return queryset.filter(chosen[1]) if chosen else queryset

    def conditions_now(self) -> dict[str, tuple[Any, Q]]:
        """Return the conditions. Overridden if a condition depends on the time."""
        return self.conditions


class Usable(Conditions):
    """A filter of keys and tokens: works, revoked or expired."""

    title = _("validity")
    parameter_name = "works"
    ended_field = "revoked_at"

    def conditions_now(self) -> dict[str, tuple[Any, Q]]:
        expired = Q(expires_at__lte=timezone.now())
        ended = Q(**{f"{self.ended_field}__isnull": False})
        return {
            "yes": (_("valid"), ~expired & ~ended),
            "ended": (_("revoked"), ended),
            "expired": (_("expired"), expired & ~ended),
        }


class Voidable(Usable):
    ended_field = "voided_at"
