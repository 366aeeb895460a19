"""Counts of rows that are updated with every change, so that nobody counts millions of rows.

Triggers (notifications/migrations/…_tallies.py) insert rows into `Tally` in the transaction of each changing statement:
how many rows more or fewer in each state. Transactions do not wait for each other, as they would with one counter row a
state. Once a minute a schedule adds the rows up. The sum is right at every moment.
"""

from collections import defaultdict
from itertools import accumulate

from django.db import connection
from django.db.models import Sum
from prometheus_client.metrics_core import GaugeMetricFamily, HistogramMetricFamily, Metric

from wfpush.models import Tally

BUCKETS = ("0.5", "1.0", "2.0", "5.0", "10.0", "30.0", "60.0", "300.0", "1800.0", "+Inf")
"""Upper bounds in seconds, as the triggers write them."""
HISTOGRAMS = (
    ("wfpush_event_to_inbox_seconds", "seconds_to_inbox", "From taking an event to its copies in people's inboxes."),
    ("wfpush_event_to_device_seconds", "seconds_to_device", "From taking an event to a push service having a message."),
    ("wfpush_answer_to_engine_seconds", "seconds_to_engine", "From an answer to the engine having it."),
)

ADD_UP = """
WITH taken AS (
    DELETE FROM wfpush_tally WHERE id IN (SELECT id FROM wfpush_tally FOR UPDATE SKIP LOCKED)
    RETURNING name, kind, state, count, amount
)
INSERT INTO wfpush_tally (name, kind, state, count, amount)
SELECT name, kind, state, sum(count), sum(amount) FROM taken GROUP BY name, kind, state HAVING sum(count) <> 0
"""


def add_up() -> None:
    """Replace all rows about the same kind and state by one. Two calls at once take different rows."""
    with connection.cursor() as cursor:
        cursor.execute(ADD_UP)


def counts(name: str) -> dict[tuple[str, str], int]:
    """Return (kind, state) → number of rows, without zeros."""
    rows = Tally.objects.filter(name=name).order_by().values_list("kind", "state").annotate(Sum("count"))
    return {(kind, state): count for kind, state, count in rows if count}


def gauge(metric: str, help: str, name: str, labels: tuple[str, ...]) -> Metric:
    """Return a gauge. `labels`: the names of kind and state in the metric, or of the state alone."""
    family = GaugeMetricFamily(metric, help, labels=labels)
    for (kind, state), count in sorted(counts(name).items()):
        family.add_metric([kind, state][-len(labels) :], count)
    return family


def histograms() -> list[Metric]:
    """Return histograms of durations since this version was installed."""
    return [_histogram(*each) for each in HISTOGRAMS]


def _histogram(metric: str, name: str, help: str) -> Metric:
    by_bound: defaultdict[str, int] = defaultdict(int)
    total = 0.0
    rows = Tally.objects.filter(name=name).order_by().values_list("state").annotate(Sum("count"), Sum("amount"))
    for bound, count, amount in rows:
        by_bound[bound], total = count, total + amount
    at_most = accumulate(by_bound[bound] for bound in BUCKETS)
    family = HistogramMetricFamily(metric, help)
    family.add_metric([], list(zip(BUCKETS, at_most, strict=True)), total)
    return family
