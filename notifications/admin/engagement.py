"""“Engagement”: how messages are seen, answered or ignored, by category or template, and channel. It names nobody."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import get_language, gettext

from notifications import engagement
from notifications.admin.base import DeskAdmin
from notifications.admin.periods import NAMES, period_of, zone_of_reader
from notifications.admin.words import span
from notifications.channel_facts import channel_name, channel_names
from notifications.engagement import FEWEST, Counts, Messages, Shown
from notifications.hourly import BANDS, half_within
from notifications.models import Category, Template, via_choices
from wfpush.observability.backlog import number


@dataclass(frozen=True)
class Line:
    """A row of the page, in words."""

    name: str
    notified: str
    seen: str
    seen_within: str
    answered: str
    answered_within: str
    ignored: str


@dataclass(frozen=True)
class Part:
    """The messages of a category or template: all of them, and by channel."""

    line: Line
    channels: list[Line]


def engagement_page(desk: DeskAdmin, request: HttpRequest) -> HttpResponse:
    """`?period=` as on the overview; `?of=template`: by template instead of by category."""
    of: engagement.Of = "template" if request.GET.get("of") == "template" else "category"
    with timezone.override(zone_of_reader(request)):
        period = period_of(request.GET.get("period", ""), timezone.now())
        figures = engagement.between(period.start, period.end, of)
        context = {
            "period": period,
            "periods": NAMES.items(),
            "of": of,
            "parts": _parts(figures, _names(of)),
            "channels": _channels(figures.total),
            "fewest": FEWEST,
        }
        return desk.page(request, "admin/desk/engagement.html", gettext("Engagement"), **context).render()


def _names(of: engagement.Of) -> dict[int | None, str]:
    if of == "template":
        return {**dict(Template.objects.values_list("pk", "name")), None: gettext("without a template")}
    language = get_language() or "en"
    return {row.pk: row.name_in(language) for row in Category.objects.all()}


def _parts(figures: Shown, names: Mapping[int | None, str]) -> list[Part]:
    parts = [_part(names.get(key, ""), messages) for key, messages in figures.of.items()]
    parts.sort(key=lambda part: part.line.name)
    return [*parts, _part(gettext("others"), figures.others)] if figures.others is not None else parts


def _part(name: str, messages: Messages) -> Part:
    return Part(_line(name, messages.all), _channels(messages))


def _channels(messages: Messages) -> list[Line]:
    """Return a line for each channel in the order of the settings; ways that are no channel come last."""
    ways, order = dict(via_choices()), channel_names()
    keys = sorted(messages.by_channel, key=lambda name: (order.index(name) if name in order else len(order), name))
    names = [channel_name(name) if name in order else str(ways.get(name) or name) for name in keys]
    return [_line(name, messages.by_channel[channel]) for channel, name in zip(keys, names, strict=True)]


def _line(name: str, counts: Counts) -> Line:
    seen, answered = sum(counts.seen), sum(counts.answered)
    return Line(
        name,
        number(counts.told) if counts.told else "–",
        _share(seen, counts.told),
        _within(counts.seen),
        number(answered),
        _within(counts.answered),
        _share(counts.ignored, counts.told),
    )


def _share(count: int, total: int) -> str:
    return f"{min(100 * count // total, 100)} %" if total else "–"


def _within(bands: list[int]) -> str:
    """The time within which half of them came."""
    if not sum(bands):
        return "–"
    band = half_within(bands)
    if band < len(BANDS):
        return gettext("within %(span)s") % {"span": span(BANDS[band])}
    return gettext("more than %(span)s") % {"span": span(BANDS[-1])}
