"""Where django-allauth asks the product: who signs in, how a session begins, and what a refusal looks like."""

from collections.abc import Sequence
from typing import Any

import requests
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from allauth.socialaccount.providers.base import AuthError
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from notifications.inbox.page_frame import show_page
from notifications.inbox.sign_in.session import (
    BACKEND,
    RECIPIENT_KEY,
    SIGNED_IN_BY,
    SIGNED_OUT_KEY,
    device_follows_session,
    end_session,
)
from notifications.inbox.sign_in.signin import local_path
from notifications.models import Account, Assurance, Recipient
from notifications.sign_on import groups, identities, records
from notifications.sign_on.models import IdentityProvider, ProviderKind, ProviderSession, SignInOutcome
from notifications.sign_on.provider_http import Busy, checked_session
from notifications.sign_on.refusals import REFUSALS, Refused, saml_refusal

SAML_SECURITY = {
    "strict": True,
    "want_assertion_signed": True,
    "want_name_id": True,
    "reject_idp_initiated_sso": True,
    "allow_single_label_domains": True,
}
"""A signed message around an unsigned assertion is refused, and so is a sign-in that nobody began here."""


class AccountAdapter(DefaultAccountAdapter):
    """Begins and ends sessions as the product does: with seals, and devices that follow their session."""

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        for name in (RECIPIENT_KEY, SIGNED_OUT_KEY):  # of a customer who came by a link in this browser
            request.session.pop(name, None)
        with device_follows_session(request):
            login(request, Account.objects.select_related("signed_out").get(pk=user.pk), backend=BACKEND)

    def logout(self, request: HttpRequest) -> None:
        end_session(request)

    def post_login(self, request: HttpRequest, user: AbstractBaseUser, **hook: Any) -> HttpResponse:
        request.session[SIGNED_IN_BY] = _assurance(get_authentication_records(request, user))
        return redirect(local_path(hook.get("redirect_url") or ""))

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing: the product's pages have messages of their own."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


def _assurance(records: Sequence[dict[str, Any]]) -> str:
    """Return the `Assurance` of a session that begins, by django-allauth's records of its sign-in; empty for links."""
    methods = {each.get("method") for each in records}
    if any(each.get("type") == "webauthn" for each in records):
        return Assurance.PASSKEY.value
    if "socialaccount" in methods:
        return Assurance.SSO.value
    return Assurance.PASSWORD.value if "password" in methods else ""


class IdentityAdapter(DefaultSocialAccountAdapter):
    """Reads providers from the desk, and decides whose identity it is."""

    def list_apps(self, request: HttpRequest, provider: Any = None, client_id: Any = None) -> list[SocialApp]:
        rows = IdentityProvider.objects.filter(active=True)
        if provider in ProviderKind.values:
            rows = rows.filter(kind=provider)
        elif provider:
            rows = rows.filter(Q(slug=provider) | Q(identity_key=provider))
        if client_id and provider == ProviderKind.SAML:
            rows = rows.filter(slug=client_id)
        return [_app(row) for row in rows]

    def get_requests_session(self) -> requests.Session:
        return checked_session()

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """Send nothing: the record of sign-ins keeps it."""

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Find the account, change its teams and roles, and record the sign-in. Raises ImmediateHttpResponse."""
        row: IdentityProvider = sociallogin.provider.app.row
        claims = sociallogin.account.extra_data["claims"]
        identity = str(claims.get("email") or claims["sub"])
        try:
            if not sociallogin.is_existing:
                _join(sociallogin, identities.account_of(row, claims))
            user = sociallogin.user
            if user.is_superuser:
                raise Refused("superuser", identity=identity)
            person = Recipient.objects.select_related("user").filter(user=user).first()
            if not user.is_active or (person is not None and not person.may_act):
                raise Refused("closed", identity=identity)
        except Refused as refused:
            raise ImmediateHttpResponse(refuse(request, row, refused)) from refused
        sociallogin.account.save()  # with the claims of today
        sent = groups.groups_in(row, claims)
        if sent is not None and (changed := groups.apply(row, user, sent)):
            records.add(request, row, SignInOutcome.CHANGED, user=user, identity=identity, detail=str(changed))
        if sid := str(claims.get("sid") or ""):
            now = timezone.now()
            ProviderSession.objects.get_or_create(provider=row, sid=sid[:255], user=user, defaults={"created_at": now})
        records.add(request, row, SignInOutcome.SIGNED_IN, user=user, identity=identity)
        records.light(row, "", timezone.now())

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> None:
        """Show why the sign-in failed. Raises ImmediateHttpResponse always."""
        if extra_context and "saml_errors" in extra_context:
            exception = saml_refusal(str(extra_context["saml_last_error_reason"]))
        raise ImmediateHttpResponse(refuse(request, provider.app.row, _refusal_of(request, error, exception)))


def _join(sociallogin: SocialLogin, user: User) -> None:
    """Join the identity to the user, as the user is now, if another request of the same person was not faster. Raises
    Refused."""
    identity = sociallogin.account
    try:
        with transaction.atomic():
            sociallogin.user = identity.user = User.objects.select_for_update().get(pk=user.pk)
            if not identity.user.is_active:
                raise Refused("closed", identity=user.email)
            identity.save()
    except IntegrityError:
        claims = identity.extra_data
        stored = SocialAccount.objects.select_related("user").get(provider=identity.provider, uid=identity.uid)
        stored.extra_data = claims
        sociallogin.account, sociallogin.user = stored, stored.user


def _app(row: IdentityProvider) -> SocialApp:
    """Return the provider as django-allauth reads it. It is never saved: its secret stays encrypted."""
    app = SocialApp(provider=row.kind, provider_id=row.slug, name=row.name)
    if row.kind == ProviderKind.SAML:
        app.client_id = row.slug  # by which django-allauth finds it
        app.settings = {
            "idp": {"entity_id": row.issuer, "sso_url": row.sso_url, "x509cert": row.certificate},
            "advanced": SAML_SECURITY,
        }
    else:
        app.client_id, app.secret, app.settings = row.client_id, row.client_secret, {"server_url": row.issuer}
    app.row = row
    return app


def _refusal_of(request: HttpRequest, error: Any, exception: Any) -> Refused:
    match exception:
        case Refused():
            return exception
        case Busy():
            return Refused("busy")
        case requests.RequestException():
            return Refused("unreachable", str(exception)[:200])
        case Exception():
            return Refused("provider_error", str(exception)[:200])
    if error == AuthError.CANCELLED:
        return Refused("cancelled")
    return Refused("error_answer", request.GET["error"][:100]) if "error" in request.GET else Refused("state")


def refuse(request: HttpRequest, provider: IdentityProvider, refused: Refused) -> HttpResponse:
    """Record a refusal and return the page that explains it."""
    refusal = REFUSALS[refused.code]
    records.add(
        request, provider, SignInOutcome.REFUSED, identity=refused.identity, code=refused.code, detail=refused.detail
    )
    records.light(provider, refused.code, timezone.now())
    if refused.code == "cancelled":
        messages.info(request, str(refusal.person))
        return redirect("inbox:sign-in")
    words = str(refusal.person) % {"provider": provider.name}
    context = {"words": words, "provider": provider, "language_back": reverse("inbox:sign-in")}
    return show_page(request, "sign_on/refused.html", context, status=refusal.status)
