"""“Engagement”: how messages are seen, answered or ignored, by category or template, and channel. It names nobody."""

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from notifications.admin.desk.decorators import action
from notifications.admin.desk.display import span
from notifications.admin.ledger.delivery import NotificationAdmin
from notifications.channel_facts import channel_name, channel_names
from notifications.insight import engagement
from notifications.insight.admin.periods import NAMES, period_of
from notifications.insight.engagement import MIN_PEOPLE, Counts, EngagementReport, Messages
from notifications.insight.hourly import BANDS, half_within
from notifications.models import Category, Notification, Template, via_choices
from wfpush.numbers import number

Line = dict[str, str]
"""A row of the page: texts by column."""


class EngagementNotificationAdmin(NotificationAdmin):
    """The list of items, with the page about engagement."""

    actions_list = ["engagement", *NotificationAdmin.actions_list]

    @action(description=_("Engagement"), url_path="engagement", permissions=["view"], icon="monitoring")
    def engagement(self, request: HttpRequest) -> HttpResponse:
        """Return the page. `?period=` is that of the overview; `?of=template` groups by template, not by category."""
        of: engagement.Of = "template" if request.GET.get("of") == "template" else "category"
        period = period_of(request.GET.get("period", ""), timezone.now())
        report = engagement.between(period.start, period.end, of)
        context = {
            "period": period,
            "periods": NAMES.items(),
            "of": of,
            "parts": _parts(report, _names(of)),
            "channels": _channels(report.total),
            "fewest": MIN_PEOPLE,
        }
        return self.page(request, "insight/engagement.html", gettext("Engagement"), **context)


def _names(of: engagement.Of) -> dict[int | None, str]:
    if of == "template":
        return {**dict(Template.objects.values_list("pk", "name")), None: gettext("without a template")}
    language = get_language() or "en"
    return {row.pk: row.name_in(language) for row in Category.objects.all()}


def _parts(figures: EngagementReport, names: Mapping[int | None, str]) -> list[dict[str, Any]]:
    """Return the messages of each category or template: all of them, and by channel."""
    parts = sorted(((names.get(key, ""), messages) for key, messages in figures.of.items()), key=itemgetter(0))
    if figures.others is not None:
        parts.append((gettext("others"), figures.others))
    return [{"line": _line(name, messages.all), "channels": _channels(messages)} for name, messages in parts]


def _channels(messages: Messages) -> list[Line]:
    """Return a line for each channel in the order of the settings. Ways that are no channel come last."""
    ways, order = dict(via_choices()), channel_names()
    keys = sorted(messages.by_channel, key=lambda name: (order.index(name) if name in order else len(order), name))
    names = [channel_name(name) if name in order else str(ways.get(name) or name) for name in keys]
    return [_line(name, messages.by_channel[channel]) for channel, name in zip(keys, names, strict=True)]


def _line(name: str, counts: Counts) -> Line:
    seen, answered = sum(counts.seen), sum(counts.answered)
    return {
        "name": name,
        "notified": number(counts.told) if counts.told else "–",
        "seen": _share(seen, counts.told),
        "seen_within": _within(counts.seen),
        "answered": number(answered),
        "answered_within": _within(counts.answered),
        "ignored": _share(counts.ignored, counts.told),
    }


def _share(count: int, total: int) -> str:
    return f"{min(100 * count // total, 100)} %" if total else "–"


def _within(bands: list[int]) -> str:
    """Return the time within which half of the messages were seen or answered."""
    if not sum(bands):
        return "–"
    band = half_within(bands)
    if band < len(BANDS):
        return gettext("within %(span)s") % {"span": span(BANDS[band])}
    return gettext("more than %(span)s") % {"span": span(BANDS[-1])}


admin.site.unregister(Notification)
admin.site.register(Notification, EngagementNotificationAdmin)
