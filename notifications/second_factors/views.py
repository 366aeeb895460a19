"""django-allauth's views with the product's pages: the second factor at the sign-in, passkeys, and confirmations."""

from datetime import timedelta
from typing import Any

from allauth.account.models import Login
from allauth.account.views import ReauthenticateView
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.base.views import ReauthenticateView as ReauthenticateByCodeView
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import flows
from allauth.mfa.webauthn.views import LoginWebAuthnView, ReauthenticateWebAuthnView
from django.contrib import messages
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from notifications.inbox.page_frame import show_page
from notifications.inbox.sign_in.session import sign_in_url
from notifications.inbox.sign_in.signin import busy, local_path, locked_out
from notifications.people import login_limits, password_places
from notifications.second_factors import changes, forms, stages


def in_json(value: Any) -> str:
    """Return the options of a passkey as the page's script reads them."""
    return DjangoJSONEncoder(separators=(",", ":")).encode(value)


class PageMixin:
    """Shows a view's template in the frame of the product's pages, never cached, with status 422 for a refused form."""

    template_name: str
    request: HttpRequest

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        add_never_cache_headers(response)
        return response

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        sent = (context.get("form"), context.get("webauthn_form"))
        status = 422 if any(form is not None and form.errors for form in sent) else 200
        if "js_data" in context:
            context["options"] = in_json(next(iter(context["js_data"].values())))
        return show_page(self.request, self.template_name, context, status=status)


def wait_page(request: HttpRequest, wait: timedelta) -> HttpResponse:
    request.sign_in_wait = wait  # type: ignore[attr-defined]
    return locked_out(request, None, None)


def remembered(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Remember this browser if the person is signed in by now, so that strangers cannot make them wait."""
    if request.user.is_authenticated:
        login_limits.remember(request, response)
    return response


# --- at the sign-in ---------------------------------------------------------------------------------------------------
class SignInWithFactor(PageMixin, AuthenticateView):
    """The step after the password: a code of the app, a recovery code, or a passkey."""

    form_class = forms.SignInCodeForm
    webauthn_form_class = forms.SecondFactorPasskeyForm
    template_name = "second_factors/sign_in.html"

    def form_valid(self, form: Any) -> HttpResponse:
        if not stages.is_current(self.stage.login):
            ended: HttpResponse = self.stage.abort()
            return ended
        factor = getattr(form, "authenticator", None)
        response = super().form_valid(form)
        if factor is not None and factor.type == Authenticator.Type.RECOVERY_CODES:
            changes.changed_by_person(self.request, factor.user, "recovery_code_used")
        return remembered(self.request, response)

    def form_invalid(self, form: Any) -> HttpResponse:
        wait = getattr(form, "wait", None)
        changes.refused(self.request, self.stage.login.user, "factor_wait" if wait else "wrong_factor")
        return wait_page(self.request, wait) if wait else super().form_invalid(form)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        user = self.stage.login.user
        types = set(Authenticator.objects.filter(user_id=user.pk).values_list("type", flat=True))
        fault = self.webauthn_form.errors.get("credential") if self.webauthn_form.is_bound else None
        return {**context, "types": types, "passkey_fault": fault}


sign_in_with_factor = SignInWithFactor.as_view()


class SignInWithPasskey(PageMixin, LoginWebAuthnView):
    """A passkey in place of name and password. The sign-in page's script asks for its options, and posts the answer."""

    form_class = forms.SignInWithPasskeyForm

    def form_valid(self, form: Any) -> HttpResponse:
        factor = form.cleaned_data["credential"]
        if not factor.user.has_usable_password():
            messages.error(self.request, _("This passkey confirms answers only. Sign in at your identity provider."))
            return redirect(sign_in_url(local_path(self.request.POST.get("next", ""))))
        sign_in = Login(user=factor.user, redirect_url=local_path(self.request.POST.get("next", "")))
        return remembered(self.request, flows.perform_passwordless_login(self.request, factor, sign_in))

    def form_invalid(self, form: Any) -> HttpResponse:
        messages.error(self.request, _("This passkey is not known here. Sign in in another way."))
        return redirect(sign_in_url(local_path(self.request.POST.get("next", ""))))


sign_in_with_passkey = SignInWithPasskey.as_view()


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """Redirect to the product's page, where django-allauth leads to its own (`account_login`)."""
    return redirect(sign_in_url(local_path(request.GET.get("next", ""))))


# --- before a change --------------------------------------------------------------------------------------------------
class ConfirmMixin(PageMixin):
    """A page that asks for a password or factor again, before a change of factors."""

    template_name = "second_factors/confirm.html"
    method: str

    def form_invalid(self, form: Any) -> HttpResponse:
        if wait := getattr(form, "wait", None):
            return wait_page(self.request, wait)
        return super().form_invalid(form)  # type: ignore[misc, no-any-return]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[misc]
        return {**context, "method": self.method}


class ConfirmByPassword(ConfirmMixin, ReauthenticateView):
    form_class = forms.ConfirmPasswordForm
    method = "password"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with password_places.place(request) as free:
            return super().post(request, *args, **kwargs) if free else busy(request)


class ConfirmByCode(ConfirmMixin, ReauthenticateByCodeView):
    form_class = forms.ConfirmCodeForm
    method = "code"


class ConfirmByPasskey(ConfirmMixin, ReauthenticateWebAuthnView):
    form_class = forms.ConfirmPasskeyForm
    method = "passkey"

    def form_invalid(self, form: Any) -> HttpResponse:
        messages.error(self.request, " ".join(form.errors.get("credential", [])))
        return redirect(self.request.get_full_path())


@never_cache
def confirm_by_provider(request: HttpRequest) -> HttpResponse:
    """Ask people without a password and a factor to sign in again at their identity provider."""
    context = {"next": local_path(request.GET.get("next", ""))}
    return show_page(request, "second_factors/sign_in_again.html", context)


confirm_by_password = ConfirmByPassword.as_view()
confirm_by_code = ConfirmByCode.as_view()
confirm_by_passkey = ConfirmByPasskey.as_view()
