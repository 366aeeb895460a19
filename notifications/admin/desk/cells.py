"""Template filter for the cells of lists, which have one line each (templates/admin/change_list_results.html)."""

import re
from html import unescape

from django import template
from django.utils.html import format_html, strip_tags
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

CELL = re.compile(r"(<t[dh][^>]*>)(.+)(</t[dh]>)", re.DOTALL)
WHOLE = re.compile(r'class="desk-mark|<time |field-amount')
"""States, times and amounts are never cut, unless there is a reason behind a state."""
SHORT, MAX_WHOLE = 16, 26
"""Characters of other texts that are never cut, and of states, times and amounts. Longer texts share the room that is
left."""


@register.filter
def one_line(cell: str) -> SafeString:
    """Return a cell whose content stays in one line. Text that may be cut is in its title as a whole."""
    match = CELL.fullmatch(cell.strip())
    if match is None or "<input" in cell:
        return mark_safe(cell)
    start, content, end = map(mark_safe, match.groups())
    text = " ".join(unescape(strip_tags(content)).split())
    if len(text) <= (MAX_WHOLE if WHOLE.search(cell) else SHORT):
        return format_html('{}<div class="desk-cell desk-cell-short">{}</div>{}', start, content, end)
    return format_html('{}<div class="desk-cell" title="{}">{}</div>{}', start, text, content, end)
