"""`/healthz`, `/readyz` and `/metrics`, for load balancers, orchestrators and Prometheus.

The numbers are read from the database on each request, so every process answers the same. Everything here has short
deadlines: these pages matter most when the database or Redis is away.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial, wraps
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address
from typing import Any

import structlog
from django.apps import apps
from django.conf import settings
from django.db.models import Count, Min, Q
from django.db.utils import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from prometheus_client import CONTENT_TYPE_LATEST, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from wfpush import VERSION
from wfpush.models import Heartbeat
from wfpush.observability import backlog, http_metrics, readiness, service_metrics, services, tallies
from wfpush.observability.readiness import short_statements
from wfpush.observability.write_checks import OK, database_state, redis_state
from wfpush.queue import outbox
from wfpush.web import problems

log = structlog.get_logger(__name__)

View = Callable[[HttpRequest], HttpResponse]

FORWARDED = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_VIA")


def require_get_or_head(view: View) -> View:
    """Refuse methods other than GET and HEAD, and forbid caches to keep the answer."""

    @wraps(view)
    def answer(request: HttpRequest) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return problems.problem_of_status(405, {"Allow": "GET, HEAD"})
        response = view(request)
        response.headers["Cache-Control"] = "no-store"
        return response

    return answer


# --- access ---------------------------------------------------------------------------------------
def may_see_details(request: HttpRequest) -> bool:
    """Return whether the caller is a program on this machine that connects directly, or has METRICS_TOKEN."""
    return _is_local_peer(request) or _has_token(request)


def _is_local_peer(request: HttpRequest) -> bool:
    """Return whether the peer is this machine. Requests with forwarding headers come from a proxy on it."""
    if any(name in request.META for name in FORWARDED):
        return False
    try:
        peer = ip_address(request.META.get("REMOTE_ADDR") or "")
    except ValueError:  # a unix socket has no address
        return False
    mapped = peer.ipv4_mapped if isinstance(peer, IPv6Address) else None
    return (mapped or peer).is_loopback


def _has_token(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if not settings.METRICS_TOKEN or scheme.lower() != "bearer":
        return False
    return constant_time_compare(token.strip(), settings.METRICS_TOKEN)


# --- health ---------------------------------------------------------------------------------------
@require_get_or_head
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer that the process runs. Nothing else is checked."""
    return JsonResponse({"status": OK})


@require_get_or_head
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 while events are taken and processed, else 503. `checks` has a reason for each part at fault."""
    now = timezone.now()
    checks = dict(readiness.checks(now))
    faults = {name: state for name, state in checks.items() if state != OK}
    if faults:
        log.warning("not_ready", checks=faults)
    body: dict[str, Any] = {"status": "unavailable" if faults else OK}
    if may_see_details(request):
        body["checks"] = checks
        body["notes"] = readiness.notes(now) if checks["database"] == OK else []
    return JsonResponse(body, status=HTTPStatus.SERVICE_UNAVAILABLE if faults else HTTPStatus.OK)


# --- metrics --------------------------------------------------------------------------------------
@require_get_or_head
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer in Prometheus' format: metrics of this process, and of the installation as the database has it."""
    if not may_see_details(request):
        if not settings.METRICS_TOKEN:
            return problems.problem_of_status(404)
        detail = "Send METRICS_TOKEN as Authorization: Bearer …"
        return problems.problem(401, "unauthenticated", detail, headers={"WWW-Authenticate": "Bearer"})
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    for collector in http_metrics.COLLECTORS:
        registry.register(collector)
    registry.register(Installation())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


@dataclass(frozen=True)
class Queue:
    """A table that is its own outbox. Rows outside `workable` wait for an administrator, not for a worker."""

    name: str
    model: str
    workable: Q


TALLIED = (
    ("wfpush_events", "Events by what became of them.", "events", ("state",)),
    ("wfpush_tasks", "Tasks by state.", "tasks", ("state",)),
    ("wfpush_deliveries", "Deliveries by channel and state.", "deliveries", ("channel", "state")),
)
REACHABLE = Q(engine__active=True, engine__callback_disabled_at=None) & ~Q(engine__callback_url="")
QUEUES = (
    Queue("events", "notifications.Event", Q()),
    Queue("deliveries", "notifications.Delivery", Q()),
    Queue("callbacks", "notifications.Callback", REACHABLE),
    Queue("clocks", "escalations.Escalation", Q()),
    Queue("polls", "notifications.Poll", Q(enabled=True, engine__active=True) & ~Q(engine__callback_url="")),
)


