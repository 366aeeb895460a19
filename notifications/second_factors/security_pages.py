"""The page “Sign-in security”: a person's own factors, and the pages that add and remove them."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import record_authentication
from allauth.account.internal.flows.reauthentication import suspend_request
from allauth.mfa import app_settings
from allauth.mfa.base.views import IndexView
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.internal import auth
from allauth.mfa.webauthn.views import AddWebAuthnView, RemoveWebAuthnView
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from notifications.second_factors import forms, rules
from notifications.second_factors.views import PageMixin


def user_of(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


class Security(PageMixin, IndexView):
    template_name = "second_factors/security.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        user, factors = user_of(self.request), context["authenticators"]
        codes = factors.get(Authenticator.Type.RECOVERY_CODES)
        return {
            **context,
            "app": factors.get(Authenticator.Type.TOTP),
            "passkeys": sorted(factors.get(Authenticator.Type.WEBAUTHN, []), key=lambda each: each.instance.pk),
            "codes": codes,
            "codes_left": len(codes.get_unused_codes()) if codes else 0,
            "has_factor": rules.has_factor(user.pk),
            "lacks_factor": rules.lacks_factor(self.request, user),
            "can_add": rules.can_add(user),
            "can_add_passkey": rules.can_add_passkey(user),
            "opens_desk": user.is_staff,
        }


class AddApp(PageMixin, ActivateTOTPView):
    template_name = "second_factors/app.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Refuse people who do not sign in here: they may have passkeys only."""
        if isinstance(request.user, User) and not rules.can_add(request.user):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        """Count the first code as proof of the factor, so that a passkey can be added right after it."""
        response: HttpResponse = super().form_valid(form)
        record_authentication(self.request, user_of(self.request), "mfa", type=Authenticator.Type.TOTP.value)
        return response


class RemoveApp(PageMixin, DeactivateTOTPView):
    template_name = "second_factors/remove.html"

    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, _("The authenticator app is removed."))
        response: HttpResponse = super().form_valid(form)
        return response


class AddPasskey(PageMixin, AddWebAuthnView):
    """A new passkey that the device stores and locks, so that it is enough for a sign-in by itself."""

    form_class = forms.AddPasskeyForm
    template_name = "second_factors/passkey.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Ask users who have a factor for that, not for the password alone: the new passkey can sign answers."""
        user = request.user
        if isinstance(user, User) and rules.has_factor(user.pk) and not rules.was_confirmed(request, user, ("mfa",)):
            ways = get_adapter().get_reauthentication_methods(user)
            way = next(each["url"] for each in ways if each["id"] != "reauthenticate")
            confirm: HttpResponseBase = suspend_request(request, way)
            return confirm
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        context["form"] = kwargs.get("form") or self.get_form()
        context["js_data"] = {"creation_options": auth.begin_registration(user_of(self.request), True)}
        return context

    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, _("The passkey is added. It can sign you in without a password."))
        response: HttpResponse = super().form_valid(form)
        return response


class RemovePasskey(PageMixin, RemoveWebAuthnView):
    template_name = "second_factors/remove.html"

    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, _("The passkey is removed. Delete it on your device, too."))
        response: HttpResponse = super().form_valid(form)
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "passkey": self.object.wrap().name}


class Codes(PageMixin, ViewRecoveryCodesView):
    """Recovery codes: shown once, then only their number."""

    template_name = "second_factors/codes.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return {**context, "text": "\n".join(context["unused_codes"]), "total": app_settings.RECOVERY_CODE_COUNT}


class NewCodes(PageMixin, GenerateRecoveryCodesView):
    template_name = "second_factors/new_codes.html"


security = Security.as_view()
add_app = AddApp.as_view()
remove_app = RemoveApp.as_view()
add_passkey = AddPasskey.as_view()
remove_passkey = RemovePasskey.as_view()
codes = Codes.as_view()
new_codes = NewCodes.as_view()


def list_passkeys(request: HttpRequest) -> HttpResponse:
    """Redirect to the page with all factors, where django-allauth has one of passkeys alone."""
    return redirect("mfa_index")
