"""The page of a user who may not open a page of the desk: their roles, and the pages that they may open."""

from django.contrib.admin import site
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from notifications.admin.desk import navigation
from notifications.admin.desk.navigation import Place
from notifications.admin_site import CONTENT_SECURITY_POLICY
from wfpush.web import problems


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return the answer to a request without the right for it: Django's `handler403`."""
    match = request.resolver_match
    is_desk = match is not None and match.app_name == "admin" and site.has_permission(request)
    if not is_desk or problems.wants_problem(request):
        return problems.permission_denied(request, exception)
    roles = list(request.user.groups.order_by("name").values_list("name", flat=True))
    title = _("No access to this page")
    context = {"title": title, "content_title": title, "roles": roles, "rights": _rights(request)}
    page = render(request, "admin/desk/not_allowed.html", {**site.each_context(request), **context}, status=403)
    page.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return page


def _rights(request: HttpRequest) -> list[tuple[str, list[Place]]]:
    """Return the lists that the user may change, and the lists and pages that they may only view, with their titles."""
    groups: dict[bool, list[Place]] = {True: [], False: []}
    for _section, place in navigation.everywhere(request):
        app, _dot, model = place.model.partition(".")
        changes = (request.user.has_perm(f"{app}.{verb}_{model}") for verb in ("add", "change", "delete"))
        groups[bool(model) and any(changes)].append(place)
    return [
        (title, places)
        for title, places in ((_("You can change"), groups[True]), (_("You can view"), groups[False]))
        if places
    ]
