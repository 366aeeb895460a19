"""The desk's first page: whether everybody was notified, and if not, why. It shows waiting, late and failed work."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.apps import apps
from django.db.models import Count, Min, Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.module_loading import import_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from notifications import reasons
from notifications.additions import OverviewPanel, OverviewPart
from notifications.admin.desk.alarms import ALARMS
from notifications.admin.desk.display import Tone, ago, change_url, list_url, mark, shortened, since, span
from notifications.admin.desk.first_steps import first_steps
from notifications.admin.ledger.events import event_mark
from notifications.admin.ledger.timeline import tries_and_error, why_not_sent
from notifications.cases.lateness import late
from notifications.engines.callback import WITHOUT_ADDRESS
from notifications.models import (
    ANSWERABLE,
    DEADLINE,
    Callback,
    CallbackState,
    Delivery,
    DeliveryState,
    Engine,
    Event,
    EventStatus,
    Recipient,
    Route,
    Task,
    Template,
    TemplateVersion,
    VersionState,
)
from notifications.wording.plaintext import clean_line, cut
from wfpush import features
from wfpush.identifiers import lowest_id
from wfpush.queue.outbox import RETRIED

ROWS = 8
MAX_COUNT = 1_000
FAILED_WITHIN = timedelta(days=7)


@dataclass
class Tile:
    """A number, and the worst of the rows that it counts."""

    title: str
    count: str
    href: str
    tone: Tone
    worst: str = ""
    worst_href: str = ""
    parts: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Row:
    when: SafeString
    what: SafeString | str
    detail: SafeString | str
    href: str


@dataclass
class Panel:
    """A short list of problems. `empty` is shown if there are none."""

    title: str
    href: str
    empty: str
    rows: list[Row]


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Return the context of the index page. Each part is shown to users who may see its rows."""
    now = timezone.now()
    sees = partial(may_see, request)
    panels = [make(now) for model, make in all_panels() if sees(model)]
    parts = features.added(OverviewPart)
    for part in parts:
        context |= import_string(part.context)(request, now)
    return {
        **context,
        "title": _("Overview"),
        "steps": first_steps() if all(map(sees, (Engine, Recipient, Route, Event))) else [],
        "alarms": [alarm for model, make in ALARMS if sees(model) for alarm in make(now)],
        "tiles": [make(now) for model, make in TILES if sees(model)],
        "panels": [panel for panel in panels if panel.rows],
        "well": [panel for panel in panels if not panel.rows],
        "parts": [part.template for part in parts],
        "recent": recent_events(now) if sees(Event) else None,
    }


def may_see(request: HttpRequest, model: type[Model]) -> bool:
    return request.user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}")


def bounded_count(rows: QuerySet[Any]) -> int:
    return rows.order_by()[: MAX_COUNT + 1].count()


def count_text(count: int) -> str:
    return f"{MAX_COUNT}+" if count > MAX_COUNT else str(count)


# --- tiles ----------------------------------------------------------------------------------------------------------
def _joined(length: timedelta) -> str:
    return span(length).replace(" ", "\N{NO-BREAK SPACE}")


def waiting_tile(now: datetime) -> Tile:
    tasks = Task.objects.filter(state__in=ANSWERABLE)
    tile = Tile(_("Waiting now"), count_text(bounded_count(tasks)), list_url(Task, "now=waiting"), "wait")
    if (oldest := tasks.order_by("id").first()) is None:
        return replace(tile, tone="ok", worst=_("Nothing is waiting for anybody."))
    worst = _("Oldest: “%(task)s”, received %(span)s ago") % {"task": oldest, "span": _joined(now - oldest.created_at)}
    return replace(tile, worst=worst, worst_href=change_url(oldest))


def late_tile(now: datetime) -> Tile:
    tasks = Task.objects.filter(late(now))
    tile = Tile(_("Late now"), count_text(bounded_count(tasks)), list_url(Task, "now=late"), "bad")
    latest = tasks.order_by(DEADLINE).first()
    if latest is None or latest.deadline is None:
        return replace(tile, tone="ok", worst=_("Nothing is late."))
    worst = _("Most overdue: “%(task)s”, by %(span)s") % {"task": latest, "span": _joined(now - latest.deadline)}
    return replace(tile, worst=worst, worst_href=change_url(latest))


def failing_tile(now: datetime) -> Tile:
    """Return the tile of events that fail and are still tried: their people have not been notified."""
    events = Event.objects.filter(RETRIED)
    tile = Tile(_("Failing now"), count_text(bounded_count(events)), list_url(Event, "tries=again"), "bad")
    if (oldest := events.order_by("pk").first()) is None:
        return replace(tile, tone="ok", worst=_("No event has to be tried again."))
    why = cut(clean_line(tries_and_error(oldest)), 200)
    arguments = {"event": oldest, "span": _joined(now - oldest.received_at), "why": why}
    return replace(
        tile, worst=_("Longest: “%(event)s”, for %(span)s, %(why)s") % arguments, worst_href=change_url(oldest)
    )