class Installation(Collector):
    """Reads the database once per scrape. Metrics that it does not return in time are missing: `wfpush_up` is 0."""

    def describe(self) -> list[Metric]:
        """Return no descriptions, so that registering makes no query."""
        return []

    def collect(self) -> Iterator[Metric]:
        now = timezone.now()
        complete, redis_up = database_state() == OK, redis_state() == OK
        questions: list[Callable[[], list[Metric]]] = [_callbacks, tallies.histograms, _devices]
        questions += [lambda: [tallies.gauge(*each) for each in TALLIED]]
        questions += [partial(_waiting, now), partial(_rates, now), _due_of_engines]
        questions += [_retried, _build, partial(_beats, now), _disabled_endpoints, _paused]
        questions += [partial(service_metrics.families, now)]
        for question in questions if complete else []:
            try:
                with short_statements():
                    answer = question()
            except DatabaseError as fault:
                log.warning("metrics_left_out", fault=type(fault).__name__)
                complete = False
            else:
                yield from answer
        parts = [("database", complete), ("redis", redis_up)]
        yield _gauge("wfpush_up", "1 if it takes writes, the database questions too.", "part", parts)


def _gauge(name: str, help: str, label: str, values: Iterable[tuple[str, float]]) -> Metric:
    """Return a gauge with a number for each value of the label."""
    family = GaugeMetricFamily(name, help, labels=[label])
    for value, number in values:
        family.add_metric([value], number)
    return family


def _devices() -> list[Metric]:
    counts = _rows("notifications.Device").order_by().values_list("channel").annotate(Count("pk"))
    return [_gauge("wfpush_devices", "Browsers and apps that get messages.", "channel", counts)]


def _callbacks() -> list[Metric]:
    """Return counts of callbacks. Engines without an address fetch their answers: those are counted by themselves."""
    fetching = set(_rows("notifications.Engine").filter(active=True, callback_url="").values_list("pk", flat=True))
    counts: Counter[str] = Counter()
    to_fetch = 0
    for (engine, state), count in tallies.counts("callbacks").items():
        if state == "waiting" and int(engine) in fetching:
            to_fetch += count
        else:
            counts[state] += count
    help = "Answers of engines that have no address and fetch them."
    return [
        _gauge("wfpush_callbacks", "Answers to be told to engines, by state.", "state", counts.items()),
        GaugeMetricFamily("wfpush_kept_answers", help, to_fetch),
    ]


def _waiting(now: datetime) -> list[Metric]:
    due = GaugeMetricFamily("wfpush_due", "Rows whose time has come and that are not done.", labels=["queue"])
    oldest = GaugeMetricFamily("wfpush_oldest_due_seconds", "How long the oldest of them waits.", labels=["queue"])
    for queue in QUEUES:
        waiting = backlog.events(now) if queue.name == "events" else _rows(queue.model).filter(due_at__lte=now)
        rows = services.without_held(waiting.filter(queue.workable), queue.name, now)
        totals = rows.aggregate(count=Count("pk"), since=Min("due_at"))
        due.add_metric([queue.name], totals["count"])
        oldest.add_metric([queue.name], (now - (totals["since"] or now)).total_seconds())
    return [due, oldest]


def _rates(now: datetime) -> list[Metric]:
    events = backlog.of_events(now)
    return [
        GaugeMetricFamily("wfpush_events_in_per_second", "Events that come, by now.", events.rate_in),
        GaugeMetricFamily("wfpush_events_out_per_second", "Events that are processed, by now.", events.rate_out),
        GaugeMetricFamily(
            "wfpush_events_empty_in_seconds",
            "Until no event waits, at these rates; +Inf if it does not come to that.",
            events.empty_in,
        ),
    ]


def _due_of_engines() -> list[Metric]:
    waiting = _rows("notifications.Event").filter(due_at__isnull=False).order_by()
    counts = dict(waiting.values_list("engine").annotate(Count("pk")))
    by_slug = ((slug, counts.get(pk, 0)) for pk, slug in _rows("notifications.Engine").values_list("pk", "slug"))
    return [_gauge("wfpush_engine_events", "Events that wait, retries included.", "engine", by_slug)]


def _retried() -> list[Metric]:
    counts = [(each.name, _rows(each.model).filter(each.workable, outbox.RETRIED).count()) for each in QUEUES]
    return [_gauge("wfpush_retried", "Rows that were tried without success and are tried again.", "queue", counts)]


def _beats(now: datetime) -> list[Metric]:
    beats = Heartbeat.objects.values_list("name", "beat_at")
    ages = ((name, (now - beat_at).total_seconds()) for name, beat_at in beats)
    return [_gauge("wfpush_heartbeat_age_seconds", "Since a worker's cluster last ran a task.", "part", ages)]


def _build() -> list[Metric]:
    help = "1, with the version of the process that answers."
    return [_gauge("wfpush_build_info", help, "version", [(VERSION, 1)])]


def _disabled_endpoints() -> list[Metric]:
    disabled = _rows("notifications.Engine").filter(callback_disabled_at__isnull=False).count()
    return [GaugeMetricFamily("wfpush_disabled_endpoints", "Engines whose address was disabled by a 410.", disabled)]


def _paused() -> list[Metric]:
    paused = _rows("notifications.PausedService").count()
    return [GaugeMetricFamily("wfpush_paused_services", "Services that do not accept our credentials.", paused)]


def _rows(model: str) -> Any:
    return apps.get_model(model)._default_manager.all()
