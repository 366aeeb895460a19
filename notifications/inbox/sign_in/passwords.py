"""The effects of a new password on apps and devices, and the page on which people change their own password."""

import math
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import structlog
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import get_default_password_validators
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from notifications.inbox.page_frame import has_own_password, show_page
from notifications.inbox.sign_in.session import PersonRequest, person_required
from notifications.inbox.sign_in.ways import announce_password
from notifications.models import Account
from notifications.people import devices, login_limits, revocation

log = structlog.get_logger(__name__)


class SignsEverythingOut:
    """Ends a person's sign-ins after a new password, however it was set. A member of AUTH_PASSWORD_VALIDATORS, since
    Django calls `password_changed` of these for every new password.

    A password is often changed to keep somebody out: apps and lock screens must end with it.
    """

    def validate(self, password: str, user: User | None = None) -> None:
        """Accept any password."""

    def password_changed(self, password: str, user: User | None = None) -> None:
        if user is not None and user.pk is not None:
            keep = user.kept_session if isinstance(user, Account) else ""
            revocation.settle_account(user, timezone.now(), keep=keep)

    def get_help_text(self) -> str:
        return _("A new password signs out all browsers and apps, and ends their notifications and links.")


def rules() -> Iterator[str]:
    """Yield the rules for a new password, in sentences."""
    for validator in get_default_password_validators():
        if not isinstance(validator, SignsEverythingOut):
            yield validator.get_help_text()


class OwnPasswordForm(PasswordChangeForm):
    """The form for people's own password, in the inbox and at the desk. `user` is the one signed in.

    It limits guesses at the old password as the sign-in page does.
    """

    wait = timedelta()
    """Time until the old password may be tried again."""
    overtaken = False
    """True if another request with the same old password was faster, as when the button is pressed twice. That request
    counts, and this session has ended."""
    error_messages = {
        "password_mismatch": gettext_lazy("The passwords do not match. Enter the new password again."),
        "password_incorrect": gettext_lazy("This is not your password. Check it and try again."),
    }

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        for name, fault in (
            ("old_password", _("Enter your password.")),
            ("new_password1", _("Enter a new password.")),
            ("new_password2", _("Enter the new password again.")),
        ):
            self.fields[name].error_messages["required"] = fault

    def clean_old_password(self) -> str:
        name = self.user.get_username()
        self.wait = login_limits.admit(login_limits.try_of(self.request, name), timezone.now())
        if self.wait:
            raise ValidationError(_too_many(math.ceil(self.wait / timedelta(minutes=1))))
        if not self.user.check_password(self.cleaned_data["old_password"]):
            log.warning("old_password_wrong", user=self.user.pk)
            raise ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")
        login_limits.succeeded(self.request, name)
        return str(self.cleaned_data["old_password"])

    def clean(self) -> dict[str, Any]:
        self.validate_passwords("new_password1", "new_password2")
        self.validate_password_for_user(self.user, "new_password1")
        return self.cleaned_data

    def save(self, commit: bool = True) -> User:
        """Set the new password, and end everything except this session, which goes on with its browser under a new
        key."""
        session, account = self.request.session, self.user
        assert isinstance(account, Account)
        with transaction.atomic():
            if User.objects.select_for_update().get(pk=account.pk).password != account.password:
                self.overtaken = True
                return account
            account.kept_session = devices.session_digest(session.session_key)
            super().save(commit)
            update_session_auth_hash(self.request, account)
            devices.follow_session(account.kept_session, devices.session_digest(session.session_key))
            announce_password(self.request, account)
        return account

    def tell_wait(self, response: HttpResponse) -> None:
        """Add status 429 and Retry-After, as after too many failed sign-ins."""
        if self.wait:
            response.status_code = 429
            response["Retry-After"] = str(math.ceil(self.wait.total_seconds()))


def _too_many(minutes: int) -> str:
    text = ngettext(
        "Too many wrong passwords, here or at the sign-in page. Wait %(minutes)d minute, then try again.",
        "Too many wrong passwords, here or at the sign-in page. Wait %(minutes)d minutes, then try again.",
        minutes,
    )
    return text % {"minutes": minutes}


@sensitive_post_parameters()
@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: PersonRequest) -> HttpResponse:
    if not has_own_password(request):
        raise Http404
    form = OwnPasswordForm(request.user, request.POST if request.method == "POST" else None, request=request)
    if not form.is_valid():
        context, status = {"form": form, "rules": list(rules())}, 422 if form.errors else 200
        response = show_page(request, "inbox/password.html", context, status=status)
        form.tell_wait(response)
        return response
    form.save()
    if not form.overtaken:
        messages.success(request, _("Your password is changed, and you are signed out everywhere else."))
    response = redirect("inbox:password")
    login_limits.remember(request, response)
    return response