def failed_tile(now: datetime) -> Tile:
    """Return the tile of failed work by weight: answers not told to engines, then events, then messages."""
    since_id = lowest_id(now - FAILED_WITHIN)
    kinds: list[tuple[str, type[Model], str, str, list[str]]] = [
        (_("Answers"), Callback, "state", CallbackState.FAILED, ["response__recipient", "engine"]),
        (_("Events"), Event, "status", EventStatus.FAILED, ["engine"]),
        (_("Deliveries"), Delivery, "state", DeliveryState.DEAD, ["recipient"]),
    ]
    first_list = list_url(Callback, f"state__exact={CallbackState.FAILED}&within=168")
    tile, total = Tile(_("Failed, last 7 days"), "0", first_list, "ok", _("Nothing failed.")), 0
    for name, model, field_name, state, related in kinds:
        rows = model._default_manager.filter(**{"pk__gte": since_id, field_name: state})
        count = bounded_count(rows)
        if not count:
            continue
        total += count
        tile.parts.append((f"{name}: {count_text(count)}", list_url(model, f"{field_name}__exact={state}&within=168")))
        if not tile.worst_href:
            worst = rows.select_related(*related).order_by("pk")[0]
            tile.worst, tile.worst_href, tile.tone = _("Worst: %(row)s") % {"row": worst}, change_url(worst), "bad"
            tile.href = tile.parts[0][1]
    tile.count = count_text(total)
    return tile


TILES: list[tuple[type[Model], Callable[[datetime], Tile]]] = [
    (Task, waiting_tile),
    (Task, late_tile),
    (Event, failing_tile),
    (Callback, failed_tile),
]


# --- panels ---------------------------------------------------------------------------------------------------------
def recent_events(now: datetime) -> Panel:
    events = Event.objects.select_related("engine", "task", "case").order_by("-id")[:ROWS]
    rows = [
        Row(
            ago(event.received_at),
            shortened(event.task or event.case or event.type),
            format_html(
                "{} {}",
                event_mark(event),
                shortened(event.type if event.task or event.case else event.engine, 50),
            ),
            change_url(event),
        )
        for event in events
    ]
    return Panel(_("Recent events"), list_url(Event), _("No event has come in yet."), rows)


def waiting_callbacks(now: datetime) -> Panel:
    waiting = Callback.objects.filter(~WITHOUT_ADDRESS, state=CallbackState.WAITING).select_related(
        "response__recipient", "engine", "task"
    )
    rows = [
        Row(
            since(each.created_at, "wait"),
            shortened(f"{each.task}: {each.says}"),
            _why_waiting(each),
            change_url(each),
        )
        for each in waiting.order_by("pk")[:ROWS]
    ]
    query = f"state__exact={CallbackState.WAITING}"
    return Panel(
        _("Answers waiting for their engine"),
        list_url(Callback, query),
        _("No answer waits for its engine."),
        rows + _kept_answers(),
    )


def _kept_answers() -> list[Row]:
    """Return a row for each engine without an address. That is no fault, so these rows come last."""
    pending = Callback.objects.filter(WITHOUT_ADDRESS).order_by("engine__name").values_list("engine", "engine__name")
    return [
        Row(
            since(oldest),
            ngettext(
                "%(engine)s has no address for answers: %(count)d answer is kept until it reads it by API.",
                "%(engine)s has no address for answers: %(count)d answers are kept until it reads them by API.",
                count,
            )
            % {"engine": name, "count": count},
            "",
            list_url(Callback, f"engine__id__exact={engine}&look=kept"),
        )
        for engine, name, count, oldest in pending.annotate(Count("pk"), Min("created_at"))[:ROWS]
    ]


def _why_waiting(callback: Callback) -> SafeString:
    if not callback.engine.takes_answers:
        return mark(*why_not_sent(callback))
    if callback.alert_fact:
        return mark("bad", f"{callback.engine}: {reasons.words(callback, 'alert')}")
    return shortened(": ".join(filter(None, [str(callback.engine), reasons.words(callback, "detail")])))


def unknown_people(now: datetime) -> Panel:
    events = Event.objects.filter(pk__gte=lowest_id(now - FAILED_WITHIN), unresolved__gt=0).select_related(
        "task", "case"
    )
    rows = []
    for event in events.order_by("-id")[:ROWS]:
        names = ", ".join(f"{each['ref']} ({reasons.words(each)})" for each in event.plan.get("unresolved") or [])
        subject = shortened(event.task or event.case or event.type)
        rows.append(Row(ago(event.received_at), shortened(names), subject, change_url(event)))
    return Panel(
        _("People nobody knows"),
        list_url(Event, "people=unresolved&within=168"),
        _("Everybody named this week is known."),
        rows,
    )


def unrouted_events(now: datetime) -> Panel:
    events = Event.objects.filter(status=EventStatus.UNROUTED).select_related("engine").order_by("-id")[:ROWS]
    rows = [
        Row(ago(event.received_at), shortened(event.type), shortened(event.engine), change_url(event))
        for event in events
    ]
    query = f"status__exact={EventStatus.UNROUTED}"
    return Panel(_("Events no rule matched"), list_url(Event, query), _("Every event found a rule."), rows)


def drafts(now: datetime) -> Panel:
    versions = (
        TemplateVersion.objects.filter(state=VersionState.DRAFT).select_related("template").order_by("-created_at")
    )
    rows = [Row(ago(each.created_at), shortened(each), each.note, change_url(each)) for each in versions[:ROWS]]
    return Panel(
        _("Templates with a draft"), list_url(Template, "published=draft"), _("No draft waits to be published."), rows
    )


PANELS: list[tuple[type[Model], Callable[[datetime], Panel]]] = [
    (Callback, waiting_callbacks),
    (Event, unrouted_events),
    (Event, unknown_people),
    (Template, drafts),
]


def all_panels() -> Iterator[tuple[type[Model], Callable[[datetime], Panel]]]:
    """Yield the panels with their models: users who may see the model's rows see the panel."""
    yield from PANELS
    for each in features.added(OverviewPanel):
        yield apps.get_model(each.model), import_string(each.panel)
