"""The page for trying an engine's mapping: the engine's JSON in, the CloudEvent out. Offers presets."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget

from notifications.admin.base import DeskAdmin
from notifications.admin.reading import ReadError, read_json, sentences_of
from notifications.connectors import presets
from notifications.errors import InvalidEvent
from notifications.intake import cloudevents, mapping
from notifications.models import Engine
from notifications.wording.plaintext import escape_hidden_in_json


class TryForm(forms.Form):
    body = forms.CharField(
        label=_("The engine's JSON"),
        max_length=1024 * 1024,
        strip=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 16, "class": "desk-code", "spellcheck": "false"}),
        help_text=_("What the engine sends, as it stands in its documentation or its log."),
    )


def mapping_page(desk: DeskAdmin, request: HttpRequest, engine: Engine) -> HttpResponse:
    known = presets()
    chosen = known.get(request.POST.get("preset", ""))
    if chosen is not None:
        mapping.use_preset(engine, chosen.preset)
        text = gettext("The mapping of %(engine)s is now the preset for %(preset)s. Try it on what your engine sends.")
        return desk.done(request, engine, text % {"engine": engine, "preset": chosen.label})
    form = TryForm(request.POST or None)
    rows = list(engine.event_mappings.values_list("member", "expression"))
    offered = [(name, connector.label) for name, connector in known.items()]
    context: dict[str, Any] = {"engine": engine, "form": form, "rows": rows, "presets": offered}
    if request.method == "POST" and form.is_valid():
        context |= _tried(engine, rows, form)
    return desk.page(
        request, "admin/desk/mapping.html", gettext("Mapping of %(engine)s") % {"engine": engine}, **context
    )


def _tried(engine: Engine, rows: list[tuple[str, str]], form: TryForm) -> dict[str, Any]:
    """The CloudEvent, and what the API would answer."""
    try:
        document = read_json(form.cleaned_data["body"])
        event = mapping.translate(rows, document, source=f"/engines/{engine.slug}")
    except ReadError as fault:
        return {"faults": fault.sentences}
    except InvalidEvent as refused:
        return {"faults": sentences_of(refused)}
    shown = {"event": escape_hidden_in_json(event, indent=2)}
    try:
        cloudevents.structured(event)
    except InvalidEvent as refused:
        return {**shown, "faults": sentences_of(refused)}
    return {**shown, "accepted": True}
