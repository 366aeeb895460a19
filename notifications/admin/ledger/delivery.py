"""Notifications, deliveries and attempts: who got which message, by which channel, and why not."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications import reasons
from notifications.admin.desk.base import LedgerAdmin, ReadOnlyInline
from notifications.admin.desk.decorators import (
    WorkColumns,
    amount_column,
    column,
    display,
    duration_column,
    json_column,
    link_column,
    reason_column,
    state_column,
    time_column,
)
from notifications.admin.desk.display import NOTHING, Tone, due_words, mark, shortened, with_why
from notifications.admin.desk.filters import Conditions, Lookups, Recent
from notifications.admin.ledger.timeline import DELIVERY_TONES
from notifications.channel_facts import channel_name, channel_names
from notifications.models import (
    ActionToken,
    Delivery,
    DeliveryAttempt,
    Notification,
    NotificationState,
    Response,
)

COPY_TONES: dict[str, Tone] = {
    NotificationState.OPEN: "wait",
    NotificationState.ANSWERED: "ok",
    NotificationState.WITHDRAWN: "quiet",
    NotificationState.EXPIRED: "bad",
    NotificationState.INFO: "quiet",
}


# --- notifications --------------------------------------------------------------------------------------------------
class ReadState(Conditions):
    title = _("read")
    parameter_name = "read"
    conditions = {"no": (_("unread"), Q(read_at=None)), "yes": (_("read"), Q(read_at__isnull=False))}


class DeliveryColumns(WorkColumns):
    state_mark = state_column(DELIVERY_TONES)
    why = reason_column("reason", _("reason"))
    way = column(lambda delivery: f"{channel_name(delivery.channel)} {delivery.to}", _("by"), "channel")


class DeliveryInline(DeliveryColumns, ReadOnlyInline):
    model = Delivery
    related = ["recipient"]
    fields = ["way", "state_mark", "why", "created_at", "ended_at", "tries"]


class ResponseInline(ReadOnlyInline):
    model = Response
    related = ["recipient"]
    fields = ["person", "action", "comment", "via", "at", "counts"]
    person = link_column("recipient", _("person"))


class ActionTokenInline(ReadOnlyInline):
    model = ActionToken
    related = ["recipient", "notification"]
    fields = ["actions", "created_at", "expires_at", "voided_at", "why_void"]
    verbose_name_plural = _("links that answer it")

    why_void = reason_column("void_reason", _("void reason"))


@admin.register(Notification)
class NotificationAdmin(LedgerAdmin):
    empty_says = _(
        "The items in people's inboxes. There are none yet: the first event that matches a rule creates them."
    )
    list_display = ["made", "person", "headline", "amount", "state_mark", "due_word", "read_word", "asked_because"]
    list_filter = ["state", ReadState, "priority", Recent, "category", "route"]
    list_select_related = ["recipient", "category"]
    ordering = ["-id"]
    found_by = ["recipient__ref", "task__task_id", "case__case_id"]
    search_help_text = _("A complete ref, task id or case id.")
    inlines = [DeliveryInline, ResponseInline, ActionTokenInline]
    fieldsets = [
        (None, {"fields": ["person", "instead_of", "state_mark", "why", "read_at"]}),
        (
            _("Content"),
            {
                "fields": [
                    "title",
                    "body",
                    "short_body",
                    "notice",
                    "language",
                    "priority",
                    "due_at",
                    "url",
                    "shown_actions",
                    "shown_details",
                ]
            },
        ),
        (
            _("Origin"),
            {"fields": ["from_event", "for_task", "in_case", "by_route", "category", "wording", "brand"]},
        ),
        (
            _("In our books"),
            {
                "fields": ["id", "seq", "created_at", "updated_at", "answer_from_email", "shown_outcome"],
                "classes": ["collapse"],
            },
        ),
    ]

    made = time_column("created_at", _("made"), "id")
    person = link_column("recipient", _("person"), "recipient__name")
    instead_of = link_column("on_behalf_of", _("on behalf of"))
    headline = column(lambda notification: shortened(notification.title, 70), _("title"))
    amount = amount_column(lambda notification: notification.details)
    state_mark = state_column(COPY_TONES)
    why = reason_column("reason", _("reason"))
    asked_because = column(lambda notification: shortened(reasons.words(notification), 50), _("why"))

    @display(description=_("due"), ordering="due_at")
    def due_word(self, notification: Notification) -> SafeString:
        return due_words(notification.due_at, still_matters=notification.state == NotificationState.OPEN)

    read_word = time_column("read_at", _("read"))

    @display(description=_("actions"))
    def shown_actions(self, notification: Notification) -> str:
        return ", ".join(f"{each['title']} ({each['action']})" for each in notification.actions)

    shown_details = json_column("details", _("details"))
    shown_outcome = json_column("outcome", _("outcome"))
    from_event = link_column("event", _("event"))
    for_task = link_column("task", _("task"))
    in_case = link_column("case", _("case"))
    by_route = link_column("route", _("rule"))
    wording = link_column("template_version", _("worded by"))


# --- deliveries -----------------------------------------------------------------------------------------------------
def _outcome(attempt: DeliveryAttempt) -> SafeString:
    if attempt.ended_at is None:
        return NOTHING
    return mark("ok", gettext("yes")) if attempt.succeeded else mark("bad", gettext("no"))


class AttemptInline(ReadOnlyInline):
    model = DeliveryAttempt
    related = ["delivery__recipient"]
    fields = ["number", "started_at", "took", "outcome", "details"]
    show_change_link = False
    outcome = column(_outcome, _("succeeded"))
    details = reason_column("detail", _("detail"))
    took = duration_column("started_at", "ended_at", unknown=_("no known outcome"))


class ChannelFilter(admin.SimpleListFilter):
    """A filter by channel. It offers all channels: reading the used ones takes a second for fifteen million rows."""

    title = _("channel")
    parameter_name = "channel"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Lookups:
        return [(name, channel_name(name)) for name in channel_names()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        return queryset.filter(channel=self.value()) if self.value() else queryset


@admin.register(Delivery)
class DeliveryAdmin(DeliveryColumns, LedgerAdmin):
    empty_says = _("Each message, its channel and its outcome. There are none yet: they are created with inbox items.")
    list_display = ["made", "person", "way", "state_and_why", "tries", "next_try", "took"]
    list_filter = ["state", Recent, ChannelFilter]
    list_select_related = ["recipient"]
    found_by = ["recipient__ref", "recipient__email", "recipient__phone", "shown_to"]
    without_index = ["shown_to"]
    search_help_text = _("A complete ref or address.")
    inlines = [AttemptInline]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "person",
                    "way",
                    "state_mark",
                    "why",
                    "next_try",
                    "tries",
                    "created_at",
                    "ended_at",
                    "expires_at",
                ]
            },
        ),
        (_("Of"), {"fields": ["of_notification", "of_event", "id"]}),
    ]

    made = time_column("created_at", _("made"), "id")
    person = link_column("recipient", _("person"), "recipient__name")

    @display(description=_("state"), ordering="state")
    def state_and_why(self, delivery: Delivery) -> SafeString:
        return with_why(self.state_mark(delivery), shortened(reasons.words(delivery)))

    next_try = time_column("due_at", _("next try"))
    took = duration_column("created_at", "ended_at")
    of_notification = link_column("notification", _("notification"))
    of_event = link_column("event", _("event"))


class AttemptOutcome(Conditions):
    title = _("outcome")
    parameter_name = "outcome"
    conditions = {
        "failed": (_("failed"), Q(succeeded=False)),
        "worked": (_("worked"), Q(succeeded=True)),
        "unknown": (_("no known outcome"), Q(ended_at=None)),
    }


@admin.register(DeliveryAttempt)
class DeliveryAttemptAdmin(LedgerAdmin):
    empty_says = _("Each attempt to send a message. There are none yet.")
    list_display = ["started_at", "of_delivery", "number", "outcome", "details", "took"]
    outcome = column(_outcome, _("succeeded"), "succeeded")
    list_filter = [AttemptOutcome]
    list_select_related = ["delivery__recipient"]
    found_by = ["delivery__recipient__ref", "delivery__recipient__email", "delivery__shown_to"]
    without_index = ["delivery__shown_to"]
    ordering = ["-id"]
    details = reason_column("detail", _("detail"))
    of_delivery = link_column("delivery", _("delivery"))
    took = duration_column("started_at", "ended_at")
