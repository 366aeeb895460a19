"""Mappings between an engine's JSON and ours, in both directions: in forms, in lists, and on a page for testing."""

import re
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminTextareaWidget

from notifications.admin.desk.base import DeskAdmin, LedgerAdmin
from notifications.admin.desk.decorators import link_column
from notifications.admin.desk.display import page_url
from notifications.admin.desk.fields import JsonObjectField
from notifications.admin.engines.first_event import received_of
from notifications.admin.engines.pasted_events import ReadError, read_json, sentences_of
from notifications.admin.rules.known_paths import OffersPaths, described, in_groups, offer_from
from notifications.answers import answer_variables
from notifications.connectors import connector_for, presets, samples
from notifications.errors import InvalidEvent
from notifications.fixed_rows import why_fixed
from notifications.intake import cloudevents, mapping
from notifications.intake.expressions import InvalidExpression, check
from notifications.models import AnswerMapping, Engine, EventMapping
from notifications.wording.known_paths import KnownPath, paths_in
from notifications.wording.plaintext import escape_hidden_in_json

POSITION = re.compile(r"\.(\d+)(?=\.|$)")
"""A position in a list: JMESPath writes `documents[0]`."""


class EventMappingForm(forms.ModelForm):
    def clean_expression(self) -> str:
        expression: str = self.cleaned_data["expression"]
        try:
            check(expression)
        except InvalidExpression as fault:
            raise ValidationError(str(fault)) from fault
        return expression


class AnswerMappingForm(forms.ModelForm):
    variables = JsonObjectField(
        label=_("Variables"),
        required=False,
        rows=3,
        help_text=_(
            "A JSON object whose values people cannot change. Filled from the answer, with types: "
            '{"approver": "{{ person.ref }}", "paid": {"type": "double", "value": "{{ variables.amount }}"}}'
        ),
    )

    def clean_variables(self) -> dict[str, Any]:
        variables: dict[str, Any] = self.cleaned_data["variables"]
        try:
            answer_variables.check(variables)
        except answer_variables.BadVariable as fault:
            raise ValidationError(str(fault)) from fault
        return variables


class EventMappingInline(OffersPaths, TabularInline):
    model = EventMapping
    form = EventMappingForm
    extra = 0
    hide_title = True
    verbose_name_plural = _("its own JSON → CloudEvent (only for engines that cannot send CloudEvents)")

    def get_formset(self, request: HttpRequest, obj: Engine | None = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        field = formset.form.base_fields.get("expression")
        if field is not None and obj is not None:  # there is no page of paths for an engine that is being added
            offer_from(field, page_url(obj, "paths"))
        return formset


class AnswerMappingInline(TabularInline):
    model = AnswerMapping
    form = AnswerMappingForm
    extra = 0
    hide_title = True
    verbose_name_plural = _("our actions → its outcomes and variables")


# --- read-only lists --------------------------------------------------------------------------------------------------
class PartOfEngine(LedgerAdmin):
    """A list of parts of all engines. They are edited on the engine's page."""

    list_select_related = ["engine"]
    list_display_links = None
    of_engine = link_column("engine", _("engine"), "engine__name")


@admin.register(EventMapping)
class EventMappingAdmin(PartOfEngine):
    empty_says = _("How an engine's own JSON becomes events. There are none yet: they are set up on the engine's page.")
    list_display = ["of_engine", "member", "expression"]
    list_filter = ["engine"]
    search_fields = ["member", "expression", "engine__name"]


@admin.register(AnswerMapping)
class AnswerMappingAdmin(PartOfEngine):
    empty_says = _("How answers are mapped to an engine. There are none yet: they are set up on the engine's page.")
    list_display = ["of_engine", "action", "task_kind", "outcome", "variables"]
    list_filter = ["engine"]
    search_fields = ["action", "outcome", "engine__name"]


# --- test page --------------------------------------------------------------------------------------------------------
class TryForm(forms.Form):
    body = forms.CharField(
        label=_("The engine's JSON"),
        max_length=1024 * 1024,
        strip=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 16, "class": "desk-code", "spellcheck": "false"}),
        help_text=_("A message of the engine, copied from its documentation or its log."),
    )


