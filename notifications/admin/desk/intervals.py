"""Intervals of time in the addresses of lists."""

import re
from datetime import UTC, datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

_BETWEEN = re.compile(r"([0-9]{1,11})\.\.([0-9]{1,11})")


def made_between(start: datetime, end: datetime) -> str:
    """Return the query of a list with the filter `Recent`."""
    return f"within={int(start.timestamp())}..{int(end.timestamp())}"


def read_between(value: str) -> tuple[datetime, datetime] | None:
    """Return the start and end that `made_between` wrote; None for any other text."""
    match = _BETWEEN.fullmatch(value)
    if match is None:
        return None
    start, end = (datetime.fromtimestamp(int(second), UTC) for second in match.groups())
    return start, end


def between_words(start: datetime, end: datetime) -> str:
    """Return an interval as text: “29 Nov, 13:00 – 14:00”, or its first and last day."""
    first, last = timezone.localtime(start), timezone.localtime(end - timedelta(microseconds=1))
    if end - start <= timedelta(hours=1):
        return f"{date_format(first, _('j M, H:i'))} – {timezone.localtime(end):%H:%M}"
    days = [date_format(moment, _("j M")) for moment in (first, last)]
    return " – ".join(dict.fromkeys(days))
