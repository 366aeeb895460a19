"""Workflow engines: whether they send, whether they take our answers, and how their JSON maps to ours."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, OuterRef, Q, Subquery
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from simple_history.utils import update_change_reason
from unfold.widgets import UnfoldAdminSelectWidget

from notifications import reasons
from notifications.admin.desk.base import DeskChangeList, HistoryAdmin
from notifications.admin.desk.decorators import action, display, time_column
from notifications.admin.desk.display import list_url
from notifications.admin.desk.fields import CalledAddressField
from notifications.admin.desk.filters import Conditions
from notifications.admin.desk.history_states import State
from notifications.admin.engines.engine_access import (
    AccessInline,
    SingleInline,
    has_moved,
    switch,
    usual_paths,
    usual_token_url,
)
from notifications.admin.engines.engine_accounts import PersonalInline
from notifications.admin.engines.engine_mappings import AnswerMappingInline, EventMappingInline, mapping_page
from notifications.admin.engines.engine_pages import connection_page, preview_page
from notifications.admin.engines.engine_states import state_with_faults
from notifications.admin.engines.engine_wizard import STEP_PAGES, EngineWizard
from notifications.admin.engines.keys import ApiKeyInline, SigningSecretInline
from notifications.connectors import CONNECTORS, connector_for, labels, reader_for
from notifications.connectors.rest import RestConnector
from notifications.engines import changes, requeue
from notifications.engines.health import health_of
from notifications.models import (
    AnswerMapping,
    ApiKey,
    AuthKind,
    Callback,
    CallbackState,
    ConnectedAccount,
    Engine,
    EngineAccess,
    Event,
    EventMapping,
    PersonalSignIn,
    Poll,
    SigningSecret,
)


def address_words(kind: str) -> tuple[str, str]:
    """Return the label and the help of the engine's address for this kind."""
    connector = CONNECTORS.get(kind)
    if not isinstance(connector, RestConnector):
        return gettext("Address for answers"), gettext(
            "Where answers are sent. Empty: answers are kept and can be read by API."
        )
    arguments = {"example": connector.address_example}
    help_text = gettext("Its root, such as %(example)s. Empty: answers are kept and can be read by API.") % arguments
    return gettext("Address of the REST interface"), help_text


