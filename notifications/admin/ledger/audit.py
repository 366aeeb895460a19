"""The audit list: who did what at the desk, on what, and when. The list is read-only."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.admin.desk.base import MAX_MATCHES, LedgerAdmin
from notifications.admin.desk.decorators import column, display, time_column
from notifications.admin.desk.display import Tone, in_own_zone, mark, shortened
from notifications.admin.desk.filters import Conditions, Lookups
from wfpush.postgres.word_index import Words, having

LogEntry._meta.verbose_name, LogEntry._meta.verbose_name_plural = _("audit entry"), _("audit list")

WORDS = Words("object_repr")
"""The words of an entry, as the index of the table has them (migration 0019)."""
TONES: dict[int, Tone] = {ADDITION: "ok", CHANGE: "quiet", DELETION: "bad"}


class KeyFilter(admin.SimpleListFilter):
    """A filter of entries by the key in the relation `field`."""

    field: str

    def queryset(self, request: HttpRequest, queryset: QuerySet[LogEntry]) -> QuerySet[LogEntry]:
        value = self.value() or ""
        return queryset.filter(**{self.field: int(value)}) if value.isdecimal() and len(value) < 10 else queryset


class UserFilter(KeyFilter):
    """A filter by user. It offers the staff users; an address may name others."""

    title = _("person")
    parameter_name = "who"
    field = "user"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Lookups:
        staff = User.objects.filter(is_staff=True).order_by("username")
        return [(str(pk), name) for pk, name in staff.values_list("pk", "username")[:200]]


class ObjectKindFilter(KeyFilter):
    title = _("of")
    parameter_name = "of"
    field = "content_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Lookups:
        kinds = {
            str(kind.pk): str(capfirst(model._meta.verbose_name_plural))
            for model, kind in ContentType.objects.get_for_models(*admin.site._registry).items()
        }
        return sorted(kinds.items(), key=lambda each: each[1])


class DayFilter(admin.SimpleListFilter):
    """A filter by day, in the reader's time zone."""

    title = _("day")
    parameter_name = "day"
    days = {
        "today": (0, _("today")),
        "yesterday": (1, _("yesterday")),
        "week": (6, _("7 days")),
        "month": (29, _("30 days")),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> Lookups:
        value = request.GET.get(self.parameter_name, "")
        chosen = [(value, value)] if _day(value) else []
        return [*((name, words) for name, (_back, words) in self.days.items()), *chosen]

    def queryset(self, request: HttpRequest, queryset: QuerySet[LogEntry]) -> QuerySet[LogEntry]:
        value = self.value() or ""
        midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
        if day := _day(value):
            return queryset.filter(action_time__gte=day, action_time__lt=_next(day))
        if value not in self.days:
            return queryset
        start = midnight - timedelta(days=self.days[value][0])
        end = Q(action_time__lt=midnight) if value == "yesterday" else Q()
        return queryset.filter(end, action_time__gte=start)


def _day(value: str) -> datetime | None:
    """Return the day in the current zone from text such as 2026-11-29. None for other text, or at the end of time."""
    try:
        day = timezone.make_aware(datetime.strptime(value, "%Y-%m-%d"))
        _next(_next(day))
    except (ValueError, OverflowError):
        return None
    return day


def _next(day: datetime) -> datetime:
    return timezone.make_aware(timezone.make_naive(day) + timedelta(days=1))


class ActionFilter(Conditions):
    title = _("kind")
    parameter_name = "kind"
    conditions = {
        "added": (_("added"), Q(action_flag=ADDITION)),
        "changed": (_("changed, sent or done"), Q(action_flag=CHANGE)),
        "deleted": (_("deleted"), Q(action_flag=DELETION)),
    }


@admin.register(LogEntry)
class AuditAdmin(LedgerAdmin):
    empty_says = _("Who did what at the desk, and when. There are no entries yet.")
    list_display = ["done_at", "who", "kind", "what", "on_what", "model_name"]
    list_display_links = None
    list_filter = [DayFilter, UserFilter, ActionFilter, ObjectKindFilter]
    list_select_related = ["user", "content_type"]
    ordering = ["-action_time", "-id"]
    search_fields = ["object_id"]
    search_help_text = _("A complete object id or user name, or words of an object's name.")
    fields = ["done_at", "who", "kind", "what", "on_what", "model_name"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search by object id, user name and words: the newest matches of each, by its own index."""
        term = search_term.strip()
        if not term or not term.isprintable():
            return (queryset.none() if term else queryset), False
        of_person = [Q(user=pk) for pk in User.objects.filter(username=term).values_list("pk", flat=True)]
        ways = [Q(object_id=term), *of_person, having(WORDS, term)]
        keys: set[int] = set()
        for way in filter(None, ways):
            keys.update(queryset.filter(way).order_by("-action_time", "-id").values_list("pk", flat=True)[:MAX_MATCHES])
        return queryset.filter(pk__in=keys), False

    done_at = time_column("action_time", _("when"))
    who = column(lambda entry: entry.user.get_username(), _("who"))

    @display(description=_("kind"), ordering="action_flag")
    def kind(self, entry: LogEntry) -> SafeString:
        words = {ADDITION: gettext("added"), CHANGE: gettext("done"), DELETION: gettext("deleted")}
        return mark(TONES.get(entry.action_flag, "quiet"), words.get(entry.action_flag, ""))

    what = column(lambda entry: shortened(in_own_zone(entry.get_change_message()), 160), _("what"))

    @display(description=_("on what"))
    def on_what(self, entry: LogEntry) -> SafeString:
        address = "" if entry.is_deletion() else _address(entry)
        text = entry.object_repr or entry.object_id or "–"
        return format_html('<a class="desk-link" href="{}">{}</a>', address, text) if address else shortened(text)

    @display(description=_("of"))
    def model_name(self, entry: LogEntry) -> str:
        model = entry.content_type.model_class() if entry.content_type else None
        return str(capfirst(model._meta.verbose_name)) if model else "–"


def _address(entry: LogEntry) -> str:
    kind = entry.content_type
    if kind is None or not entry.object_id:
        return ""
    try:
        return reverse(f"admin:{kind.app_label}_{kind.model}_change", args=[entry.object_id])
    except NoReverseMatch:
        return ""
