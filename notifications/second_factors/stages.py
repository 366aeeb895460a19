"""The step of a sign-in that asks for a second factor, and the start of a sign-in after the password or a link."""

from allauth.account.internal.flows.login import perform_login, perform_password_login, record_authentication
from allauth.account.models import Login
from allauth.mfa.stages import AuthenticateStage
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse

from notifications.inbox.sign_in.session import end_session
from notifications.models import Account
from notifications.second_factors import rules

ACCOUNT = "account"
"""Key in the state of a sign-in: the hash that Django stores in a session of this account."""


class FactorStage(AuthenticateStage):
    """django-allauth's stage, except for people whom an identity provider has just signed in."""

    def _should_handle(self, request: HttpRequest) -> bool:
        if "sociallogin" in (self.login.signal_kwargs or {}):
            return False
        return bool(super()._should_handle(request))


def is_current(sign_in: Login) -> bool:
    """Return whether the account is as it was when the password was given: a new password ends a sign-in, too."""
    return sign_in.user is not None and sign_in.state.get(ACCOUNT) == _account_hash(sign_in.user)


def _account_hash(user: AbstractBaseUser) -> str:
    return Account.objects.select_related("signed_out").get(pk=user.pk).get_session_auth_hash()


def go_on(request: HttpRequest, user: AbstractBaseUser, back: str, *, by_link: bool = False) -> HttpResponse | None:
    """Go on after a right password or a link (`SignInStep`). The session begins after the second factor; without one at
    once. None: a link of somebody without a factor, whose session the caller begins."""
    if by_link and not rules.has_factor(user.pk):
        return None
    if request.user.is_authenticated:
        end_session(request)
    sign_in = Login(user=user, redirect_url=back, state={ACCOUNT: _account_hash(user)})
    if by_link:
        record_authentication(request, user, method="link")
        response: HttpResponse = perform_login(request, sign_in)
    else:
        response = perform_password_login(request, {"username": user.get_username()}, sign_in)
    return response
