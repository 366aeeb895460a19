"""Answers, and the callbacks that report them: which engine has not taken an answer yet, since when, and why."""

import json

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget

from notifications import reasons
from notifications.admin.desk.base import LedgerAdmin, ReadOnlyInline, count_words
from notifications.admin.desk.decorators import (
    action,
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
from notifications.admin.desk.display import link, mark, moment, pretty, shortened, since, with_why
from notifications.admin.desk.filters import Conditions, Recent, Voidable
from notifications.admin.ledger.outcomes import CALLBACK_TONES
from notifications.admin.ledger.timeline import why_not_sent
from notifications.connectors.base import HIDDEN
from notifications.engines import callback as callbacks
from notifications.forms import recorded_values
from notifications.models import (
    ActionToken,
    Callback,
    CallbackAttempt,
    CallbackState,
    IdempotencyKey,
    Response,
    TaskContent,
)


# --- answers --------------------------------------------------------------------------------------------------------
class CountsFilter(Conditions):
    title = _("counts")
    parameter_name = "counts"
    conditions = {"yes": (_("counts"), Q(counts=True)), "no": (_("refused by the engine"), Q(counts=False))}


@admin.register(Response)
class ResponseAdmin(LedgerAdmin):
    empty_says = _("People's answers. There are none yet.")
    list_display = ["answered_at", "person", "action", "amount", "task_link", "short_comment", "via", "engine_says"]
    list_filter = [Recent, "via", "assurance", "effect", CountsFilter, "callback__state"]
    list_select_related = ["recipient", "task", "callback", "notification"]
    found_by = ["recipient__ref", "task__task_id"]
    search_help_text = _("A complete ref or task id.")
    date_hierarchy = "at"
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "person",
                    "action",
                    "comment",
                    "shown_values",
                    "shown_variables",
                    "via",
                    "assurance",
                    "at",
                    "engine_says",
                ]
            },
        ),
        (_("Content shown"), {"fields": ["shown_content", "revised_by", "revision"]}),
        (_("Of"), {"fields": ["task_link", "of_notification", "effect", "counts", "id"]}),
    ]

    amount = amount_column(lambda response: response.notification.details if response.notification else {})
    answered_at = time_column("at", _("given"), "id")
    person = link_column("recipient", _("person"), "recipient__name")
    task_link = link_column("task", _("task"))
    short_comment = column(lambda response: shortened(response.comment, 60), _("comment"))

    @display(description=_("values"))
    def shown_values(self, response: Response) -> SafeString:
        shown = recorded_values.shown(response.values, get_language() or "en")
        lines = [(line,) for each in shown for line in each.line.split("\n")]
        return format_html_join(mark_safe("<br>"), "{}", lines) or link(None)

    shown_variables = json_column("variables", _("variables"))

    @display(description=_("content"))
    def shown_content(self, response: Response) -> SafeString:
        """Return the shown content; nothing for answers from before revisions existed."""
        content = _content_of(response)
        return pretty(content.content) if content is not None else link(None)

    @display(description=_("came from the event"))
    def revised_by(self, response: Response) -> str:
        content = _content_of(response)
        return "{source} {id}".format(**content.event) if content is not None else "—"

    @display(description=_("engine"), ordering="callback__state")
    def engine_says(self, response: Response) -> SafeString:
        callback = getattr(response, "callback", None)
        return link(callback, callback and mark(CALLBACK_TONES[callback.state], callback.get_state_display()))

    of_notification = link_column("notification", _("notification"))


def _content_of(response: Response) -> TaskContent | None:
    return TaskContent.objects.filter(task=response.task_id, revision=response.revision).first()


# --- callbacks ------------------------------------------------------------------------------------------------------
class NeedsLook(Conditions):
    title = _("needs attention")
    parameter_name = "look"
    conditions = {
        "alert": (_("needs attention"), Q(alert_fact__isnull=False)),
        "stopped": (
            _("the engine's address is stopped"),
            Q(state=CallbackState.WAITING, engine__callback_disabled_at__isnull=False),
        ),
        "kept": (_("kept: the engine has no address"), callbacks.WITHOUT_ADDRESS),
        "tried": (_("tried, not accepted yet"), Q(state=CallbackState.WAITING, attempts__gt=0)),
    }


