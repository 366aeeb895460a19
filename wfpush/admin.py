"""The admin site: the administrators' desk."""

from typing import Any

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from unfold.sites import UnfoldAdminSite


class Site(UnfoldAdminSite):
    """Its pages are in `notifications/admin/`; settings.UNFOLD names the functions for sidebar and overview."""

    index_title = _("Overview")
    index_template = "admin/desk/overview.html"

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Who signs in here comes here; LOGIN_REDIRECT_URL is the inbox."""
        if request.method == "GET" and REDIRECT_FIELD_NAME not in request.GET:
            index = urlencode({REDIRECT_FIELD_NAME: reverse("admin:index", current_app=self.name)})
            return HttpResponseRedirect(f"{request.path}?{index}")
        response: HttpResponse = super().login(request, extra_context)
        return response
