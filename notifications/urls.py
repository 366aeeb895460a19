"""The addresses of the API, of the inbox, and of the pages that features add."""

import re
from importlib import import_module

from django.urls import URLPattern, URLResolver, include, path

from notifications.additions import ApiPaths, Pages
from wfpush import features

TEXT_ID = re.compile(r"<path:\w+>$")


def api_patterns() -> list[URLPattern]:
    """Return the paths of the core and of features. Those that end with an id are last: an id has any text, with `/`
    too, so they would match all paths that begin as they do."""
    modules = [*(each.module for each in features.added(ApiPaths)), "notifications.api.urls"]
    patterns = [pattern for module in modules for pattern in import_module(module).urlpatterns]
    return sorted(patterns, key=lambda pattern: TEXT_ID.search(str(pattern.pattern)) is not None)


urlpatterns: list[URLPattern | URLResolver] = [
    path("api/", include(api_patterns())),
    path("", include("notifications.inbox.urls")),
    *(path("", include(each.module)) for each in features.added(Pages)),
]
