"""The pages for signing in with a password, and for signing out."""

import math
from typing import Any

from django.contrib.auth import login
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from notifications.inbox.page_frame import show_page
from notifications.inbox.sign_in.session import (
    SIGNED_IN_BY,
    end_session,
    form_only,
    recipient_of,
    sign_in_url,
)
from notifications.inbox.sign_in.ways import Way, lead, panels, take_over, ways
from notifications.items import live_frames
from notifications.models import Assurance
from notifications.people import login_limits, password_places
from wfpush.web import problems

NAME_LENGTH = 150
"""Most characters of an account name."""


class SignInForm(AuthenticationForm):
    """The sign-in form, with error messages of our own."""

    error_messages = {
        "invalid_login": _("The user name or password is wrong. Check both and try again."),
        "inactive": _("This account is closed. Your administrator can open it again."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field, fault in (("username", _("Enter your name.")), ("password", _("Enter your password."))):
            self.fields[field].error_messages["required"] = fault

    def clean_username(self) -> str:
        """Refuse a name longer than any account's: Django would query nothing, but axes could not count the try."""
        name: str = self.cleaned_data["username"]
        if len(name) > NAME_LENGTH:
            raise ValidationError(self.error_messages["invalid_login"], code="invalid_login")
        return name


@sensitive_post_parameters()
@csrf_protect
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Show the password page. `notifications.people.login_limits` counts failures, and `locked_out` answers when there
    are too many."""
    back = local_path(request.POST.get("next") or request.GET.get("next") or "")
    if request.user.is_authenticated or recipient_of(request) is not None:
        return redirect(back)
    others = ways(back)
    if others and "password" not in request.POST and request.GET.get("by") != "password":
        return _ask_for_name(request, back, others)
    form = SignInForm(request, request.POST if request.method == "POST" else None)
    with password_places.place(request) as free:
        if not free:
            return busy(request)
        good = form.is_valid()
    if good:
        return _begin_session(request, form.get_user(), back)
    focus = "" if form.errors and not form.non_field_errors() else "password" if form.errors else "username"
    context = {"form": form, "next": back, "ways": others, "panels": panels(), "focus": focus}
    return show_page(request, "inbox/sign_in.html", context, status=422 if form.errors else 200)


def _begin_session(request: HttpRequest, user: User, back: str) -> HttpResponse:
    response = take_over(request, user, back)
    if response is None:
        login(request, user)
        request.session[SIGNED_IN_BY] = Assurance.PASSWORD.value
        response = redirect(back)
    if request.user.is_authenticated:
        login_limits.remember(request, response)
    return response


def _ask_for_name(request: HttpRequest, back: str, others: list[Way]) -> HttpResponse:
    """Ask for the name first, since it may lead to another way of signing in; then for the password."""
    name = request.POST.get("username", "").strip()[:NAME_LENGTH]
    if name and (page := lead(request, name, back)) is not None:
        return page
    form = SignInForm(request, initial={"username": name})
    focus = "password" if name else "username"
    context = {"form": form, "next": back, "ways": others, "panels": panels(), "focus": focus, "only_name": not name}
    return show_page(request, "inbox/sign_in.html", context)


def locked_out(
    request: HttpRequest, original_response: HttpResponse | None, credentials: dict[str, Any] | None
) -> HttpResponse:
    """Return the response after too many failures (AXES_LOCKOUT_CALLABLE)."""
    seconds = login_limits.seconds_to_wait(request)
    response = show_page(request, "inbox/locked_out.html", {"minutes": math.ceil(seconds / 60)}, status=429)
    response["Retry-After"] = str(seconds)
    return response


def busy(request: HttpRequest) -> HttpResponse:
    """Return the response while too many passwords are being checked. It does not count as a try."""
    response = show_page(request, "inbox/busy.html", {}, status=503)
    response["Retry-After"] = str(password_places.RETRY_SECONDS)
    return response


@form_only
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session and the messages to its browser, and notify its other pages. `next` is the page to go on to.

    The service worker asks for JSON: a proxy in between might redirect, too.
    """
    person = recipient_of(request)
    end_session(request)
    if person is not None:
        live_frames.tell(person.pk, "inbox.signed_out")
    if problems.wants_problem(request):
        return JsonResponse({"signed_out": True})
    return redirect(sign_in_url(local_path(request.POST.get("next", ""))))


def local_path(address: str) -> str:
    """Return the address if it is a path of this site, else the inbox: signing in never redirects to other sites."""
    safe = address.startswith("/") and url_has_allowed_host_and_scheme(address, allowed_hosts=None)
    return address if safe and address.isprintable() else resolve_url("inbox:list")
