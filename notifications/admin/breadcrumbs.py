"""Where a page is, as its heading says it: the entry of the sidebar, the list, the row."""

from typing import Any

from django import template
from django.template import Context
from django.utils.text import capfirst

from notifications.admin.navigation import section_of

register = template.Library()

Part = dict[str, Any]


@register.simple_tag(takes_context=True)
def placed(context: Context, parts: list[Part]) -> list[Part]:
    """unfold's parts of the heading (Django app, list, row) with the place in our navigation instead of the app.

    Names of rows keep their own letters: “task.assigned”, not “Task.assigned”.
    """
    found = section_of(context["request"].path)
    if found is None:
        return [{**parts[0], "title": capfirst(parts[0]["title"])}] if len(parts) == 1 else _named(parts[1:])
    section, place = found
    inner = _named(parts[1:]) if place.model else [{"title": place.title()}]
    return inner if str(section.title) == place.title() or not inner else [{"title": section.title}, *inner]


def _named(parts: list[Part]) -> list[Part]:
    """The list's name as a heading, and what comes after it as it is."""
    return [{**part, "title": capfirst(part["title"]) if at == 0 else part["title"]} for at, part in enumerate(parts)]
