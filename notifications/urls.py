"""The addresses of the API, of the inbox, and of the pages that features add."""

from django.urls import URLPattern, URLResolver, include, path

from notifications.additions import ApiPaths, Pages
from wfpush import features

urlpatterns: list[URLPattern | URLResolver] = [
    *(path("api/", include(each.module)) for each in features.added(ApiPaths)),
    path("api/", include("notifications.api.urls")),
    path("", include("notifications.inbox.urls")),
    *(path("", include(each.module)) for each in features.added(Pages)),
]
