"""`/healthz`, `/readyz` and `/metrics`, for load balancers, orchestrators and Prometheus.

The numbers are read from the database on each request, so every process answers the same. Everything here has short
deadlines: these pages matter most when the database or Redis is away.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import wraps
from http import HTTPStatus
from importlib import import_module
from ipaddress import IPv6Address, ip_address
from typing import Any

import structlog
from django.conf import settings
from django.db.models import Count, Min
from django.db.utils import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from prometheus_client import CONTENT_TYPE_LATEST, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from wfpush import VERSION, features
from wfpush.models import Heartbeat
from wfpush.observability import http_metrics, readiness, service_metrics, services
from wfpush.observability.additions import Metrics, Queue
from wfpush.observability.families import gauge
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


class Installation(Collector):
    """Reads the database once per scrape. Metrics that it does not return in time are missing: `wfpush_up` is 0."""

    def describe(self) -> list[Metric]:
        """Return no descriptions, so that registering makes no query."""
        return []

    def collect(self) -> Iterator[Metric]:
        now = timezone.now()
        complete, redis_up = database_state() == OK, redis_state() == OK
        modules = (import_module(each.module) for each in features.added(Metrics))
        questions = [question for module in modules for question in module.FAMILIES] + FAMILIES
        for question in questions if complete else []:
            try:
                with short_statements():
                    answer = question(now)
            except DatabaseError as fault:
                log.warning("metrics_left_out", fault=type(fault).__name__)
                complete = False
            else:
                yield from answer
        parts = [("database", complete), ("redis", redis_up)]
        yield gauge("wfpush_up", "1 if it takes writes, the database questions too.", "part", parts)


def _waiting(now: datetime) -> list[Metric]:
    due = GaugeMetricFamily("wfpush_due", "Rows whose time has come and that are not done.", labels=["queue"])
    oldest = GaugeMetricFamily("wfpush_oldest_due_seconds", "How long the oldest of them waits.", labels=["queue"])
    for queue in features.added(Queue):
        rows = services.without_held(queue.due(now), queue.name, now)
        totals = rows.aggregate(count=Count("pk"), since=Min("due_at"))
        due.add_metric([queue.name], totals["count"])
        oldest.add_metric([queue.name], (now - (totals["since"] or now)).total_seconds())
    return [due, oldest]


def _retried(now: datetime) -> list[Metric]:
    counts = [(queue.name, queue.rows().filter(outbox.RETRIED).count()) for queue in features.added(Queue)]
    return [gauge("wfpush_retried", "Rows that were tried without success and are tried again.", "queue", counts)]


def _build(now: datetime) -> list[Metric]:
    help = "1, with the version of the process that answers."
    return [gauge("wfpush_build_info", help, "version", [(VERSION, 1)])]


def _beats(now: datetime) -> list[Metric]:
    beats = Heartbeat.objects.values_list("name", "beat_at")
    ages = ((name, (now - beat_at).total_seconds()) for name, beat_at in beats)
    return [gauge("wfpush_heartbeat_age_seconds", "Since a worker's cluster last ran a task.", "part", ages)]


FAMILIES: list[Callable[[datetime], list[Metric]]] = [_waiting, _retried, _build, _beats, service_metrics.families]
"""The metrics of the installation that no app adds."""
