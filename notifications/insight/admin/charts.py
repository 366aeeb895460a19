"""The charts of the overview for a day, a week or a month, from the hourly counts."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import Count, DateTimeField, F, Func, IntegerField, Max, Model, Q, Sum, Value
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from notifications.admin.desk.display import Tone, change_url, list_url, mark, percent_of
from notifications.admin.desk.overview import may_see
from notifications.admin.engines.engine_states import state_mark
from notifications.admin.ledger.timeline import DELIVERY_TONES
from notifications.channel_facts import channel_name, channel_names, reaches_devices
from notifications.engines.health import Health, health_of
from notifications.insight.admin.periods import NAMES, Period, Stretch, period_of
from notifications.insight.hourly import BANDS, half_within
from notifications.insight.models import HourlyCount, Metric
from notifications.items.ledger_audit import sums_since
from notifications.models import (
    Delivery,
    DeliveryState,
    Engine,
    Event,
    Recipient,
    Response,
    Task,
    Team,
)
from wfpush.numbers import number as shown

MOST_ROWS = 8

FINAL_ANSWERS = "effect__exact=final&counts=yes"

Counts = Mapping[Metric, Mapping[str, Mapping[int, int]]]
"""Counts by kind, subject and number of the stretch."""


@dataclass(frozen=True)
class Part:
    tone: Tone
    count: int


@dataclass(frozen=True)
class Column:
    """A column of a chart. `height` is in percent of the highest one; `counts` are its cells in the table."""

    stretch: Stretch
    parts: list[Part]
    counts: list[str]
    height: int
    href: str
    title: str


@dataclass(frozen=True)
class Row:
    name: str
    href: str
    detail: str
    state: Any = ""
    parts: list[Part] = field(default_factory=list)
    heights: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Chart:
    """Columns, and rows below them. `legend`: tones with their words; `heads`: the heads of the table's columns."""

    title: str
    href: str
    says: str
    columns: list[Column] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    legend: list[tuple[Tone, str]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    foot: Any = ""


def context(request: HttpRequest, now: datetime) -> dict[str, Any]:
    """Return what the overview shows: the periods, and the charts whose rows the user may see."""
    period = period_of(request.GET.get("period", ""), now)
    charts: list[Chart] = []
    if period.counted:
        counts = counts_of(period)
        charts = [make(period, counts) for model, make in _CHARTS if may_see(request, model)]
    return {"period": period, "periods": NAMES.items(), "charts": charts}


def counts_of(period: Period) -> Counts:
    """Return counts by kind, subject and stretch: the maximum for what waits, the sum for all else."""
    counts: dict[Metric, dict[str, dict[int, int]]] = {what: defaultdict(dict) for what in Metric}
    rows = HourlyCount.objects.filter(hour__gte=period.start, hour__lt=period.end).annotate(number=_Number(period))
    for what, of, number, total, most in rows.values_list("what", "of", "number").annotate(Sum("count"), Max("count")):
        counts[Metric(what)][of][number] = most if what in (Metric.WAITING, Metric.LATE) else total
    return counts


class _Number(Func):
    """The number of the stretch that contains an hour, from 0 on."""

    function = "width_bucket"
    template = "%(function)s(%(expressions)s) - 1"
    output_field = IntegerField()

    def __init__(self, period: Period) -> None:
        starts = [stretch.start for stretch in period.stretches]
        super().__init__(F("hour"), Value(starts, ArrayField(DateTimeField())))


# --- columns ----------------------------------------------------------------------------------------------------------
def waiting_chart(period: Period, counts: Counts) -> Chart:
    waiting, late = counts[Metric.WAITING][""], counts[Metric.LATE][""]
    most, most_late = max(waiting.values(), default=0), max(late.values(), default=0)
    says = _("At most %(waiting)s tasks waited at once, at most %(late)s were late.")
    return Chart(
        _("Waiting and late"),
        list_url(Task, "now=waiting"),
        says % {"waiting": shown(most), "late": shown(most_late)} if most else _("No task waited."),
        _columns(
            period,
            [
                [Part("bad", late.get(number, 0)), Part("plain", waiting.get(number, 0) - late.get(number, 0))]
                for number in range(len(period.stretches))
            ],
        ),
        [_("waiting"), _("late")],
        [("plain", _("in time")), ("bad", _("late"))] if most else [],
    )


def events_chart(period: Period, counts: Counts) -> Chart:
    by_number = sum(map(Counter, counts[Metric.EVENTS].values()), Counter[int]())
    total = by_number.total()
    says = ngettext("%(count)s event came in", "%(count)s events came in", total) % {"count": shown(total)}
    return Chart(
        _("Events that came in"),
        list_url(Event, period.query),
        _with_highest(period, says, by_number) if total else _("No event came in."),
        _columns(period, _single_parts(period, by_number), (Event, "")),
        [_("events")],
    )


def answers_chart(period: Period, counts: Counts) -> Chart:
    by_band: dict[str, dict[int, int]] = defaultdict(lambda: dict.fromkeys(range(len(BANDS) + 1), 0))
    by_number: Counter[int] = Counter()
    for of, per_stretch in counts[Metric.ANSWERS].items():
        team, _slash, band = of.partition("/")
        by_band[team][int(band)] += sum(per_stretch.values())
        if not team:
            by_number.update(per_stretch)
    everybody = by_band.pop("", {})
    return Chart(
        _("Answers"),
        list_url(Response, f"{FINAL_ANSWERS}&{period.query}"),
        _with_highest(period, _answers_sentence(everybody), by_number) if by_number else _("Nobody answered."),
        _columns(period, _single_parts(period, by_number), (Response, FINAL_ANSWERS)),
        [_("answers")],
        rows=_team_rows(by_band),
    )


def _with_highest(period: Period, says: str, by_number: Mapping[int, int]) -> str:
    """Add to a sentence the count of the highest column."""
    text = _("%(says)s; at most %(most)s in an hour.") if period.by_hour else _("%(says)s; at most %(most)s in a day.")
    return text % {"says": says, "most": shown(max(by_number.values()))}


def _team_rows(by_band: Mapping[str, Mapping[int, int]]) -> list[Row]:
    """Return rows for the teams with the most answers."""
    teams = {str(team.pk): team for team in Team.objects.filter(pk__in=list(by_band))}
    most = sorted(teams, key=lambda pk: (-sum(by_band[pk].values()), teams[pk].name))[:MOST_ROWS]
    return [Row(str(teams[pk]), change_url(teams[pk]), _answers_sentence(by_band[pk])) for pk in most]


def _answers_sentence(by_band: Mapping[int, int]) -> str:
    counts = [by_band[band] for band in sorted(by_band)]
    total = sum(counts)
    says = ngettext("%(count)s answer, %(half)s", "%(count)s answers, half of them %(half)s", total)
    return says % {"count": shown(total), "half": band_words(half_within(counts))}


def band_words(band: int) -> str:
    if band == len(BANDS):
        return _("after more than %(span)s") % {"span": _span(BANDS[-1])}
    return _("within %(span)s") % {"span": _span(BANDS[band])}


def _span(length: timedelta) -> str:
    minutes = int(length.total_seconds()) // 60
    if minutes < 60:
        return _("%(minutes)d min") % {"minutes": minutes}
    if minutes < 24 * 60:
        return _("%(hours)d h") % {"hours": minutes // 60}
    return _("%(days)d d") % {"days": minutes // (24 * 60)}


def _columns(period: Period, parts: Sequence[list[Part]], rows: tuple[type[Model], str] | None = None) -> list[Column]:
    """Return the columns; none if there is nothing to draw. The table has a column's sum, then its parts except the
    last. `rows`: model and query of the list to which a column links."""
    totals = [sum(part.count for part in each) for each in parts]
    highest, (model, query), columns = max(totals, default=0), rows or (None, ""), []
    for stretch, each, total in zip(period.stretches, parts, totals, strict=True) if highest else ():
        counts = [shown(total), *(shown(part.count) for part in each[:-1])]
        href = list_url(model, "&".join(filter(None, [query, stretch.query]))) if model and total else ""
        drawn, height, title = [part for part in each if part.count], percent_of(total, highest), stretch.words
        columns.append(Column(stretch, drawn, counts, height, href, f"{title}: {counts[0]}"))
    return columns


def _single_parts(period: Period, by_number: Mapping[int, int]) -> list[list[Part]]:
    return [[Part("plain", by_number.get(number, 0))] for number in range(len(period.stretches))]


# --- rows -------------------------------------------------------------------------------------------------------------
def messages_chart(period: Period, counts: Counts) -> Chart:
    """Return the chart of messages by channel and state, and whether all messages of the last day are accounted for."""
    by_channel: dict[str, dict[str, int]] = defaultdict(dict)
    for of, per_stretch in counts[Metric.MESSAGES].items():
        channel, _slash, state = of.partition("/")
        by_channel[channel][state] = sum(per_stretch.values())
    order = [*channel_names(), *sorted(by_channel.keys() - set(channel_names()))]
    rows = [_channel_row(period, channel, by_channel[channel]) for channel in order if channel in by_channel]
    return Chart(
        _("Messages"),
        list_url(Delivery, period.query),
        "" if rows else _("No message was made."),
        legend=[
            ("ok", _("delivered")),
            ("wait", _("under way")),
            ("quiet", _("not sent")),
            ("bad", _("failed")),
        ]
        if rows
        else [],
        rows=rows,
        foot=_accounting(period.now),
    )


def _channel_row(period: Period, channel: str, states: Mapping[str, int]) -> Row:
    count_by_state = {state: states.get(state, 0) for state in DeliveryState.values}
    words = [f"{shown(count)} {DeliveryState(state).label}" for state, count in count_by_state.items() if count]
    if reaches_devices(channel) and not count_by_state[DeliveryState.DELIVERED]:
        words.append(_devices_of(channel))
    tones = {
        tone: sum(count for state, count in count_by_state.items() if DELIVERY_TONES[state] == tone)
        for tone in DELIVERY_TONES.values()
    }
    return Row(
        channel_name(channel),
        list_url(Delivery, f"channel={channel}&{period.query}"),
        " · ".join(words),
        parts=[Part(tone, count) for tone, count in tones.items() if count],
    )


def _devices_of(channel: str) -> str:
    """Return how many active internal people have a device for the channel. External people may be very many."""
    people = Recipient.objects.filter(active=True, engine=None)
    counts = people.aggregate(
        all=Count("pk", distinct=True), have=Count("pk", filter=Q(devices__channel=channel), distinct=True)
    )
    says = _("%(have)s of %(all)s people have a device for it")
    return says % {name: shown(count) for name, count in counts.items()}


def _accounting(now: datetime) -> Any:
    sums = sums_since(now - timedelta(days=1))
    if not sums.made and not sums.total:
        return ""
    says = _("In the last 24 hours %(events)s events made %(made)s messages, and %(total)s are accounted for.")
    arguments = {"events": shown(sum(sums.events.values())), "made": shown(sums.made), "total": shown(sums.total)}
    return mark("ok" if sums.made == sums.total else "bad", says % arguments)


def engines_chart(period: Period, counts: Counts) -> Chart:
    """Return the chart of engines: those that need a look first, then by number of events."""
    events, answers = counts[Metric.EVENTS], counts[Metric.TOLD]
    engines = Engine.objects.select_related("poll").filter(Q(active=True) | Q(pk__in=[int(pk) for pk in events]))
    states = health_of(engines, timezone.now())
    totals = {engine: sum(events.get(str(engine.pk), {}).values()) for engine in engines}
    ordered = sorted(totals, key=lambda engine: (not states[engine.pk].is_bad, -totals[engine], engine.name))
    rows = [
        _engine_row(
            period, states[engine.pk], events.get(str(engine.pk), {}), sum(answers.get(str(engine.pk), {}).values())
        )
        for engine in ordered[:MOST_ROWS]
    ]
    return Chart(_("Engines"), list_url(Engine), "" if rows else _("No engine is connected yet."), rows=rows)


def _engine_row(period: Period, state: Health, events: Mapping[int, int], answers: int) -> Row:
    total, highest = sum(events.values()), max(events.values(), default=0)
    words = [ngettext("%(count)s event", "%(count)s events", total) % {"count": shown(total)}]
    if answers:
        words.append(ngettext("%(count)s answer sent", "%(count)s answers sent", answers) % {"count": shown(answers)})
    heights = [percent_of(events.get(number, 0), highest) for number in range(len(period.stretches))] if total else []
    name, address = str(state.engine), change_url(state.engine)
    return Row(name, address, " · ".join(words), state_mark(state), heights=heights)


_CHARTS: list[tuple[type[Model], Callable[[Period, Counts], Chart]]] = [
    (Task, waiting_chart),
    (Event, events_chart),
    (Response, answers_chart),
    (Delivery, messages_chart),
    (Engine, engines_chart),
]
