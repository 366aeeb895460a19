"""The dry run: for an event, who would be notified by which channels, and which routes match and why. Nothing is stored
or sent."""

from typing import Any

import structlog
from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from notifications.admin.desk.base import DeskAdmin
from notifications.admin.desk.display import change_url
from notifications.admin.engines.pasted_events import ReadError, event_named, read_event
from notifications.admin.ledger.timeline import Line, dry_lines
from notifications.models import Engine, Event, EventType, Route
from notifications.routing import pipeline
from notifications.types import InboundEvent, Json
from notifications.wording.plaintext import escape_hidden_in_json

log = structlog.get_logger(__name__)


class DryRunForm(forms.Form):
    engine = forms.ModelChoiceField(
        Engine.objects.all(), label=_("As sent by"), widget=UnfoldAdminSelectWidget, empty_label=None
    )
    body = forms.CharField(
        label=_("The event"),
        max_length=1024 * 1024,
        strip=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 18, "class": "desk-code", "spellcheck": "false"}),
        help_text=_("A CloudEvent as JSON, or the engine's own JSON if it has a mapping."),
    )


def sees_events(request: HttpRequest) -> bool:
    return request.user.has_perm("notifications.view_event")


def dry_run_page(desk: DeskAdmin, request: HttpRequest, route: Route | None = None) -> HttpResponse:
    """Return the page. GET fills the form from `?sample=`, or `?event=` if the user may read events. POST runs it."""
    if not (sees_events(request) or request.user.has_perm("notifications.change_route")):
        raise PermissionDenied
    context: dict[str, Any] = {"route": route, "samples": samples(), "chosen": request.GET.get("sample", "")}
    if request.method == "POST":
        form = DryRunForm(request.POST)
        if form.is_valid():
            context["lines"] = _run(request, form)
    else:
        form = DryRunForm(initial=starting_event(request, route))
    return desk.page(request, "admin/desk/dry_run.html", gettext("Dry run"), form=form, **context)


def _run(request: HttpRequest, form: DryRunForm) -> list[Line] | None:
    inbound = event_of(form)
    if inbound is None:
        return None
    engine: Engine = form.cleaned_data["engine"]
    lines = arrival(engine, inbound)
    if not sees_events(request):
        lines[-1].href = ""
    try:
        result = pipeline.dry_run(engine, inbound, timezone.now())
    except Exception as fault:  # the page reports any error that would stop the real event
        return [*lines, explain_failure(fault, engine, inbound)]
    return [*lines, *dry_lines(result.plan.as_json(), result.status)]


def event_of(form: DryRunForm) -> InboundEvent | None:
    """Return the event of a valid form. None for an invalid event, with the errors added to the form."""
    try:
        return read_event(form.cleaned_data["engine"], form.cleaned_data["body"])
    except ReadError as fault:
        for sentence in fault.sentences:
            form.add_error("body", sentence)
        return None


def arrival(engine: Engine, inbound: InboundEvent) -> list[Line]:
    text = gettext("event %(type)s from %(engine)s would come in") % {"type": inbound.type, "engine": engine}
    existing = pipeline.known_event(engine, inbound)
    if existing is None:
        return [Line(text, "ok")]
    repeat = gettext("an event with this source and id exists, so this counts as a repeat; with another id:")
    return [Line(text, "ok"), Line(repeat, "quiet", href=change_url(existing))]


def explain_failure(fault: Exception, engine: Engine, inbound: InboundEvent) -> Line:
    """Return a line with the error and advice. Call it in the except block: the log gets the traceback."""
    log.exception("dry_run_failed", engine=engine.slug, type=inbound.type)
    line = Line(gettext("it could not be processed: %(error)s") % {"error": pipeline.error_of(fault)}, "bad")
    advice = (
        gettext("A real event would be retried for an hour and then given up: nobody would be notified."),
        gettext("See whether another event goes through. If it does, compare the two."),
        gettext("If none does, look at the History of the rules and templates changed last."),
        gettext("The log of the web process has the whole error, as “dry_run_failed”."),
    )
    line.below = [Line(sentence, "quiet") for sentence in advice]
    return line


# --- the event to start from ----------------------------------------------------------------------------------------
def samples() -> QuerySet[EventType]:
    return EventType.objects.exclude(sample={})


def starting_event(request: HttpRequest, route: Route | None = None) -> dict[str, Any]:
    """Return the initial values of the form: the requested real event or sample, else the first sample."""
    event = event_named(request.GET.get("event", "")) if sees_events(request) else None
    if event is not None:
        return {"engine": event.engine_id, "body": escape_hidden_in_json(as_cloudevent(event), indent=2)}
    described = samples()
    chosen = request.GET.get("sample", "")
    event_type = described.filter(pk=chosen).first() if chosen.isdecimal() else None
    if event_type is None and route is not None:
        event_type = described.filter(routes=route).first()
    event_type = event_type or described.first()
    engine = route.engine if route is not None and route.engine else Engine.objects.filter(active=True).first()
    body = escape_hidden_in_json(sample_event(event_type), indent=2) if event_type else ""
    return {"engine": engine and engine.pk, "body": body}


def as_cloudevent(event: Event) -> Json:
    """Return a stored event as it was sent, with a new id, so that it does not count as a repeat."""
    names = {"id": f"{event.event_id[:180]} (dry run)", "source": event.source, "type": event.type}
    subject = {"subject": event.subject} if event.subject else {}
    return {"specversion": "1.0", **names, **subject, **event.extensions, "data": event.data}


def sample_event(event_type: EventType) -> Json:
    names = {"id": "dry-run", "source": "dry-run", "type": event_type.name}
    return {"specversion": "1.0", **names, "data": event_type.sample}