class CallInline(ReadOnlyInline):
    model = CallbackAttempt
    related = ["callback__response__recipient", "callback__engine"]
    fields = ["number", "started_at", "took", "status", "details"]
    show_change_link = False
    details = reason_column("detail", _("detail"))
    took = duration_column("started_at", "ended_at", unknown=_("no known outcome"))


class HandledForm(forms.Form):
    reason = forms.CharField(
        label=_("How it was handled"),
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("For example: completed in the engine's task list, as Bob decided. It is stored with your name."),
    )


@admin.register(Callback)
class CallbackAdmin(LedgerAdmin):
    empty_says = _("Calls that send answers to engines. There are none yet: nobody has answered.")
    list_display = [
        "answer",
        "task_link",
        "to_engine",
        "state_and_why",
        "waiting",
        "tries",
        "next_try",
    ]
    list_filter = ["state", NeedsLook, Recent, "engine"]
    list_select_related = ["response__recipient", "engine", "task"]
    found_by = ["task__task_id"]
    search_help_text = _("A complete task id or webhook-id.")
    actions_detail = ["mark_handled"]
    inlines = [CallInline]
    alarm = reason_column("alert", _("alert"))
    details = reason_column("detail", _("detail"))
    fieldsets = [
        (
            None,
            {"fields": ["answer", "to_engine", "state_mark", "alarm", "details", "last_status", "tries", "next_try"]},
        ),
        (_("Times"), {"fields": ["created_at", "first_attempt_at", "ended_at"]}),
        (_("Body, the same at every attempt"), {"fields": ["id", "position", "shown_body"]}),
    ]

    @display(description=_("answer"), ordering="id")
    def answer(self, callback: Callback) -> SafeString:
        response = callback.response
        if response is None:
            return format_html("{}", callback.says)
        return format_html("{}: {}", response.recipient, response.action)

    task_link = link_column("task", _("task"))
    to_engine = link_column("engine", _("engine"), "engine__name")
    state_mark = state_column(CALLBACK_TONES)

    @display(description=_("waiting"), ordering="created_at")
    def waiting(self, callback: Callback) -> SafeString:
        return since(callback.created_at, "wait") if callback.state == CallbackState.WAITING else link(None)

    @display(description=_("state"), ordering="state")
    def state_and_why(self, callback: Callback) -> SafeString:
        return with_why(self.state_mark(callback), self._why(callback))

    @display(description=_("tries"), ordering="attempts")
    def tries(self, callback: Callback) -> str:
        return f"{callback.attempts} ({callback.last_status})" if callback.last_status else str(callback.attempts)

    def _why(self, callback: Callback) -> SafeString:
        if callback.state == CallbackState.WAITING and not callback.engine.takes_answers:
            return mark(*why_not_sent(callback))
        return shortened(reasons.words(callback, "alert") or reasons.words(callback, "detail"))

    @display(description=_("next try"), ordering="due_at")
    def next_try(self, callback: Callback) -> SafeString:
        return moment(callback.due_at if callback.engine.takes_answers else None)

    @display(description=_("body"))
    def shown_body(self, callback: Callback) -> SafeString:
        return format_html('<pre class="desk-json" tabindex="0">{}</pre>', _without_secrets(callback))

    def offers(self, action: str, row: Callback) -> bool:
        if action != "mark_handled":
            return super().offers(action, row)
        is_sent_now = row.lease_until is not None and row.lease_until > timezone.now()
        return row.state in callbacks.UNENDED and not is_sent_now

    @action(description=_("Mark as handled by hand"), url_path="handled", permissions=["operate"], icon="back_hand")
    def mark_handled(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Note that the engine has the answer by another way: the user, and the reason."""
        callback: Callback = self.get_row(request, object_id)
        if callback.state not in callbacks.UNENDED:
            sentence = gettext("Only answers that wait or were given up can be marked as handled.")
            return self.done(request, callback, sentence, messages.WARNING)
        form = HandledForm(request.POST if request.method == "POST" else None)
        if not form.is_valid():
            text = gettext(
                "wfpush will stop sending “%(answer)s” to %(engine)s. Say how it was informed; people "
                "with the task read that the engine has handled it."
            )
            arguments = {"engine": callback.engine, "answer": callback.says}
            title = gettext("Mark the answer as handled by hand")
            return self.ask(
                request, callback, title=title, text=text % arguments, button=gettext("It is handled"), form=form
            )
        reason = form.cleaned_data["reason"].strip()
        if not callbacks.mark_handled(callback, reason, timezone.now()):
            sentence = gettext("It is being sent at this moment. Try again in a minute.")
            return self.done(request, callback, sentence, messages.WARNING)
        return self.done(request, callback, gettext("Marked as handled by hand: %(reason)s") % {"reason": reason})


def _without_secrets(callback: Callback) -> str:
    """Return the body with sensitive values hidden."""
    response = callback.response
    secret = [each["name"] for each in response.values if each.get("sensitive")] if response is not None else []
    if not secret:
        return callback.body
    event = json.loads(callback.body)
    event["data"]["variables"] |= {name: HIDDEN for name in secret if name in event["data"]["variables"]}
    return json.dumps(event, ensure_ascii=False)


class CallOutcome(Conditions):
    title = _("outcome")
    parameter_name = "outcome"
    conditions = {
        "taken": (_("accepted (2xx)"), Q(status__gte=200, status__lt=300)),
        "other": (_("another status"), Q(status__gte=300)),
        "none": (_("no reply"), Q(status=None, ended_at__isnull=False)),
        "unknown": (_("no known outcome"), Q(ended_at=None)),
    }


@admin.register(CallbackAttempt)
class CallbackAttemptAdmin(LedgerAdmin):
    empty_says = _("Each attempt to send an answer to an engine. There are none yet.")
    list_display = ["started_at", "of_callback", "number", "status", "details", "took"]
    details = reason_column("detail", _("detail"))
    list_filter = [CallOutcome]
    list_select_related = ["callback__response__recipient", "callback__engine"]
    found_by = ["callback__task__task_id"]
    ordering = ["-id"]

    of_callback = link_column("callback", _("answer"))
    took = duration_column("started_at", "ended_at")


# --- tokens and keys ------------------------------------------------------------------------------------------------
@admin.register(ActionToken)
class ActionTokenAdmin(LedgerAdmin):
    empty_says = _(
        "Links that answer a message without a sign-in. There are none yet: messages that offer it create them."
    )
    list_display = ["made", "person", "of_notification", "actions_offered", "expires_at", "state"]
    list_filter = [Voidable]
    list_select_related = ["recipient", "notification"]
    found_by = ["recipient__ref", "notification__task__task_id"]
    fields = ["person", "of_notification", "actions_offered", "created_at", "expires_at", "voided_at", "why_void"]
    actions = ["void"]

    why_void = reason_column("void_reason", _("void reason"))

    @action(description=_("Void: these links answer nothing any more"), permissions=["operate"])
    def void(self, request: HttpRequest, queryset: QuerySet[ActionToken]) -> None:
        tokens = list(queryset)
        working = ActionToken.objects.filter(pk__in=[token.pk for token in tokens], voided_at=None)
        voided = working.update(voided_at=timezone.now(), void_reason_fact=reasons.VOIDED_BY_DESK().as_json())
        for token in tokens:
            self.log(request, token, "Voided")
        self.message_user(request, count_words(voided, len(tokens), gettext("Links voided")))

    person = link_column("recipient", _("person"), "recipient__name")
    of_notification = link_column("notification", _("notification"))
    actions_offered = column(lambda token: ", ".join(token.actions), _("actions"))
    made = time_column("created_at", _("made"))

    @display(description=_("state"))
    def state(self, token: ActionToken) -> SafeString:
        if token.voided_at:
            return mark("quiet", gettext("void: %(why)s") % {"why": reasons.words(token, "void_reason")})
        return mark("ok", gettext("valid")) if token.expires_at > timezone.now() else mark("quiet", gettext("expired"))


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(LedgerAdmin):
    empty_says = _("Keys that detect repeated requests, kept for 7 days. No recent request had one.")
    list_display = ["key", "recipient", "response", "created_at"]
    list_select_related = ["recipient", "response__recipient"]
    found_by = ["key", "recipient__ref"]
    fields = ["key", "recipient", "notification", "response", "created_at"]
    ordering = ["-id"]
