"""The admin site: the administrators' desk."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.forms import AuthenticationForm as DjangoAuthenticationForm
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import SimpleTemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.functional import SimpleLazyObject
from django.utils.html import format_html, format_html_join
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from unfold.forms import AdminOwnPasswordChangeForm, AuthenticationForm
from unfold.sites import UnfoldAdminSite

from notifications.additions import AccountLink
from notifications.inbox.sign_in.passwords import OwnPasswordForm, rules
from notifications.inbox.sign_in.session import SIGNED_IN_BY, device_follows_session
from notifications.inbox.sign_in.signin import busy
from notifications.inbox.sign_in.ways import panels, take_over, ways
from notifications.models import Assurance
from notifications.people import login_limits, password_places
from notifications.wording.plaintext import escape_hidden, show_hidden_characters
from wfpush import features

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'unsafe-eval'",  # unfold's pages are written for Alpine, which evaluates their attributes
        "style-src 'self' 'unsafe-inline'",  # unfold's pages carry its colours, and htmx adds a style of its own
        "img-src 'self' data: https:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
"""The policy of the desk's pages. It allows more scripts than that of other pages; only images may be from other
hosts."""


class SignInForm(AuthenticationForm):
    """unfold's form. It refuses names longer than an account's, because axes could not count tries for longer ones."""

    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"]
        if len(name) > (User._meta.get_field("username").max_length or 0):
            raise self.get_invalid_login_error()
        return name


class SignIn(LoginView):
    def form_valid(self, form: DjangoAuthenticationForm) -> HttpResponse:
        """Sign in after the password was checked. No transaction and no lock on the count of tries was open while it
        was hashed."""
        response = take_over(self.request, form.get_user(), self.get_success_url())
        if response is not None:
            return response
        with device_follows_session(self.request):
            response = super().form_valid(form)
        self.request.session[SIGNED_IN_BY] = Assurance.PASSWORD.value
        return response


class NewPasswordForm(OwnPasswordForm, AdminOwnPasswordChangeForm):
    """The inbox's form for a new password, with the desk's widgets."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ends = gettext(
            "All other browsers and apps are signed out at once, and their notifications and links end. This browser "
            "stays signed in."
        )
        self.fields["new_password1"].help_text = format_html(
            "<ul>{}</ul>", format_html_join("", "<li>{}</li>", ([rule] for rule in [*rules(), ends]))
        )


class NewPassword(PasswordChangeView):
    form_class = NewPasswordForm

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        """Save the new password. The form keeps this session signed in."""
        form.save()
        response = HttpResponseRedirect(self.get_success_url())
        login_limits.remember(self.request, response)
        return response

    def form_invalid(self, form: PasswordChangeForm) -> HttpResponse:
        assert isinstance(form, NewPasswordForm)
        response = super().form_invalid(form)
        form.tell_wait(response)
        return response


class Choices(AutocompleteJsonView):
    """The options of fields that search, with invisible characters shown as on pages."""

    def serialize_result(self, obj: Any, to_field_name: str) -> dict[str, str]:
        result: dict[str, str] = super().serialize_result(obj, to_field_name)
        ids = getattr(self.model_admin, "shown_with", ())
        parts = [result["text"], *(str(value) for name in ids if (value := getattr(obj, name)))]
        return {**result, "text": escape_hidden(" · ".join(parts))}


class Site(UnfoldAdminSite):
    """The admin site. Its pages are in the `admin` packages of apps; settings.UNFOLD names the functions for sidebar,
    overview and search."""

    login_form = SignInForm
    index_title = _("Overview")
    index_template = "admin/desk/overview.html"

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., HttpResponse]:
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def secured(*args: Any, **kwargs: Any) -> HttpResponse:
            return _secure_page(inner(*args, **kwargs))

        return secured

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """Return the list lazily. Django gives it to every page, but the desk's pages have their own sidebar."""
        return SimpleLazyObject(lambda: super(Site, self).get_app_list(request, app_label))

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Return the desk's own search results. unfold would cache rows that users may no longer be allowed to see."""
        answer: HttpResponse = self._get_value(self._get_config("COMMAND", request)["search_callback"], request)
        return answer

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        view: Callable[..., Any] = Choices.as_view(admin_site=self)
        response: HttpResponse = view(request)
        return response

    def _get_account_links(self, request: HttpRequest) -> list[dict[str, Any]]:
        """Return the entries of the account menu, those of features too."""
        if not isinstance(request.user, User):
            return []
        has_password = request.user.has_usable_password()
        own = [{"title": gettext("Change password"), "link": reverse("admin:password_change")}] if has_password else []
        added = [each for each in features.added(AccountLink) if has_password or not each.needs_password]
        return [*own, *({"title": each.label, "link": reverse(each.page)} for each in added)]

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the requested page after signing in here, or the overview. LOGIN_REDIRECT_URL is the inbox."""
        index = reverse("admin:index", current_app=self.name)
        if request.method == "GET" and self.has_permission(request):
            return HttpResponseRedirect(_requested_page(request) or index)
        if request.method == "GET" and REDIRECT_FIELD_NAME not in request.GET:
            return HttpResponseRedirect(f"{request.path}?{urlencode({REDIRECT_FIELD_NAME: index})}")
        with password_places.place(request) as free:
            response = _secure_page(self._sign_in(request, extra_context or {}) if free else busy(request))
        if request.method == "POST" and request.user.is_authenticated and response.status_code == 302:
            login_limits.remember(request, response)
        return response

    def _sign_in(self, request: HttpRequest, extra_context: dict[str, Any]) -> HttpResponse:
        """Sign in as Django's own page does, with the desk's view."""
        back = _requested_page(request) or reverse("admin:index", current_app=self.name)
        context = {
            **self.each_context(request),
            "title": gettext("Log in"),
            "subtitle": None,
            "app_path": request.get_full_path(),
            "username": request.user.get_username(),
            "ways": ways(back),
            "panels": panels(),
        }
        if REDIRECT_FIELD_NAME not in request.GET.keys() | request.POST.keys():
            context[REDIRECT_FIELD_NAME] = reverse("admin:index", current_app=self.name)
        request.current_app = self.name
        view: Callable[..., Any] = SignIn.as_view(
            extra_context=context | extra_context,
            authentication_form=self.login_form,
            template_name=self.login_template or "admin/login.html",
        )
        response: HttpResponse = view(request)
        return response

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {**self.each_context(request), **(extra_context or {})}
        done = reverse("admin:password_change_done", current_app=self.name)
        view: Callable[..., Any] = NewPassword.as_view(success_url=done, extra_context=context)
        response: HttpResponse = view(request)
        return response

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        with device_follows_session(request):
            response: HttpResponse = super().logout(request, extra_context)
        return response


def _requested_page(request: HttpRequest) -> str:
    """Return the address on this host that led to the page for signing in; empty without one."""
    address = request.GET.get(REDIRECT_FIELD_NAME, "")
    here = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    return address if here and not address.startswith(request.path) else ""


def _secure_page(response: HttpResponse) -> HttpResponse:
    if response.status_code == 200:
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
        response.add_post_render_callback(_make_visible)
    else:
        _make_visible(response)
    return response


def _make_visible(response: Any) -> None:
    """Show invisible and direction-changing characters on a page, which may come from texts of engines and people."""
    if not response.streaming and response.headers.get("Content-Type", "").startswith("text/html"):
        response.content = show_hidden_characters(response.content.decode())