def mapping_page(desk: DeskAdmin, request: HttpRequest, engine: Engine, *, here: str = "", **more: Any) -> HttpResponse:
    """`here`: the page to return to after loading a preset, by default the engine's. `more`: context of the page.

    Until something is typed, the page shows the last JSON from the engine, or an example of its kind.
    """
    presets_by_key = presets()
    chosen = presets_by_key.get(request.POST.get("preset", ""))
    if chosen is not None and (sentence := why_fixed(engine)):
        return desk.done(request, engine, sentence, messages.ERROR)
    if chosen is not None:
        _load_preset(engine, chosen)
        text = gettext("The mapping of %(engine)s is now the preset for %(preset)s. Try it on what your engine sends.")
        done = desk.done(request, engine, text % {"engine": engine, "preset": chosen.label})
        return HttpResponseRedirect(here) if here else done
    received = received_of(engine) if request.method != "POST" else None
    form = TryForm(request.POST or {"body": received.body if received else _example(engine)})
    rows = list(engine.event_mappings.values_list("member", "expression"))
    offered = [(name, connector.label) for name, connector in presets_by_key.items()]
    context: dict[str, Any] = {"engine": engine, "form": form, "rows": rows, "presets": offered, **more}
    if received is not None:
        context["received"] = received.at
    if form.is_valid():
        context |= _mapping_result(engine, rows, form)
    title = gettext("Mapping of %(engine)s") % {"engine": engine}
    return desk.page(request, "admin/desk/mapping.html", title, **context)


@transaction.atomic
def _load_preset(engine: Engine, kind: Any) -> None:
    """Load the preset, with an entry in the engine's history."""
    mapping.use_preset(engine, kind.preset)
    engine._change_reason = f"Mapping: the preset for {kind.label}"[:100]  # type: ignore[attr-defined]  # simple_history
    engine.save(update_fields=["name"])


def _example(engine: Engine) -> str:
    return samples.text_of(connector_for(engine.kind).example)


def _mapping_result(engine: Engine, rows: list[tuple[str, str]], form: TryForm) -> dict[str, Any]:
    """Return the CloudEvent, and the faults for which the API would refuse it."""
    try:
        document = read_json(form.cleaned_data["body"])
        if isinstance(document, dict) and "specversion" in document:
            cloudevents.structured(document)
            return {"event": escape_hidden_in_json(document, indent=2), "accepted": True, "unmapped": True}
        event = mapping.translate(rows, document, source=f"/engines/{engine.slug}")
    except ReadError as fault:
        return {"faults": fault.sentences}
    except InvalidEvent as error:
        return {"faults": sentences_of(error)}
    shown = {"event": escape_hidden_in_json(event, indent=2)}
    try:
        cloudevents.structured(event)
    except InvalidEvent as error:
        return {**shown, "faults": sentences_of(error)}
    return {**shown, "accepted": True}


# --- suggestions of paths for expressions -----------------------------------------------------------------------------
def paths_answer(request: HttpRequest, engine: Engine) -> HttpResponse:
    """Return the paths as JSON. Users who may not read events get no values of real events."""
    received = received_of(engine)
    body = received.body if received is not None else _example(engine)
    with_values = received is None or request.user.has_perm("notifications.view_event")
    words = {
        "label": gettext("Known paths"),
        "source": gettext("The last message of the engine.")
        if received is not None
        else gettext("An example of its kind."),
        "none": gettext("No path matches. You can enter any expression."),
    }
    try:
        document = read_json(body)
    except ReadError:
        document = None
    shown = [_shown_path(each, with_values) for each in paths_in(document)]
    return JsonResponse({**words, "groups": in_groups(shown)})


def _shown_path(path: KnownPath, with_values: bool) -> dict[str, Any]:
    shown = described(path, with_values)
    return {**shown, "path": POSITION.sub(r"[\1]", path.path), "facts": shown["kind_said"], "about": shown["last"]}
