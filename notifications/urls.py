"""All addresses: health and metrics, the desk, the API, the inbox, and the pages that features add."""

import re
from importlib import import_module

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from notifications.additions import ApiPaths, Pages
from notifications.admin.desk.not_allowed import permission_denied
from notifications.inbox.settings import preferences
from wfpush import features
from wfpush.observability import metrics
from wfpush.web import problems

admin.autodiscover()

TEXT_ID = re.compile(r"<path:\w+>$")


def api_patterns() -> list[URLPattern]:
    """Return the paths of the core and of features. Those that end with an id are last: an id has any text, with `/`
    too, so they would match all paths that begin as they do."""
    modules = [*(each.module for each in features.added(ApiPaths)), "notifications.api.urls"]
    patterns = [pattern for module in modules for pattern in import_module(module).urlpatterns]
    return sorted(patterns, key=lambda pattern: TEXT_ID.search(str(pattern.pattern)) is not None)


urlpatterns: list[URLPattern | URLResolver] = [
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("i18n/setlang/", preferences.choose_language, name="set_language"),
    path("healthz", metrics.healthz),
    path("readyz", metrics.readyz),
    path("metrics", metrics.metrics),
    path("api/", include(api_patterns())),
    path("", include("notifications.inbox.urls")),
    *(path("", include(each.module)) for each in features.added(Pages)),
]

handler400 = problems.bad_request
handler403 = permission_denied
handler404 = problems.not_found
handler500 = problems.server_error
