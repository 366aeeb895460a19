"""The page for trying an engine's mapping: the engine's JSON in, the CloudEvent out. Offers presets."""

from typing import Any

from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget

from notifications.admin.base import DeskAdmin
from notifications.admin.first_event import received_of
from notifications.admin.reading import ReadError, read_json, sentences_of
from notifications.connectors import connector_for, presets, samples
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


def mapping_page(desk: DeskAdmin, request: HttpRequest, engine: Engine, *, here: str = "", **more: Any) -> HttpResponse:
    """`here`: where to come back to from loading a preset, if not to the engine's page. `more`: context of the page.

    Until something is typed, it shows what the engine sent last, or an example of its kind.
    """
    presets_by_key = presets()
    chosen = presets_by_key.get(request.POST.get("preset", ""))
    if chosen is not None:
        _use(engine, chosen)
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
        context |= _tried(engine, rows, form)
    return desk.page(
        request, "admin/desk/mapping.html", gettext("Mapping of %(engine)s") % {"engine": engine}, **context
    )


@transaction.atomic
def _use(engine: Engine, kind: Any) -> None:
    """Load the preset, with an entry in the engine's history."""
    mapping.use_preset(engine, kind.preset)
    engine._change_reason = f"Mapping: the preset for {kind.label}"[:100]  # type: ignore[attr-defined]  # simple_history
    engine.save(update_fields=["name"])


def _example(engine: Engine) -> str:
    return samples.text_of(connector_for(engine.kind).example)


def _tried(engine: Engine, rows: list[tuple[str, str]], form: TryForm) -> dict[str, Any]:
    """The CloudEvent, and what the API would answer."""
    try:
        document = read_json(form.cleaned_data["body"])
        if isinstance(document, dict) and "specversion" in document:
            return _of_cloudevent(document)
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


def _of_cloudevent(document: dict[str, Any]) -> dict[str, Any]:
    """It needs no mapping."""
    try:
        cloudevents.structured(document)
    except InvalidEvent as refused:
        return {"faults": sentences_of(refused)}
    return {"event": escape_hidden_in_json(document, indent=2), "accepted": True, "unmapped": True}
