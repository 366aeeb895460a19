"""For lists (templates/admin/change_list_results.html): cells of one line each, and the filters that are on."""

import re
from html import unescape
from itertools import islice

from django import template
from django.contrib.admin import BooleanFieldListFilter
from django.contrib.admin.views.main import ChangeList
from django.utils.html import format_html, strip_tags
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

register = template.Library()

CELL = re.compile(r"(<t[dh][^>]*>)(.+)(</t[dh]>)", re.DOTALL)
LABEL = re.compile(r'(?<=data-label=")\w')
WHOLE = re.compile(r'class="desk-mark|<time |field-amount')
"""States, times and amounts are never cut, unless there is a reason behind a state."""
SHORT, MAX_WHOLE = 16, 26
"""Characters of other texts that are never cut, and of states, times and amounts. Longer texts share the room that is
left."""


@register.filter
def active_filters(changes: ChangeList) -> list[str]:
    """Return the choices of the filters that are on, such as “waiting”; of those with yes and no, the filter, too. The
    first choice of each filter stands for all rows."""
    return [
        _("%(title)s “%(choice)s”") % {"title": spec.title, "choice": choice["display"]}
        if isinstance(spec, BooleanFieldListFilter)
        else str(choice["display"])
        for spec in changes.filter_specs
        for choice in islice(spec.choices(changes), 1, None)
        if choice.get("selected") and "display" in choice
    ]


def _upper(match: re.Match[str]) -> str:
    return match[0].upper()


@register.filter
def one_line(cell: str) -> SafeString:
    """Return a cell whose content stays in one line. Text that may be cut is in its title as a whole."""
    match = CELL.fullmatch(cell.strip())
    if match is None or "<input" in cell:
        return mark_safe(cell)
    start, content, end = map(mark_safe, (LABEL.sub(_upper, match[1]), match[2], match[3]))
    text = " ".join(unescape(strip_tags(content)).split())
    if len(text) <= (MAX_WHOLE if WHOLE.search(cell) else SHORT):
        return format_html('{}<div class="desk-cell desk-cell-short">{}</div>{}', start, content, end)
    return format_html('{}<div class="desk-cell" title="{}">{}</div>{}', start, text, content, end)
