"""Categories, event types and routes, which decide who is notified of an event."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import escape, format_html_join
from django.utils.module_loading import import_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import format_lazy, get_text_list
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from notifications.additions import RouteDoubts
from notifications.admin.desk.base import HistoryAdmin, LedgerAdmin
from notifications.admin.desk.decorators import action, count_column, display, link_column
from notifications.admin.desk.display import link, mark, shortened
from notifications.admin.desk.feature_rows import ROW_REF
from notifications.admin.desk.fields import JsonObjectField, LabelsField, OrderedChoicesField
from notifications.admin.desk.filters import Conditions
from notifications.admin.rules.conditions import (
    ROWS,
    ConditionInline,
    ShowsValue,
    TargetInline,
    doubts_about_conditions,
    scope_of,
)
from notifications.admin.rules.dry_run import dry_run_page
from notifications.admin.rules.known_paths import OffersPaths, answer, offer
from notifications.admin.rules.second_person import RuleAdmin
from notifications.channel_facts import INBOX, channel_name, offered_channels
from notifications.intake.eventdata import faults_of
from notifications.models import (
    Category,
    EventType,
    EventVariable,
    Route,
    RouteCondition,
    RouteTarget,
    VersionState,
)
from notifications.models.routing import default_channels
from notifications.starter.routes import WAITING
from notifications.types import lookup
from notifications.wording import template_check
from notifications.wording.known_paths import carried
from wfpush import features

MAX_WORDS = 240
"""Most characters of a rule's conditions and targets in the list, which wraps them."""


