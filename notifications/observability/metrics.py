"""The metrics of events, tasks, messages, answers and engines (docs/operations/monitoring.md)."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime

from django.db.models import Count
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from notifications.models import Device, Engine, Event, PausedService
from notifications.observability import backlog
from wfpush.observability import tallies
from wfpush.observability.families import gauge, histogram, tallied


def callbacks(now: datetime) -> list[Metric]:
    """Return counts of callbacks. Engines without an address fetch their answers: those are counted by themselves."""
    fetching = set(Engine.objects.filter(active=True, callback_url="").values_list("pk", flat=True))
    counts: Counter[str] = Counter()
    to_fetch = 0
    for (engine, state), count in tallies.counts("callbacks").items():
        if state == "waiting" and int(engine) in fetching:
            to_fetch += count
        else:
            counts[state] += count
    help = "Answers of engines that have no address and fetch them."
    return [
        gauge("wfpush_callbacks", "Answers to be told to engines, by state.", "state", counts.items()),
        GaugeMetricFamily("wfpush_kept_answers", help, to_fetch),
    ]


def durations(now: datetime) -> list[Metric]:
    to_inbox = "From taking an event to its copies in people's inboxes."
    to_device = "From taking an event to a push service having a message."
    return [
        histogram("wfpush_event_to_inbox_seconds", to_inbox, "seconds_to_inbox"),
        histogram("wfpush_event_to_device_seconds", to_device, "seconds_to_device"),
        histogram("wfpush_answer_to_engine_seconds", "From an answer to the engine having it.", "seconds_to_engine"),
    ]


def devices(now: datetime) -> list[Metric]:
    counts = Device.objects.order_by().values_list("channel").annotate(Count("pk"))
    return [gauge("wfpush_devices", "Browsers and apps that get messages.", "channel", counts)]


def states(now: datetime) -> list[Metric]:
    return [
        tallied("wfpush_events", "Events by what became of them.", "events", ("state",)),
        tallied("wfpush_tasks", "Tasks by state.", "tasks", ("state",)),
        tallied("wfpush_deliveries", "Deliveries by channel and state.", "deliveries", ("channel", "state")),
    ]


def rates(now: datetime) -> list[Metric]:
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


def waiting_by_engine(now: datetime) -> list[Metric]:
    waiting = Event.objects.filter(due_at__isnull=False).order_by()
    counts = dict(waiting.values_list("engine").annotate(Count("pk")))
    by_slug = ((slug, counts.get(pk, 0)) for pk, slug in Engine.objects.values_list("pk", "slug"))
    return [gauge("wfpush_engine_events", "Events that wait, retries included.", "engine", by_slug)]


def disabled_endpoints(now: datetime) -> list[Metric]:
    disabled = Engine.objects.filter(callback_disabled_at__isnull=False).count()
    return [GaugeMetricFamily("wfpush_disabled_endpoints", "Engines whose address was disabled by a 410.", disabled)]


def paused_services(now: datetime) -> list[Metric]:
    paused = PausedService.objects.count()
    return [GaugeMetricFamily("wfpush_paused_services", "Services that do not accept our credentials.", paused)]


FAMILIES: tuple[Callable[[datetime], list[Metric]], ...] = (
    callbacks,
    durations,
    devices,
    states,
    rates,
    waiting_by_engine,
    disabled_endpoints,
    paused_services,
)
