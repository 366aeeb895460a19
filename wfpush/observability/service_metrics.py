"""Metrics and notes about the services that we call (`services`), for `/metrics` and `/readyz`."""

from collections.abc import Collection
from datetime import datetime

from django.utils import translation
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from wfpush import features
from wfpush.observability import services
from wfpush.observability.services import WORKS, Kinds, Service


def families(now: datetime) -> list[Metric]:
    """Return metrics of all services: the troubles and their waiting rows, and 0 for configured ones that work."""
    lasts = GaugeMetricFamily(
        "wfpush_service_trouble_seconds",
        "For how long a service is slow, refuses or is away; 0 if it works.",
        labels=["kind", "service", "state"],
    )
    waits = GaugeMetricFamily(
        "wfpush_service_waiting", "What waits for a service that does not work.", labels=["kind", "service"]
    )
    kinds, troubled = services.kinds(), services.troubled(now)
    for row in troubled:
        lasts.add_metric([row.kind, row.name, row.state], (now - row.since).total_seconds())
        waits.add_metric([row.kind, row.name], kinds[row.kind].waiting(row.name).count())
    in_trouble = {(row.kind, row.name) for row in troubled}
    for kind in kinds.values():
        for name in kind.names():
            if (kind.name, name) not in in_trouble:
                lasts.add_metric([kind.name, name, WORKS], 0)
    return [lasts, waits]


def notes(now: datetime, without: Collection[Service] = ()) -> list[str]:
    """Return in English what does not work of each service, and what to do, except of those in `without`."""
    with translation.override("en"):
        words = [each.sentences for each in features.added(Kinds) if each.sentences is not None]
        own = [sentence for sentences in words for sentence in sentences(now, _utc)]
        return [*services.sentences(now, _utc, lambda row: row.reason, without, with_remedy=True), *own]


def _utc(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
