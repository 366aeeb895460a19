"""The location of a page in its heading: the entry of the sidebar, the list, the row."""

from typing import Any

from django import template
from django.http import HttpRequest
from django.template import Context
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from notifications.admin.desk.display import change_url, list_url
from notifications.admin.desk.navigation import section_of
from notifications.models import TemplateVersion

register = template.Library()

Part = dict[str, Any]


@register.simple_tag(takes_context=True)
def placed(context: Context, parts: list[Part]) -> list[Part]:
    """Return unfold's parts of the heading (Django app, list, row) with our navigation's entry instead of the app.

    Names of rows keep their case: “task.assigned”, not “Task.assigned”.
    """
    request = context["request"]
    if (version := _version_of(request)) is not None:
        return _of_version(version, parts)
    location = section_of(request.path)
    if len(parts) == 1 and (location is None or location[1].model):
        return _capitalize_first(parts)
    if location is None:
        return _capitalize_first(parts[1:])
    section, place = location
    inner = _capitalize_first(parts[1:]) if place.model else [{"title": place.title()}]
    return inner if str(section.title) == place.title() or not inner else [{"title": section.title}, *inner]


def _version_of(request: HttpRequest) -> TemplateVersion | None:
    """Return the template version that a page shows, or None."""
    match = request.resolver_match
    if match is None or not (match.url_name or "").startswith("notifications_templateversion_"):
        return None
    version_id = str(match.kwargs.get("object_id", ""))
    versions = TemplateVersion.objects.select_related("template")
    return versions.filter(pk=version_id).first() if version_id.isdecimal() else None


def _of_version(version: TemplateVersion, parts: list[Part]) -> list[Part]:
    """Return the heading of a version's page: its template, its number, and the page's name if it is not the form."""
    template = version.template
    number = _("version %(number)d") % {"number": version.number}
    own = [part for part in parts if not part.get("link")]
    return [
        {"title": capfirst(template._meta.verbose_name_plural), "link": list_url(type(template))},
        {"title": template, "link": change_url(template)},
        {"title": number, "link": change_url(version)},
        *own,
    ]


def _capitalize_first(parts: list[Part]) -> list[Part]:
    """Return the parts with the first title, the list's name, capitalized. Other titles stay as they are."""
    return [{**part, "title": capfirst(part["title"]) if at == 0 else part["title"]} for at, part in enumerate(parts)]
