"""“Engagement”: how messages are seen, answered or ignored, by category, template and channel. It names nobody."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import get_language, gettext

from notifications import engagement
from notifications.admin.base import DeskAdmin
from notifications.admin.periods import NAMES, period_of, zone_of_reader
from notifications.admin.words import span
from notifications.channel_facts import channel_name
from notifications.engagement import FEWEST, Counts
from notifications.hourly import BANDS, half_within
from notifications.models import Category, Template, via_choices
from wfpush.observability.backlog import number


@dataclass(frozen=True)
class Line:
    """A row of the page, in words."""

    name: str
    told: str
    seen: str
    seen_within: str
    answered: str
    answered_within: str
    ignored: str


def engagement_page(desk: DeskAdmin, request: HttpRequest) -> HttpResponse:
    """`?period=` as on the overview."""
    with timezone.override(zone_of_reader(request)):
        period = period_of(request.GET.get("period", ""), timezone.now())
        found = engagement.between(period.start, period.end)
        context = {
            "period": period,
            "periods": NAMES.items(),
            "messages_by": _messages(found),
            "channels": _channels(found),
            "fewest": FEWEST,
        }
        return desk.page(request, "admin/desk/engagement.html", gettext("Engagement"), **context).render()


def _messages(found: dict[engagement.Group, Counts]) -> list[Line]:
    language = get_language() or "en"
    categories = {row.pk: row.name_in(language) for row in Category.objects.all()}
    templates = dict(Template.objects.values_list("pk", "name"))
    lines = [
        _line(_named(categories.get(category or 0, ""), templates.get(template or 0, "")), counts)
        for (category, template, channel), counts in found.items()
        if not channel
    ]
    return sorted(lines, key=lambda line: line.name)


def _named(category: str, template: str) -> str:
    return f"{category}: {template}" if template else category


def _channels(found: dict[engagement.Group, Counts]) -> list[Line]:
    ways = dict(via_choices())
    lines = [
        _line(str(ways.get(channel) or channel_name(channel)), counts)
        for (_category, _template, channel), counts in found.items()
        if channel
    ]
    return sorted(lines, key=lambda line: line.name)


def _line(name: str, counts: Counts) -> Line:
    seen, answered = sum(counts.seen), sum(counts.answered)
    return Line(
        name,
        number(counts.told),
        _share(seen, counts.told),
        _within(counts.seen),
        number(answered),
        _within(counts.answered),
        _share(counts.ignored, counts.told),
    )


def _share(count: int, total: int) -> str:
    return f"{100 * count // total} %" if total else "–"


def _within(bands: list[int]) -> str:
    """The time within which half of them came."""
    if not sum(bands):
        return "–"
    band = half_within(bands)
    if band < len(BANDS):
        return gettext("within %(span)s") % {"span": span(BANDS[band])}
    return gettext("more than %(span)s") % {"span": span(BANDS[-1])}
