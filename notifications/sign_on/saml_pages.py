"""Addresses of sign-on by SAML: the way to the provider, its answer, its notice of a sign-out, and our metadata."""

from collections.abc import Callable
from typing import Any

from allauth.socialaccount.providers.saml import views
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe
from lxml.etree import XMLSyntaxError
from onelogin.saml2.errors import OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError

from notifications.inbox.sign_in.session import recipient_of
from notifications.inbox.sign_in.signin import local_path
from notifications.sign_on import records
from notifications.sign_on.adapters import refuse
from notifications.sign_on.limits import limited, too_many
from notifications.sign_on.models import IdentityProvider, ProviderKind, SignInOutcome
from notifications.sign_on.refusals import Refused, saml_refusal
from notifications.sign_on.saml import logout_subject
from notifications.sign_on.signed_out import sign_out_users, users_of_subject

MAX_ANSWER = 256 * 1024
"""Bytes: an answer with hundreds of groups has a tenth of it."""
ACS_COOKIE = "saml-acs-session"
UNREADABLE = (OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError, XMLSyntaxError, ValueError)
"""What python3-saml raises for an answer that is no XML, has a DTD, or lacks a part. django-allauth lets it through."""


def _saml_provider(slug: str) -> IdentityProvider:
    rows = IdentityProvider.objects.filter(active=True, kind=ProviderKind.SAML)
    provider: IdentityProvider = get_object_or_404(rows, slug=slug)
    return provider


def _checked(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Return the view of django-allauth for active providers. What it refuses by an exception is explained."""

    def checked(request: HttpRequest, organization_slug: str) -> HttpResponse:
        provider = _saml_provider(organization_slug)
        if limited(request):
            return too_many(request)
        request.META["HTTP_HOST"] = request.get_host()  # which django-allauth reads unchecked
        try:
            return view(request, organization_slug=organization_slug)
        except Refused as refused:
            return refuse(request, provider, refused)
        except PermissionDenied:  # the answer fits no sign-in of this session, or was used before
            return refuse(request, provider, Refused("state"))
        except UNREADABLE as error:
            return refuse(request, provider, saml_refusal(str(error)))

    return checked


@never_cache
@require_safe
def sign_out(request: HttpRequest, organization_slug: str) -> HttpResponse:
    """End what the named person can do here, whoever's browser brings the notice (SAML 2.0 Profiles, 4.4, by redirect).
    400 for a request that is not signed, old, or was used before."""
    provider = _saml_provider(organization_slug)
    if limited(request):
        return too_many(request)
    request.META["HTTP_HOST"] = request.get_host()
    try:
        subject = logout_subject(provider, request)
    except Refused as refused:
        records.add(request, provider, SignInOutcome.REFUSED, code=refused.code, detail=f"logout {refused.detail}")
        return HttpResponse(status=400)
    except UNREADABLE:
        return HttpResponse(status=400)
    sign_out_users(request, provider, users_of_subject(provider, subject))
    return redirect("inbox:sign-in")


@csrf_exempt
@never_cache
@require_POST
def answer(request: HttpRequest, organization_slug: str) -> HttpResponse:
    """Keep the provider's answer until a request of our own reads it: browsers send no cookies with an answer."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_ANSWER:
        return HttpResponse(status=413)
    response = _checked(views.acs)(request, organization_slug)
    if ACS_COOKIE in response.cookies:
        response.cookies[ACS_COOKIE]["httponly"] = True
    return response


@never_cache
@require_safe
def begin(request: HttpRequest, organization_slug: str) -> HttpResponse:
    """Redirect to the provider. People who are signed in stay who they are."""
    if request.user.is_authenticated or recipient_of(request) is not None:
        return redirect(local_path(request.GET.get("next", "")))
    return _checked(views.login)(request, organization_slug)


finish: Any = never_cache(require_safe(_checked(views.finish_acs)))
metadata: Any = require_safe(_checked(views.metadata))

urlpatterns: list[URLPattern] = [
    path("sign-on/<slug:organization_slug>/saml", begin, name="saml_login"),
    path("sign-on/<slug:organization_slug>/acs", answer, name="saml_acs"),
    path("sign-on/<slug:organization_slug>/acs/finish", finish, name="saml_finish_acs"),
    path("sign-on/<slug:organization_slug>/slo", sign_out, name="saml_sls"),
    path("sign-on/<slug:organization_slug>/metadata", metadata, name="saml_metadata"),
]
"""django-allauth finds them by these names."""
