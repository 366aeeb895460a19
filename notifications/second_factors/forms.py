"""django-allauth's forms with the product's limits: tries are counted as those of passwords are."""

import struct
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.account.forms import ReauthenticateForm as BaseConfirmPasswordForm
from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from allauth.mfa.webauthn.internal.auth import parse_authentication_response, parse_registration_response
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications.people import login_limits
from wfpush.crypto import UndecryptableSecret

log = structlog.get_logger(__name__)

NAME_LENGTH = 60
MALFORMED = (TypeError, ValueError, KeyError, IndexError, AttributeError, struct.error)
"""What fido2 raises for JSON that is no answer of an authenticator."""


class Counted:
    """Counts each try as a failure until it succeeds. `wait`: the time until the next one may be made."""

    wait = timedelta()
    user: Any

    def admit(self) -> None:
        """Raise ValidationError if too many tries have failed."""
        tried = login_limits.try_of(context.request, self.user.get_username())
        self.wait = login_limits.admit(tried, timezone.now())
        if self.wait:
            raise ValidationError(_("Too many tries."), code="too_many")


class _CodeForm(Counted):
    def clean_code(self) -> str:
        self.admit()
        try:
            code: str = super().clean_code()  # type: ignore[misc]
        except UndecryptableSecret as lost:
            log.error("factor_unreadable", user=self.user.pk)
            raise ValidationError(
                _("Your codes cannot be checked at the moment. Contact your administrator.")
            ) from lost
        return code


class SignInCodeForm(_CodeForm, AuthenticateForm):
    """A code of the authenticator app or a recovery code, at the sign-in. The session's begin ends the count."""


class ConfirmCodeForm(_CodeForm, ReauthenticateForm):
    """A code before a change of factors."""

    def clean_code(self) -> str:
        code = super().clean_code()
        login_limits.succeeded(context.request, self.user.get_username())
        return code


class ConfirmPasswordForm(Counted, BaseConfirmPasswordForm):
    """The password before a change of factors."""

    def clean_password(self) -> str:
        self.admit()
        if not get_account_adapter().reauthenticate(self.user, self.cleaned_data["password"]):
            raise ValidationError(_("This is not your password. Check it and try again."))
        return str(self.cleaned_data["password"])


# --- passkeys ---------------------------------------------------------------------------------------------------------
class _PasskeyForm:
    """Refuses what a browser has signed for another address than ours."""

    def clean_credential(self) -> Any:
        _check_origin(parse_authentication_response, self.cleaned_data["credential"])  # type: ignore[attr-defined]
        return super().clean_credential()  # type: ignore[misc]


def _check_origin(parse: Callable[[Any], Any], credential: Any) -> None:
    """Raise ValidationError if the browser has signed for another origin, or what it sent is no answer at all."""
    try:
        origin = parse(credential).response.client_data.origin
    except MALFORMED as error:
        raise get_adapter().validation_error("incorrect_code") from error
    if origin != settings.BASE_URL:
        log.warning("passkey_of_other_origin", origin=origin)
        raise get_adapter().validation_error("incorrect_code")


class SignInWithPasskeyForm(_PasskeyForm, LoginWebAuthnForm):
    """A passkey in place of name and password."""


class SecondFactorPasskeyForm(_PasskeyForm, AuthenticateWebAuthnForm):
    """A passkey after the password."""


class ConfirmPasskeyForm(_PasskeyForm, ReauthenticateWebAuthnForm):
    """A passkey before a change of factors."""


class AddPasskeyForm(AddWebAuthnForm):
    """A new passkey. All of ours can sign in without a password, so there is no choice."""

    passwordless = None
    name = forms.CharField(required=False, max_length=NAME_LENGTH)

    def clean_credential(self) -> Any:
        credential = self.cleaned_data["credential"]
        _check_origin(parse_registration_response, credential)
        return credential
