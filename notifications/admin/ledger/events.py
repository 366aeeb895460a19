"""Events: their processing and their traces."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications import reasons
from notifications.admin.desk.base import LedgerAdmin
from notifications.admin.desk.decorators import (
    WorkColumns,
    column,
    display,
    duration_column,
    json_column,
    link_column,
    time_column,
)
from notifications.admin.desk.display import Tone, link, mark, shortened, since, with_why
from notifications.admin.desk.filters import Conditions, Lookups, Recent
from notifications.admin.ledger.timeline import last_error, trace
from notifications.models import (
    Event,
    EventStatus,
    EventType,
)
from wfpush.queue.outbox import RETRIED

EVENT_TONES: dict[str, Tone] = {
    EventStatus.ACCEPTED: "wait",
    EventStatus.PROCESSED: "ok",
    EventStatus.UNROUTED: "bad",
    EventStatus.STALE: "quiet",
    EventStatus.IGNORED: "quiet",
    EventStatus.KEPT: "wait",
    EventStatus.FAILED: "bad",
}


def event_mark(event: Event) -> SafeString:
    """Return the state of an event. A failed event that will be retried is shown as failing."""
    if event.is_retried:
        return mark("bad", gettext("failing, will be retried"))
    return mark(EVENT_TONES[event.status], event.get_status_display())


# --- events ---------------------------------------------------------------------------------------------------------
class EventTypeFilter(admin.SimpleListFilter):
    """A filter by type. It offers the described types: reading all types of the ledger would read the whole table."""

    title = _("type")
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Lookups:
        return [(name, name) for name in EventType.objects.values_list("name", flat=True)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Event]) -> QuerySet[Event]:
        return queryset.filter(type=self.value()) if self.value() else queryset


class RetriedFilter(Conditions):
    title = _("tries")
    parameter_name = "tries"
    conditions = {"again": (_("failed at least once, still being retried"), RETRIED)}


class UnresolvedFilter(Conditions):
    title = _("people")
    parameter_name = "people"
    conditions = {"unresolved": (_("names unknown people"), Q(unresolved__gt=0))}


@admin.register(Event)
class EventAdmin(WorkColumns, LedgerAdmin):
    empty_says = _(
        "Events that engines have sent. There are none yet: add an engine, give it a key, and send its first event."
    )
    list_display = ["received", "type", "subject_link", "state", "reached", "duration"]
    list_filter = ["status", RetriedFilter, Recent, UnresolvedFilter, EventTypeFilter, "engine"]
    list_select_related = ["engine", "task", "case"]
    found_by = ["event_id", "task__task_id", "case__case_id"]
    search_help_text = _("A complete event, task or case id.")
    change_form_outer_before_template = "admin/desk/trace.html"
    fieldsets = [
        (
            _("The event"),
            {
                "fields": [
                    "event_id",
                    "source",
                    "type",
                    "subject",
                    "from_engine",
                    "time",
                    "received_at",
                    "processed_at",
                    "subject_link",
                ]
            },
        ),
        (_("Its data"), {"fields": ["shown_data", "shown_extensions"]}),
        (
            _("In our books"),
            {
                "fields": ["id", "status", "group", "tries", "work_due", "claimed_until", "shown_error"],
                "classes": ["collapse"],
            },
        ),
    ]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        event: Event | None = kwargs.get("obj")
        if event is not None:
            context.update({"lines": trace(event), "title": gettext("Outcome"), "subtitle": None})
        response: HttpResponse = super().render_change_form(request, context, **kwargs)
        return response

    # --- columns ----------------------------------------------------------------------------------------------------
    received = time_column("received_at", _("received"), "id")
    subject_link = column(lambda event: with_why(link(event.task or event.case), event.engine), _("about"))
    from_engine = link_column("engine", _("engine"), "engine__name")

    @display(description=_("state"), ordering="status")
    def state(self, event: Event) -> SafeString:
        return with_why(event_mark(event), self._why(event))

    def _why(self, event: Event) -> SafeString:
        if event.is_retried:
            return shortened(last_error(event))
        if event.status == EventStatus.ACCEPTED:
            return since(event.received_at, "wait")
        names = ", ".join(each.get("ref", "") for each in event.plan.get("unresolved") or [])
        unknown = gettext("unknown: %(names)s") % {"names": names} if names else ""
        notes = reasons.read_list(event.plan, "warnings") or reasons.read_list(event.plan, "notes")
        return shortened(event.error or unknown or "; ".join(note.words() for note in notes))

    @display(description=_("notified"))
    def reached(self, event: Event) -> SafeString:
        return shortened(", ".join(each.get("name", "") for each in event.plan.get("recipients") or []), 50)

    duration = duration_column("received_at", "processed_at")
    shown_data = json_column("data", _("data"))
    shown_extensions = json_column("extensions", _("other members"))
    shown_error = column(lambda event: event.error, _("error"))
