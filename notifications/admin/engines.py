"""Workflow engines: are they sending, do they take our answers, and how their words map to ours."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminURLInputWidget

from notifications import again
from notifications.admin.base import HistoryAdmin, LedgerAdmin, ReadOnlyInline
from notifications.admin.decorators import action, display
from notifications.admin.fields import JsonObjectField
from notifications.admin.filters import Conditions
from notifications.admin.keys import key_state, secret_state
from notifications.admin.mapping_page import mapping_page
from notifications.admin.words import ago, link, list_url, mark
from notifications.connectors import CONNECTORS
from notifications.mapping import InvalidExpression, check_expression
from notifications.models import (
    AnswerMapping,
    ApiKey,
    Callback,
    CallbackState,
    Engine,
    Event,
    EventMapping,
    SigningSecret,
)
from notifications.models.validators import validate_callback_url


class EngineForm(forms.ModelForm):
    kind = forms.ChoiceField(
        choices=[(connector.kind, connector.label) for connector in CONNECTORS],
        initial="webhook",
        widget=UnfoldAdminSelectWidget,
    )

    callback_url = forms.URLField(
        label=_("Address for answers"),
        required=False,
        max_length=500,
        assume_scheme="https",
        widget=UnfoldAdminURLInputWidget,
        help_text=_("Where answers are sent. Empty: answers are kept and can be read by API."),
    )

    def clean_callback_url(self) -> str:
        """Refused here already: an address that calls would never be made to."""
        address: str = self.cleaned_data["callback_url"]
        if address:
            validate_callback_url(address, settings.OUTBOUND_ALLOWED_CIDRS)
        return address


class EventMappingForm(forms.ModelForm):
    def clean_expression(self) -> str:
        expression: str = self.cleaned_data["expression"]
        try:
            check_expression(expression)
        except InvalidExpression as fault:
            raise ValidationError(str(fault)) from fault
        return expression


class AnswerMappingForm(forms.ModelForm):
    variables = JsonObjectField(
        required=False, rows=3, help_text=_("A JSON object; it overlays the person's own variables.")
    )


class EventMappingInline(TabularInline):
    model = EventMapping
    form = EventMappingForm
    extra = 0
    hide_title = True
    verbose_name_plural = _("its own JSON → CloudEvent (only for engines that cannot send CloudEvents)")


class AnswerMappingInline(TabularInline):
    model = AnswerMapping
    form = AnswerMappingForm
    extra = 0
    hide_title = True
    verbose_name_plural = _("our actions → its outcomes and variables")


class ApiKeyInline(ReadOnlyInline):
    model = ApiKey
    verbose_name_plural = _("API keys")
    fields = ["name", "starts", "scopes", "last_used", "state"]
    readonly_fields = fields

    @display(description=_("begins with"))
    def starts(self, key: ApiKey) -> str:
        return f"wfp_{key.prefix}…"

    @display(description=_("last used"))
    def last_used(self, key: ApiKey) -> SafeString:
        return ago(key.last_used_at)

    @display(description=_("works"))
    def state(self, key: ApiKey) -> SafeString:
        return key_state(key)


class SigningSecretInline(ReadOnlyInline):
    model = SigningSecret
    fields = ["made", "ends"]
    readonly_fields = fields

    @display(description=_("made"))
    def made(self, secret: SigningSecret) -> SafeString:
        return ago(secret.created_at)

    @display(description=_("signs and verifies"))
    def ends(self, secret: SigningSecret) -> SafeString:
        return secret_state(secret)


class Endpoint(Conditions):
    title = _("answers")
    parameter_name = "answers"
    conditions = {
        "disabled": (_("stopped: the engine said its address is gone"), Q(callback_disabled_at__isnull=False)),
        "none": (_("kept here: no address"), Q(callback_url="")),
        "sent": (_("sent"), Q(callback_disabled_at=None, active=True) & ~Q(callback_url="")),
    }


@admin.register(Engine)
class EngineAdmin(HistoryAdmin):
    form = EngineForm
    list_display = ["name", "slug", "kind", "answers", "waiting_answers", "last_event", "on"]
    list_filter = ["active", Endpoint, "kind"]
    search_fields = ["name", "slug", "callback_url"]
    prepopulated_fields = {"slug": ["name"]}
    readonly_fields = ["answers", "created_at"]
    fieldsets = [
        (None, {"fields": ["name", "slug", "kind", "active"]}),
        (_("Answers"), {"fields": ["callback_url", "answers"]}),
    ]
    parts = [EventMapping, AnswerMapping, ApiKey, SigningSecret]
    inlines = [ApiKeyInline, SigningSecretInline, EventMappingInline, AnswerMappingInline]
    actions_detail = ["new_key", "rotate_secret", "try_mapping", "enable_answers"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Engine]:
        waiting = Q(callbacks__state=CallbackState.WAITING)
        newest = Event.objects.filter(engine=OuterRef("pk")).order_by("-id").values("received_at")[:1]
        engines: QuerySet[Engine] = super().get_queryset(request)
        return engines.annotate(waiting=Count("callbacks", filter=waiting), last_event_at=Subquery(newest))

    def get_inlines(self, request: HttpRequest, obj: Engine | None) -> list[Any]:
        """Mappings can be written at once; keys and secrets need the engine to be there."""
        return list(self.inlines) if obj else [EventMappingInline, AnswerMappingInline]

    def save_model(self, request: HttpRequest, obj: Engine, form: Any, change: bool) -> None:
        moved = change and "callback_url" in form.changed_data
        if moved:
            obj.callback_disabled_at, obj.callback_disabled_reason = None, ""
        super().save_model(request, obj, form, change)
        if not change or not obj.takes_answers or not (moved or "active" in form.changed_data):
            return
        again.hurry_callbacks(obj, timezone.now())
        if moved and obj.callbacks.filter(state=CallbackState.WAITING).exists():
            self.message_user(request, gettext("Answers that waited are sent to the new address."), messages.INFO)

    # --- columns ----------------------------------------------------------------------------------------------------
    @display(description=_("answers"))
    def answers(self, engine: Engine) -> SafeString:
        if not engine.pk or not engine.callback_url:
            return mark("quiet", gettext("kept here, to be read by API"))
        if engine.callback_disabled_at:
            return mark(
                "bad", gettext("stopped: %(why)s") % {"why": engine.callback_disabled_reason or gettext("address gone")}
            )
        return mark("ok", gettext("sent to %(address)s") % {"address": engine.callback_url})

    @display(description=_("answers waiting"), ordering="waiting")
    def waiting_answers(self, engine: Any) -> SafeString | int:
        if not engine.waiting:
            return 0
        query = f"engine__id__exact={engine.pk}&state__exact={CallbackState.WAITING}"
        return format_html('<a class="desk-link" href="{}">{}</a>', list_url(Callback, query), engine.waiting)

    @display(description=_("last event"), ordering="last_event_at")
    def last_event(self, engine: Any) -> SafeString:
        return ago(engine.last_event_at)

    @display(description=_("active"), ordering="active", boolean=True)
    def on(self, engine: Engine) -> bool:
        return engine.active

    # --- actions ----------------------------------------------------------------------------------------------------
    def offers(self, action: str, row: Engine) -> bool:
        return action != "enable_answers" or row.callback_disabled_at is not None

    def has_new_key_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("notifications.add_apikey")

    def has_new_secret_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("notifications.add_signingsecret")

    @action(description=_("New API key"), url_path="new-key", permissions=["new_key"], icon="key")
    def new_key(self, request: HttpRequest, object_id: str) -> HttpResponse:
        engine = self.found(request, object_id)
        return HttpResponseRedirect(f"{reverse('admin:notifications_apikey_add')}?engine={engine.pk}")

    @action(
        description=_("New signing secret"),
        url_path="new-secret",
        permissions=["new_secret"],
        icon="autorenew",
    )
    def rotate_secret(self, request: HttpRequest, object_id: str) -> HttpResponse:
        engine = self.found(request, object_id)
        return HttpResponseRedirect(f"{reverse('admin:notifications_signingsecret_add')}?engine={engine.pk}")

    @action(description=_("Try the mapping"), url_path="mapping", permissions=["change"], icon="science")
    def try_mapping(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return mapping_page(self, request, self.found(request, object_id))

    @action(description=_("Send answers again"), url_path="enable-answers", permissions=["change"], icon="play_arrow")
    def enable_answers(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """After a 410: the address works again."""
        engine: Engine = self.found(request, object_id)
        if engine.callback_disabled_at is None:
            return self.done(request, engine, gettext("Answers to this engine are not stopped."), messages.INFO)
        if request.method != "POST":
            text = gettext(
                "%(engine)s said that %(address)s is gone: “%(why)s”. Answers given since wait. "
                "Send them to this address again?"
            )
            told = {"engine": engine, "address": engine.callback_url, "why": engine.callback_disabled_reason}
            return self.ask(
                request,
                engine,
                title=gettext("Send answers again"),
                text=text % told,
                button=gettext("Send answers again"),
            )
        again.enable_answers(engine, timezone.now())
        return self.done(request, engine, gettext("Answers are sent to %(engine)s again.") % {"engine": engine})


class PartOfEngine(LedgerAdmin):
    """Found across all engines here; edited on the engine's own page."""

    list_select_related = ["engine"]
    list_display_links = None

    @display(description=_("engine"), ordering="engine__name")
    def of_engine(self, row: Any) -> SafeString:
        return link(row.engine)


@admin.register(EventMapping)
class EventMappingAdmin(PartOfEngine):
    list_display = ["of_engine", "member", "expression"]
    list_filter = ["engine"]
    search_fields = ["member", "expression", "engine__name"]


@admin.register(AnswerMapping)
class AnswerMappingAdmin(PartOfEngine):
    list_display = ["of_engine", "action", "outcome", "variables"]
    list_filter = ["engine"]
    search_fields = ["action", "outcome", "engine__name"]
