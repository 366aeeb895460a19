"""Keeps people off the desk until they have the second factor that their role needs."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from notifications.second_factors import rules

OPEN = {"login", "logout", "jsi18n"}
"""Names of the desk's pages that need no factor."""


class FactorRequiredMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Lead to the page on which a factor is set up, in place of a page of the desk."""
        match = request.resolver_match
        if match is None or "admin" not in match.app_names or match.url_name in OPEN:
            return None
        user = request.user
        if isinstance(user, User) and user.is_staff and rules.lacks_factor(request, user):
            return redirect("mfa_index")
        return None