# --- categories -----------------------------------------------------------------------------------------------------
class CategoryForm(forms.ModelForm):
    names = LabelsField(
        label=_("Names in other languages"),
        required=False,
        longest=80,
        help_text=_("One language a line, such as “de: Genehmigungen”. People who read another language see the name."),
    )
    mandatory = forms.MultipleChoiceField(
        label=_("Required channels"),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("Channels that nobody can turn off for themselves, for a team or for a brand."),
    )
    channels = OrderedChoicesField(
        offered_channels(),
        label=_("Channels"),
        initial=default_channels,
        help_text=format_lazy(
            _("In this order, separated by commas. Known: {known}."), known=", ".join(offered_channels())
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if isinstance(field := self.fields.get("mandatory"), forms.MultipleChoiceField):
            offered = [name for name in offered_channels() if name != INBOX]
            others = [name for name in self.instance.mandatory if name not in offered]
            field.choices = [(name, channel_name(name)) for name in (*offered, *others)]

    def clean(self) -> dict[str, Any]:
        form_data: dict[str, Any] = super().clean() or self.cleaned_data
        unused = [name for name in form_data.get("mandatory", []) if name not in form_data.get("channels", [name])]
        if unused:
            names = ", ".join(map(channel_name, unused))
            self.add_error("mandatory", gettext("The category does not use %(names)s.") % {"names": names})
        return form_data


@admin.register(Category)
class CategoryAdmin(HistoryAdmin):
    empty_says = _("Topics that people are notified about, and their channels. Add the first one.")
    form = CategoryForm
    list_display = ["name", "other_names", "ways", "route_count"]
    search_fields = ["name", "names", "slug"]
    prepopulated_fields = {"slug": ["name"]}
    fields = ["name", "names", "slug", "channels", "mandatory", "mandatory_reason", "frequency", "position"]
    route_count = count_column("route_total", _("rules"), Route, "category__id__exact")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(route_total=Count("routes"))

    @display(description=_("names in other languages"))
    def other_names(self, category: Category) -> str:
        return ", ".join(category.names.values())

    @display(description=_("channels"))
    def ways(self, category: Category) -> str:
        return " → ".join(category.channels)


# --- event types ----------------------------------------------------------------------------------------------------
class EventTypeForm(forms.ModelForm):
    sample = JsonObjectField(
        label=_("Sample"),
        required=False,
        rows=20,
        help_text=_("The data of one such event: previews and dry runs use it."),
    )

    def clean(self) -> dict[str, Any]:
        """Check a sample as the API checks the data of an event."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("sample") and cleaned.get("name"):
            for fault in faults_of(cleaned["name"], cleaned["sample"]):
                self.add_error("sample", f"{fault['pointer']}: {fault['detail']}")
        return cleaned


class EventVariableInline(OffersPaths, TabularInline):
    model = EventVariable
    extra = 0
    hide_title = True
    fields = ["path", "label", "sensitive", "settable"]

    def get_formset(self, request: HttpRequest, obj: EventType | None = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        offer(formset.form.base_fields.get("path"), types="[name=name]")
        return formset


class HasSample(Conditions):
    title = _("sample")
    parameter_name = "sample"
    conditions = {"no": (_("no sample"), Q(sample={})), "yes": (_("has a sample"), ~Q(sample={}))}


@admin.register(EventType)
class EventTypeAdmin(HistoryAdmin):
    empty_says = _("Types of events that rules can match. Add the first one.")
    form = EventTypeForm
    list_display = ["name", "description", "variable_list", "route_list"]
    list_filter = [HasSample]
    list_prefetch_related = ["variables", "routes"]
    search_fields = ["name", "description", "variables__path"]
    fields = ["name", "description", "sample"]
    parts = [EventVariable]
    inlines = [EventVariableInline]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        sensitive = EventVariable.objects.filter(event_type=form.instance, sensitive=True)
        before = set(sensitive.values_list("path", flat=True))
        super().save_related(request, form, formsets, change)
        self._warn_about_blanks(request, set(sensitive.values_list("path", flat=True)) - before)
        event_type = EventType.objects.get(pk=form.instance.pk)  # reload it: its variables were just saved
        missing = [each.path for each in event_type.variables.all() if lookup(event_type.sample, each.path) is None]
        if missing and event_type.sample:
            text = gettext("The sample has no %(paths)s: previews will show them as missing.")
            self.message_user(request, text % {"paths": ", ".join(missing)}, messages.WARNING)

    def _warn_about_blanks(self, request: HttpRequest, paths: set[str]) -> None:
        """Warn about published templates whose titles and short texts use variables that are sensitive from now on."""
        if not paths or not (templates := template_check.showing(paths)):
            return
        text = gettext(
            "Lock screens no longer show %(paths)s: titles and short texts of these templates show "
            "“—” instead. Reword them: %(templates)s. Messages already sent do not change."
        )
        names = format_html_join(", ", "{}", ((link(each),) for each in templates))
        arguments = {"paths": escape(", ".join(sorted(paths))), "templates": names}
        self.message_user(request, mark_safe(escape(text) % arguments), messages.WARNING)

    @display(description=_("variables"))
    def variable_list(self, event_type: EventType) -> SafeString:
        return shortened(
            ", ".join(f"{each.path}{' 🔒' if each.sensitive else ''}" for each in event_type.variables.all())
        )

    @display(description=_("rules"))
    def route_list(self, event_type: EventType) -> SafeString:
        return shortened(", ".join(each.name for each in event_type.routes.all()))


class Sensitivity(Conditions):
    title = _("sensitive")
    parameter_name = "sensitive"
    conditions = {"yes": (_("never on a lock screen"), Q(sensitive=True)), "no": (_("public"), Q(sensitive=False))}


@admin.register(EventVariable)
class EventVariableAdmin(LedgerAdmin):
    """A list of the variables of all types. They are edited on the type's page."""

    empty_says = _("Variables found in events, by engine. There are none yet.")

    list_display = ["path", "of_type", "label", "sensitive", "settable"]
    list_filter = [Sensitivity, "event_type"]
    list_select_related = ["event_type"]
    search_fields = ["path", "label"]
    of_type = link_column("event_type", _("event type"), "event_type__name")


# --- routes ---------------------------------------------------------------------------------------------------------
class Gaps(Conditions):
    title = _("gaps")
    parameter_name = "gaps"
    conditions = {
        "targets": (_("reaches nobody: no targets"), Q(targets=None)),
        "template": (_("template without a published version"), ~Q(template__versions__state=VersionState.PUBLISHED)),
    }


@admin.register(Route)
class RouteAdmin(RuleAdmin):
    empty_says = _(
        "Rules decide who is notified of an event. There is none yet: create the first one, and try it with a dry run."
    )
    list_display = ["name", "place", "when", "who", "enabled"]
    list_filter = ["enabled", Gaps, "category", "event_types", "engine"]
    list_select_related = ["category", "template", "engine"]
    list_prefetch_related = ["event_types", "conditions", "targets__team", "targets__person"]
    search_fields = ["name", "template__name", "conditions__path", "conditions__value"]
    autocomplete_fields = ["event_types", "engine", "category", "template", "brand"]
    save_as = True
    parts = [RouteCondition, RouteTarget]
    inlines = [ConditionInline, TargetInline]
    actions_list = ["dry_run"]
    actions_detail = ["dry_run_here"]
    fieldsets = [
        (None, {"fields": ["name", "enabled", "priority", "stop"]}),
        (_("When"), {"fields": ["event_types", "engine"]}),
        (_("Message"), {"fields": ["template", "category", "brand", "answer_from_email", "answer_from_push"]}),
    ]

    def get_urls(self) -> list[URLPattern]:
        paths = path("paths/", self.admin_site.admin_view(answer), name="notifications_route_paths")
        return [paths, *super().get_urls()]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        for warning in doubts_about(Route.objects.get(pk=form.instance.pk)):  # reload it: its parts were just saved
            self.message_user(request, warning, messages.WARNING)

    # --- columns ----------------------------------------------------------------------------------------------------
    @display(description=_("when"))
    def when(self, route: Route) -> SafeString:
        types = types_in_short(each.name for each in route.event_types.all()) or gettext("every event")
        from_engine = [gettext("from %(engine)s") % {"engine": route.engine}] if route.engine else []
        return scope_of([types, *from_engine], route.conditions.all(), MAX_WORDS)

    @display(description=_("who"))
    def who(self, route: Route) -> SafeString:
        targets = get_text_list([str(target) for target in route.targets.all()], gettext("and"))
        return shortened(targets, MAX_WORDS) if targets else mark("bad", gettext("nobody"))

    @display(description=_("position"), ordering="priority")
    def place(self, route: Route) -> str:
        """Return the position, and which rules let later ones match, too: few do."""
        return (
            str(route.priority)
            if route.stop
            else gettext("%(position)s · others also apply") % {"position": route.priority}
        )

    # --- actions ----------------------------------------------------------------------------------------------------
    @action(description=_("Dry run"), url_path="dry-run", permissions=["view"], icon="science")
    def dry_run(self, request: HttpRequest) -> HttpResponse:
        return dry_run_page(self, request)

    @action(description=_("Dry run"), url_path="dry-run-here", permissions=["view"], icon="science")
    def dry_run_here(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Return the dry run with this route's event type."""
        return dry_run_page(self, request, self.get_row(request, object_id))


def doubts_about(route: Route) -> list[str]:
    """Return sentences about probable mistakes. The route is saved nevertheless."""
    doubts = []
    if not route.targets.exists():
        doubts.append(gettext("This rule has no target: nobody will be notified."))
    if not route.template.versions.filter(state=VersionState.PUBLISHED).exists():
        text = gettext("The template “%(template)s” has no published version: people would only read the task's name.")
        doubts.append(text % {"template": route.template})
    if conditions := list(route.conditions.all()):
        doubts += doubts_about_conditions(conditions, carried(route.engine, route.event_types.all()))
    return [*doubts, *(doubt for each in features.added(RouteDoubts) for doubt in import_string(each.doubts)(route))]


def types_in_short(names: Iterable[str]) -> str:
    """Return names of event types. Those of waiting tasks are said in words, and the same beginning of others is named
    once: “process.started / ended”."""
    left = list(names)
    parts = []
    if set(WAITING) <= set(left):
        left = [name for name in left if name not in WAITING]
        parts.append(gettext("Tasks waiting for somebody"))
    groups: dict[str, list[str]] = {}
    for name in left:
        groups.setdefault(name.rpartition(".")[0], []).append(name)
    for start, group in groups.items():
        parts += [each if not place else each.removeprefix(f"{start}.") for place, each in enumerate(group)]
    return " / ".join(parts)


class PartOfRoute(LedgerAdmin):
    """A list of the parts of all routes. They are edited on the route's page."""

    list_select_related = ["route"]
    list_filter = ["route"]
    of_route = link_column("route", _("rule"), "route__name")


@admin.register(RouteCondition)
class RouteConditionAdmin(ShowsValue, PartOfRoute):
    empty_says = _("Conditions of rules. They are edited on the rule's page.")
    list_display = ["path", "operator", "shown_value", "of_route"]
    search_fields = ["path", "value", "route__name"]


@admin.register(RouteTarget)
class RouteTargetAdmin(PartOfRoute):
    empty_says = _("Recipients of rules. They are chosen on the rule's page.")
    list_display = ["kind", *ROWS, *(["named"] if ROW_REF else []), "path", "role", "of_route"]
    list_filter = ["kind", "team"]
    list_select_related = ["route", "team", "person"]
    search_fields = ["route__name", "team__name", "person__name", "=person__ref", "path", "role"]
