"""Hourly counts, so that days and weeks can be drawn without reading their rows.

In: events, answers, messages and tasks, by ranges of their ids, which begin with the time. Out: rows of `HourlyCount`.

A schedule counts the current hour once a minute, and hours that can still change, since messages or answers of theirs
are under way, every ten minutes. Hours without counts, such as those before an upgrade, follow, the newest first.
Waiting and late tasks are known only for hours in which the schedule ran.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, ExpressionWrapper, F, FloatField, Func, IntegerField, Model, QuerySet, Value
from django.db.models.functions import Extract

from notifications.cases.lateness import late
from notifications.insight.models import CountedHour, HourlyCount, Metric
from notifications.models import (
    ANSWERABLE,
    Callback,
    CallbackState,
    Delivery,
    DeliveryState,
    Event,
    Response,
    Task,
)
from wfpush.identifiers import lowest_id

HOUR = timedelta(hours=1)
BANDS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60, 120, 240, 480, 1_440, 2_880, 5_760, 10_080))
"""Bands of the time that a task had waited when it was answered: less than the first, than the second, …, or no less
than the last one."""

COUNTED_FOR = timedelta(days=31)
"""Maximum age of an hour without counts that is still counted."""
CHANGES_FOR = timedelta(days=7)
"""Time for which an hour can still change."""
COUNTED_AGAIN = timedelta(minutes=10)
RETENTION = timedelta(days=400)
SECONDS = 2.0
"""Seconds for which one run goes on: if one process does all, events wait meanwhile."""

Numbers = dict[tuple[str, str], int]
"""Numbers by kind of count and `HourlyCount.of`."""


def run(now: datetime) -> int:
    """Count the hours that are due. Return their number."""
    return within_seconds(_to_be_counted(now), count_hour, now)


def within_seconds(hours: Iterable[datetime], count: Callable[[datetime, datetime], None], now: datetime) -> int:
    """Count these hours, at least the first and no more than `SECONDS` allow. Return the number of counted hours."""
    until, counted = time.monotonic() + SECONDS, 0
    for hour in hours:
        count(hour, now)
        counted += 1
        if time.monotonic() > until:
            break
    return counted


def hour_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _to_be_counted(now: datetime) -> Iterator[datetime]:
    current = hour_of(now)
    yield current
    earlier = CountedHour.objects.filter(hour__lt=current)
    changing = earlier.filter(hour__gt=now - CHANGES_FOR, settled=False, counted_at__lte=now - COUNTED_AGAIN)
    yield from changing.order_by("counted_at").values_list("hour", flat=True)
    counted = set(earlier.filter(hour__gte=current - COUNTED_FOR).values_list("hour", flat=True))
    yield from (hour for hour in hours_since_the_first_event(current, COUNTED_FOR) if hour not in counted)


def hours_since_the_first_event(current: datetime, most: timedelta) -> Iterator[datetime]:
    """Yield the hours before the current one, the newest first, as far back as events go and `most` allows."""
    first = Event.objects.order_by("pk").values_list("pk", flat=True).first()
    for number in range(1, most // HOUR + 1):
        hour = current - number * HOUR
        if first is None or lowest_id(hour + HOUR) <= first:
            return
        yield hour


@transaction.atomic
def count_hour(hour: datetime, now: datetime) -> None:
    """Write the numbers of the hour that begins then."""
    CountedHour.objects.get_or_create(hour=hour, defaults={"counted_at": now})
    row = CountedHour.objects.select_for_update().get(hour=hour)
    before = {(each.what, each.of): each.count for each in row.counts.all()}
    numbers = _numbers_of(hour) | _most_at_once(before, now if hour == hour_of(now) else None)
    changed = {key: count for key, count in numbers.items() if before.get(key) != count}
    HourlyCount.objects.bulk_create(
        [HourlyCount(hour=row, what=what, of=of, count=count) for (what, of), count in changed.items()],
        update_conflicts=True,
        unique_fields=["hour", "what", "of"],
        update_fields=["count"],
    )
    for what, of in before.keys() - numbers.keys():
        row.counts.filter(what=what, of=of).delete()
    row.counted_at = now
    row.settled = hour + HOUR <= now and not _is_under_way(hour)
    row.save(update_fields=["counted_at", "settled"])


def _is_under_way(hour: datetime) -> bool:
    """Return whether a message or an answer of the hour can still arrive. Answers without a callback address cannot."""
    messages = _made_in(Delivery, hour).filter(state=DeliveryState.PENDING)
    answers = _made_in(Callback, hour).filter(state=CallbackState.WAITING).exclude(engine__callback_url="")
    return messages.exists() or answers.exists()


def _numbers_of(hour: datetime) -> Numbers:
    events = _made_in(Event, hour).values_list("engine")
    calls = _made_in(Callback, hour).filter(state=CallbackState.DELIVERED, response__isnull=False).values_list("engine")
    messages = _made_in(Delivery, hour).values_list("channel", "state")
    answers = _made_in(Response, hour).filter(effect="final", counts=True).annotate(band=_Band()).order_by()
    return {
        **_by(Metric.EVENTS, events),
        **_by(Metric.TOLD, calls),
        **_by(Metric.MESSAGES, messages),
        **_by(Metric.ANSWERS, answers.annotate(all=Value("")).values_list("all", "band")),
        **_by(Metric.ANSWERS, answers.filter(recipient__teams__isnull=False).values_list("recipient__teams", "band")),
    }


def _made_in(model: type[Model], hour: datetime) -> QuerySet[Any]:
    return model._default_manager.filter(pk__gte=lowest_id(hour), pk__lt=lowest_id(hour + HOUR)).order_by()


def _by(what: Metric, rows: QuerySet[Any]) -> Numbers:
    return {(what, "/".join(map(str, of))): count for *of, count in rows.annotate(Count("pk"))}


class _Band(Func):
    """The band of an answer, from 0 on (postgresql.org/docs/current/functions-math.html, width_bucket)."""

    function = "width_bucket"
    output_field = IntegerField()

    def __init__(self) -> None:
        waited = ExpressionWrapper(Extract(F("at") - F("task__created_at"), "epoch"), output_field=FloatField())
        limits = ",".join(str(band.total_seconds()) for band in BANDS)
        super().__init__(waited, template=f"%(function)s(%(expressions)s::float8, ARRAY[{limits}]::float8[])")


def _most_at_once(before: Mapping[tuple[str, str], int], now: datetime | None) -> Numbers:
    """Return the largest numbers of waiting and late tasks, now or earlier in the hour; without `now`, only earlier."""
    counts = {(what, ""): before.get((what, ""), 0) for what in (Metric.WAITING, Metric.LATE)}
    if now is not None:
        waiting = Task.objects.filter(state__in=ANSWERABLE)
        for what, rows in ((Metric.WAITING, waiting), (Metric.LATE, waiting.filter(late(now)))):
            counts[what, ""] = max(counts[what, ""], rows.count())
    return {key: count for key, count in counts.items() if count}


def half_within(counts: Sequence[int]) -> int:
    """Return the band within which half of the answers came; `counts`: answers by band."""
    reached = 0
    for band, count in enumerate(counts):
        reached += count
        if count and 2 * reached >= sum(counts):
            return band
    return len(BANDS)