class EngineForm(forms.ModelForm):
    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=labels,
        initial=Engine._meta.get_field("kind").default,
        widget=UnfoldAdminSelectWidget,
    )

    callback_url = CalledAddressField(label=_("Address for answers"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "kind" not in self.fields:  # for users who may not change it
            return
        address = self.fields["callback_url"]
        address.label, help_text = address_words(self["kind"].value())
        address.help_text = format_html('<span id="id_callback_url_helptext">{}</span>', help_text)
        self.fields["kind"].widget.attrs["data-switch"] = switch({kind: _field_switch(kind) for kind in CONNECTORS})


def _field_switch(kind: str) -> dict[str, Any]:
    """Return the fields that the form hides for a kind, and the labels of the others."""
    reader = reader_for(kind)
    paths = reader.paths if reader is not None else {}
    parts = ["#access-group", "#personal-group", "#poll-group", ".field-reads_before_answers"]
    missing = set(AuthKind.values) - set(connector_for(kind).sign_ins)
    no_choice = [f'#access-group option[value="{auth}"]' for auth in sorted(missing)] if reader else []
    hidden = [*([] if reader else parts), *([] if paths else [".field-paths"]), *no_choice]
    words = {"callback_url": address_words(kind), "paths": [None, usual_paths(paths)]}
    return {"hide": hidden, "words": {**words, "token_url": [None, usual_token_url(reader)]}}


# --- polling of tasks -------------------------------------------------------------------------------------------------
class PollForm(forms.ModelForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            self.initial["enabled"] = False  # so that ticking it alone makes the engine a polled one

    def save(self, commit: bool = True) -> Any:
        """Save only the fields of the form: the dispatcher may write the others at the same time."""
        if self.instance._state.adding or not commit:
            return super().save(commit)
        self.instance.save(update_fields=["enabled", "every", "sweep_every"])
        changes.poll_now(self.instance, timezone.now())
        return self.instance


class PollInline(SingleInline):
    model = Poll
    form = PollForm
    last_poll = time_column("asked_at", _("last poll"))
    swept = time_column("swept_at", _("last full poll"))
    readonly_fields = ["last_poll", "swept"]
    fieldsets = [
        (
            None,
            {
                "fields": ["enabled", ("every", "sweep_every"), ("last_poll", "swept")],
                "description": _(
                    "For engines that cannot call us: wfpush reads their open tasks by REST. Without "
                    "“JSON → CloudEvent” expressions, the preset of its kind applies."
                ),
            },
        )
    ]


# --- lists ------------------------------------------------------------------------------------------------------------
class Endpoint(Conditions):
    title = _("answers")
    parameter_name = "answers"
    conditions = {
        "disabled": (_("stopped: the engine said its address is gone"), Q(callback_disabled_at__isnull=False)),
        "none": (_("kept here: no address"), Q(callback_url="")),
        "sent": (_("sent"), Q(callback_disabled_at=None, active=True) & ~Q(callback_url="")),
    }


class PollState(Conditions):
    title = _("polled for tasks")
    parameter_name = "asking"
    conditions = {
        "failing": (_("that comes to nothing"), Q(poll__enabled=True, poll__error_fact__isnull=False)),
        "yes": (_("asked"), Q(poll__enabled=True)),
        "no": (_("not polled"), Q(poll=None) | Q(poll__enabled=False)),
    }


class EngineList(DeskChangeList):
    """The list of engines. The health of those on a page is read in a few queries."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list: Any = list(self.result_list)
        states = health_of(self.result_list, timezone.now())
        for engine in self.result_list:
            engine.health = states[engine.pk]


@admin.register(Engine)
class EngineAdmin(EngineWizard, HistoryAdmin):
    empty_says = _("Systems that send events and receive the answers. Add the first one by its name, kind and address.")
    kept_when_restored = ["callback_disabled_at", "callback_disabled_reason_fact", "created_at"]
    form = EngineForm
    list_display = ["name", "kind_label", "state", "waiting_answers", "last_event", "active"]
    list_filter = ["active", Endpoint, PollState, "kind"]
    search_fields = ["name", "slug", "callback_url"]
    prepopulated_fields = {"slug": ["name"]}
    readonly_fields = ["state_in_full", "created_at"]
    fieldsets = [(None, {"fields": ["name", "slug", "kind", "active"]})]
    parts = [EventMapping, AnswerMapping, ApiKey, SigningSecret, EngineAccess, PersonalSignIn, ConnectedAccount, Poll]
    inlines = [
        AccessInline,
        PersonalInline,
        PollInline,
        ApiKeyInline,
        SigningSecretInline,
        EventMappingInline,
        AnswerMappingInline,
    ]
    actions_list = ["connect"]
    actions_detail = [
        *STEP_PAGES,  # first: `<path:object_id>/mapping/` would take the address of the step of this name, too
        "test_connection",
        "what_would_be_sent",
        "try_mapping",
        "enable_answers",
    ]

    def get_queryset(self, request: HttpRequest) -> Any:
        waiting = Q(callbacks__state=CallbackState.WAITING)
        newest = Event.objects.filter(engine=OuterRef("pk")).order_by("-id").values("received_at")[:1]
        engines = super().get_queryset(request).select_related("poll")
        return engines.annotate(waiting=Count("callbacks", filter=waiting), last_event_at=Subquery(newest))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[EngineList]:
        return EngineList

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Return the list with one way to a new engine: “Connect an engine”, which leads through the same fields."""
        page: HttpResponse = super().changelist_view(request, {"has_add_permission": False, **(extra_context or {})})
        return page

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Return the fieldsets. A new engine has no state yet."""
        [(title, first)] = self.fieldsets
        shown = {"fields": [*first["fields"], *(["state_in_full"] if obj else [])]}
        answers = {"fields": ["callback_url", "reads_before_answers"]}
        fieldsets = [(title, shown), (_("Answers"), answers), (_("Events"), {"fields": ["most_waiting"]})]
        return self.fold_prepopulated(fieldsets)

    def get_inlines(self, request: HttpRequest, obj: Engine | None) -> list[Any]:
        """Return the inlines. Mappings can be added at once; keys and secrets need an existing engine."""
        return [each for each in self.inlines if obj or each not in (ApiKeyInline, SigningSecretInline)]

    def save_model(self, request: HttpRequest, obj: Engine, form: Any, change: bool) -> None:
        changed = form.changed_data if change else ()
        changes.before_saving(obj, changed)
        super().save_model(request, obj, form, change)
        if changes.after_saving(obj, changed, timezone.now()):
            self.message_user(request, gettext("Answers that waited are sent to the new address."), messages.INFO)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Note in the engine's history which fields of its sign-in changed, without their values."""
        super().save_formset(request, form, formset, change)
        what = {EngineAccess: "Sign-in", PersonalSignIn: "People's sign-in"}.get(formset.model)
        if what and (formset.new_objects or formset.changed_objects):
            update_change_reason(form.instance, f"{what}: {', '.join(formset.forms[0].changed_data)}"[:100])

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Delete the credentials of a kind without a REST interface; after a change of address poll all tasks again."""
        super().save_related(request, form, formsets, change)
        if changes.after_saving_parts(form.instance, form.changed_data if change else (), timezone.now()):
            text = gettext("This kind needs no sign-in: the stored credentials are deleted.")
            self.message_user(request, text, messages.INFO)

    def refuses_to_restore(self, row: Engine, then: State, changed: Sequence[str]) -> Sequence[str]:
        """Refuse an address on another host: a stored secret is sent only to the host for which it was entered."""
        if "callback_url" not in changed or not has_moved(row.callback_url, then.values["callback_url"]):
            return ()
        access = EngineAccess.objects.filter(engine=row).first()
        if access is None or not access.__dict__.get("secret"):  # without decrypting it
            return ()
        text = gettext(
            "The sign-in would now be sent to another host: change the address yourself, and enter it again."
        )
        return [text]

    # --- columns ----------------------------------------------------------------------------------------------------
    @display(description=_("state"))
    def state(self, engine: Any) -> SafeString:
        return state_with_faults(engine.health, 120)

    @display(description=_("state"))
    def state_in_full(self, engine: Engine) -> SafeString:
        [state] = health_of([engine], timezone.now()).values()
        return state_with_faults(state)

    @display(description=_("answers waiting"), ordering="waiting")
    def waiting_answers(self, engine: Any) -> SafeString | int:
        if not engine.waiting:
            return 0
        query = f"engine__id__exact={engine.pk}&state__exact={CallbackState.WAITING}"
        return format_html('<a class="desk-link" href="{}">{}</a>', list_url(Callback, query), engine.waiting)

    @display(description=_("kind"), ordering="kind")
    def kind_label(self, engine: Engine) -> str:
        return dict(labels()).get(engine.kind, engine.kind)

    last_event = time_column("last_event_at", _("last event"))

    # --- actions ----------------------------------------------------------------------------------------------------
    def offers(self, action: str, row: Engine) -> bool:
        return row.callback_disabled_at is not None if action == "enable_answers" else action not in STEP_PAGES

    @action(description=_("Test the connection"), url_path="connection", permissions=["change"], icon="network_check")
    def test_connection(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return connection_page(self, request, self.get_row(request, object_id))

    @action(description=_("Preview of requests"), url_path="preview", permissions=["view"], icon="preview")
    def what_would_be_sent(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return preview_page(self, request, self.get_row(request, object_id))

    @action(description=_("Try the mapping"), url_path="mapping", permissions=["change"], icon="science")
    def try_mapping(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return mapping_page(self, request, self.get_row(request, object_id))

    @action(description=_("Send answers again"), url_path="enable-answers", permissions=["change"], icon="play_arrow")
    def enable_answers(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Enable the address again after a 410."""
        engine: Engine = self.get_row(request, object_id)
        if engine.callback_disabled_at is None:
            return self.done(request, engine, gettext("Answers to this engine are not stopped."), messages.INFO)
        if request.method != "POST":
            text = gettext(
                "%(engine)s said that %(address)s is gone: “%(why)s”. Answers given since wait. "
                "Send them to this address again?"
            )
            why = reasons.words(engine, "callback_disabled_reason")
            arguments = {"engine": engine, "address": engine.callback_url, "why": why}
            return self.ask(request, engine, title=gettext("Send answers again"), text=text % arguments)
        requeue.enable_answers(engine, timezone.now())
        return self.done(request, engine, gettext("Answers are sent to %(engine)s again.") % {"engine": engine})
