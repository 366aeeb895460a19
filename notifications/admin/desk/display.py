"""Times, durations, links and data as text for the desk, with the exact value in the title."""

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.formats import date_format
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from notifications.wording.plaintext import escape_hidden_in_json
from notifications.wording.times import SOON

Tone = str
"""One of "ok", "wait", "bad", "quiet". The text says the state; the tone repeats it as shape and colour."""

CODES = r"[a-z_]\w*(?:\.\w+)+(?: / [\w.]+)*"
"""Names of event types, and paths into their data."""

STORED_TIME = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC")
INNER_QUOTES = str.maketrans("“”„", "‘’‚")

NOTHING = mark_safe('<span class="desk-quiet desk-nothing">–</span>')


def span(length: timedelta, *, rough: bool = False) -> str:
    """Return a duration in its two largest units: 2 h 10 min. `rough`: in the largest one, 2 h."""
    seconds = int(abs(length.total_seconds()))
    if seconds < 60:
        return _("%(seconds)d s") % {"seconds": seconds}
    minutes, hours, days = seconds // 60 % 60, seconds // 3600 % 24, seconds // 86400
    if days:
        return (
            _("%(days)d d %(hours)d h") % {"days": days, "hours": hours}
            if days < 14 and not rough
            else _("%(days)d d") % {"days": days}
        )
    if hours and rough:
        return _("%(hours)d h") % {"hours": hours}
    if hours:
        return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes}
    return _("%(minutes)d min") % {"minutes": minutes}


def percent_of(part: int, whole: int) -> int:
    """Return the percentage to draw: at least 2 if there is anything."""
    return max(100 * part // whole, 2) if part else 0


def exact(value: datetime) -> str:
    """Return date, time and zone, for titles: “Thu 26 Nov 2026 01:43:09 CET”."""
    return date_format(timezone.localtime(value), "DATETIME_FORMAT")


def clock(value: datetime) -> str:
    """Return the time of day as the timeline shows it: 13:05:09."""
    return f"{timezone.localtime(value):%H:%M:%S}"


def short(value: datetime) -> str:
    """Return a time as “Thu 26 Nov 01:43”, in another year as “26 Nov 2025 01:43”. Tables, panels and sentences show
    all their times so."""
    here = timezone.localtime(value)
    is_this_year = here.year == timezone.localtime().year
    return date_format(here, pgettext("a date with its time", "D j M H:i") if is_this_year else "SHORT_DATETIME_FORMAT")


def there(value: datetime) -> str:
    """Return a time with its zone: “Thu 26 Nov 01:43 CET”."""
    return f"{short(value)} {timezone.localtime(value):%Z}"


def in_own_zone(text: str) -> str:
    """Return a stored text with its times in UTC, “2026-11-26 00:43:09 UTC”, as times of the reader's zone."""
    return STORED_TIME.sub(lambda match: there(datetime.fromisoformat(f"{match[1]}+00:00")), text)


def _time(value: datetime, text: str, tone: Tone = "") -> SafeString:
    return format_html(
        '<time datetime="{}" title="{}" class="{}">{}</time>',
        value.isoformat(),
        exact(value),
        f"desk-tone-{tone}" if tone else "",
        text,
    )


def moment(value: datetime | None) -> SafeString:
    """Return a time for a column of a table, with the exact one in the title."""
    return NOTHING if value is None else _time(value, short(value))


def ago(value: datetime | None, *, rough: bool = False) -> SafeString:
    """Return the time since or until `value`: “12 min ago”, “in 12 min”. `rough`: in one unit."""
    if value is None:
        return NOTHING
    length = timezone.now() - value
    form = _("%(span)s ago") if length >= timedelta(0) else _("in %(span)s")
    return _time(value, form % {"span": span(length, rough=rough)})


def since(value: datetime | None, tone: Tone = "") -> SafeString:
    """Return the time that has passed: “12 min”."""
    return NOTHING if value is None else _time(value, span(timezone.now() - value), tone)


def due_words(value: datetime | None, *, still_matters: bool = True) -> SafeString:
    """Return “late by 2 h” or “due in 10 min”; the date if it no longer matters."""
    if value is None or not still_matters:
        return moment(value)
    length = value - timezone.now()
    if length < timedelta(0):
        return _time(value, _("late by %(span)s") % {"span": span(length)}, "bad")
    return _time(value, _("due in %(span)s") % {"span": span(length)}, "wait" if length <= SOON else "")


def took(start: datetime | None, end: datetime | None) -> str:
    """Return a duration; below a minute in hundredths of a second, since processing times differ there."""
    if start is None or end is None:
        return ""
    length = end - start
    if length >= timedelta(minutes=1):
        return span(length)
    return _("%(seconds)s s") % {"seconds": formats.number_format(round(length.total_seconds(), 2), 2)}


def inner_quotes(text: str) -> str:
    """Return a text for use between double quotes, with its own double quotes as single ones."""
    return text.translate(INNER_QUOTES)


def change_url(row: models.Model) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def page_url(row: models.Model, action: str) -> str:
    """Return the address of an action's page for the row."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{action}", args=[row.pk])


def list_url(model: type[models.Model], query: str = "") -> str:
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{address}?{query}" if query else address


def link(row: models.Model | None, text: object = None) -> SafeString:
    """Return the row's name as a link to its page."""
    if row is None:
        return NOTHING
    return format_html('<a class="desk-link" href="{}">{}</a>', change_url(row), text if text is not None else row)


def pretty(value: Any) -> SafeString:
    """Return JSON as text with line breaks."""
    if value in (None, "", [], {}):
        return NOTHING
    return format_html('<pre class="desk-json" tabindex="0">{}</pre>', escape_hidden_in_json(value, indent=2))


def mark(tone: Tone, text: object, title: str = "") -> SafeString:
    """Return a state as text, with a shape and a colour that repeat it."""
    return format_html('<span class="desk-mark desk-mark-{}" title="{}">{}</span>', tone, title, text)


def with_why(state: SafeString, why: object) -> SafeString:
    """Return a state, and below it the reason if there is one."""
    if not why or why == NOTHING:
        return state
    return format_html('<div class="desk-both">{}<div class="desk-why">{}</div></div>', state, why)


def with_codes(text: str, others: Iterable[str] = ()) -> SafeString:
    """Return the text with codes in a font of their own: “<code>task.kind</code> is field”. `others`: patterns of codes
    without a dot."""
    parts = re.split(f"({'|'.join([CODES, *others])})", text)
    return format_html_join("", "{}<code>{}</code>", zip(parts[:-1:2], parts[1::2], strict=True)) + escape(parts[-1])


def shortened(content: object, length: int = 90, written: Callable[[str], SafeString] = escape) -> SafeString:
    """Return at most `length` characters, with the whole text in the title."""
    text = str(content)
    if not text:
        return NOTHING
    if len(text) <= length:
        return written(text)
    return format_html('<span title="{}">{}…</span>', text, written(text[: length - 1].rstrip()))
