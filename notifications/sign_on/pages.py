"""Addresses of sign-on: the way to a provider and back, and the provider's notices that somebody has signed out."""

from importlib import import_module

from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from notifications.inbox.sign_in.session import recipient_of
from notifications.inbox.sign_in.signin import local_path
from notifications.sign_on import id_tokens, records
from notifications.sign_on.adapters import refuse
from notifications.sign_on.limits import limited, too_many
from notifications.sign_on.models import IdentityProvider, ProviderKind, ProviderSession, SignInOutcome
from notifications.sign_on.provider import Adapter, saml_is_installed
from notifications.sign_on.refusals import Refused
from notifications.sign_on.signed_out import sign_out_users, users_of_subject


@never_cache
@require_safe
def begin(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Redirect to the provider. People who are signed in stay who they are."""
    if request.user.is_authenticated or recipient_of(request) is not None:
        return redirect(local_path(request.GET.get("next", "")))
    provider = get_object_or_404(IdentityProvider, slug=provider_id, active=True)
    if provider.kind == ProviderKind.SAML:
        return redirect(f"{reverse('saml_login', args=[provider_id])}?{request.GET.urlencode()}")
    return _through(request, provider_id, OAuth2LoginView)


@never_cache
@require_safe
def come_back(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Handle the provider's redirect back: with a code, or with an error."""
    return _through(request, provider_id, OAuth2CallbackView)


def _through(request: HttpRequest, provider_id: str, view: type) -> HttpResponse:
    provider = _openid_provider(provider_id)
    if limited(request):
        return too_many(request)
    try:
        response: HttpResponse = view.adapter_view(Adapter(request, provider_id))(request)  # type: ignore[attr-defined]
    except Refused as refused:  # the provider's description could not be read
        return refuse(request, provider, refused)
    return response


def _openid_provider(slug: str) -> IdentityProvider:
    rows = IdentityProvider.objects.filter(active=True, kind=ProviderKind.OPENID_CONNECT)
    provider: IdentityProvider = get_object_or_404(rows, slug=slug)
    return provider


# --- signed out at the provider ---------------------------------------------------------------------------------------
@csrf_exempt
@never_cache
@require_POST
def back_channel_logout(request: HttpRequest, provider_id: str) -> HttpResponse:
    """End what a person can do here (OpenID Connect Back-Channel Logout 1.0). 400 for a wrong token."""
    provider = _openid_provider(provider_id)
    if limited(request):
        return too_many(request)
    try:
        claims = id_tokens.check_logout_token(provider, request.POST.get("logout_token", ""))
    except Refused as refused:
        records.add(request, provider, SignInOutcome.REFUSED, code=refused.code, detail=f"logout {refused.detail}")
        return HttpResponse(status=400)
    sid, subject = claims.get("sid"), claims.get("sub")
    users = _of_session(provider, str(sid)) if sid else []
    if subject and not users:
        users = users_of_subject(provider, subject)
    sign_out_users(request, provider, users)
    return HttpResponse(status=200)


@never_cache
@require_safe
def front_channel_logout(request: HttpRequest, provider_id: str) -> HttpResponse:
    """End what a person can do here (OpenID Connect Front-Channel Logout 1.0), found by the session's name alone, since
    browsers send no cookies from other sites' frames."""
    provider = _openid_provider(provider_id)
    if limited(request):
        return too_many(request)
    sid, issuer = request.GET.get("sid", ""), request.GET.get("iss", "")
    if sid and issuer.rstrip("/") == provider.issuer.rstrip("/"):
        sign_out_users(request, provider, _of_session(provider, sid))
    return HttpResponse(status=200)


def _of_session(provider: IdentityProvider, sid: str) -> list[User]:
    rows = ProviderSession.objects.filter(provider=provider, sid=sid[:255]).select_related("user")
    return [row.user for row in rows]


urlpatterns: list[URLPattern] = [
    path("sign-on/<slug:provider_id>/login", begin, name="openid_connect_login"),
    path("sign-on/<slug:provider_id>/return", come_back, name="openid_connect_callback"),
    path("sign-on/<slug:provider_id>/back-channel-logout", back_channel_logout, name="openid_connect_back_channel"),
    path("sign-on/<slug:provider_id>/front-channel-logout", front_channel_logout, name="openid_connect_front_channel"),
]
"""django-allauth finds the first two by these names, so they have no namespace."""
if saml_is_installed():
    urlpatterns += import_module("notifications.sign_on.saml_pages").urlpatterns
