"""The pages for a new password: on one it is asked for, the other one opens by the link of the e-mail."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.forms import SetPasswordForm
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from notifications.inbox.page_frame import show_page
from notifications.inbox.sign_in.passwords import rules
from notifications.inbox.sign_in.signin import busy
from notifications.inbox.sign_in.ways import announce_password
from notifications.models import Account
from notifications.people import password_places
from notifications.second_factors import password_links, password_requests

NAME_LENGTH = 254
"""Characters of the longest e-mail address, which is longer than any user name."""


class NewPasswordForm(SetPasswordForm):
    error_messages = {"password_mismatch": gettext_lazy("The passwords do not match. Enter the new password again.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_password1"].error_messages["required"] = _("Enter a new password.")
        self.fields["new_password2"].error_messages["required"] = _("Enter the new password again.")


@never_cache
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """Request a link. The response is the same for known and unknown names."""
    name, fault = request.POST.get("name", "").strip(), ""
    if request.method == "POST" and 0 < len(name) <= NAME_LENGTH:
        in_time = password_requests.ask(request, name)
        status = 200 if in_time else 429
        return show_page(request, "second_factors/password_asked.html", {"too_many": not in_time}, status=status)
    if request.method == "POST":
        fault = _("Enter your user name or e-mail address.")
    context = {"name": name[:NAME_LENGTH], "fault": fault}
    return show_page(request, "second_factors/password_ask.html", context, status=422 if fault else 200)


@sensitive_post_parameters()
@never_cache
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: HttpRequest, token: str) -> HttpResponse:
    """Show the form, which sets the password and signs nobody in: a second factor is asked for as ever."""
    user = password_links.user_of(token)
    if user is None:
        return _ended(request)
    form = NewPasswordForm(user, request.POST if request.method == "POST" else None)
    with password_places.place(request) as free:
        if not free:
            return busy(request)
        if form.is_valid():
            return _set(request, token, form)
    context = {"form": form, "rules": list(rules()), "name": user.get_username()}
    return show_page(request, "second_factors/password_new.html", context, status=422 if form.errors else 200)


@transaction.atomic
def _set(request: HttpRequest, token: str, form: NewPasswordForm) -> HttpResponse:
    """Set the password, which ends all sessions, unless the link was used meanwhile."""
    user = password_links.user_of(token, lock=True)
    if user is None:
        return _ended(request)
    assert isinstance(form.user, Account)
    form.user = user
    form.save()
    announce_password(request, user)
    messages.success(request, _("Your password is changed. Sign in with it."))
    return redirect("inbox:sign-in")


def _ended(request: HttpRequest) -> HttpResponse:
    return show_page(request, "second_factors/password_over.html", status=410)
