"""Prometheus metrics made of numbers, and of the counts in `Tally`."""

from collections import defaultdict
from collections.abc import Iterable
from itertools import accumulate

from django.db.models import Sum
from prometheus_client.metrics_core import GaugeMetricFamily, HistogramMetricFamily, Metric

from wfpush.models import Tally
from wfpush.observability import tallies

BUCKETS = ("0.5", "1.0", "2.0", "5.0", "10.0", "30.0", "60.0", "300.0", "1800.0", "+Inf")
"""Upper bounds in seconds, as the triggers write them."""


def gauge(name: str, help: str, label: str, values: Iterable[tuple[str, float]]) -> Metric:
    """Return a gauge with a number for each value of the label."""
    family = GaugeMetricFamily(name, help, labels=[label])
    for value, number in values:
        family.add_metric([value], number)
    return family


def tallied(name: str, help: str, tally: str, labels: tuple[str, ...]) -> Metric:
    """Return a gauge of counts. `labels`: the names of kind and state in the metric, or of the state alone."""
    family = GaugeMetricFamily(name, help, labels=labels)
    for (kind, state), count in sorted(tallies.counts(tally).items()):
        family.add_metric([kind, state][-len(labels) :], count)
    return family


def histogram(name: str, help: str, tally: str) -> Metric:
    """Return a histogram of durations since this version was installed."""
    by_bound: defaultdict[str, int] = defaultdict(int)
    total = 0.0
    rows = Tally.objects.filter(name=tally).order_by().values_list("state").annotate(Sum("count"), Sum("amount"))
    for bound, count, amount in rows:
        by_bound[bound], total = count, total + amount
    at_most = accumulate(by_bound[bound] for bound in BUCKETS)
    family = HistogramMetricFamily(name, help)
    family.add_metric([], list(zip(BUCKETS, at_most, strict=True)), total)
    return family
