"""Where django-allauth asks the product about second factors: encryption, names, limits, e-mails and refusals."""

from typing import Any
from urllib.parse import urlsplit

from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.inbox.page_frame import show_page
from notifications.inbox.sign_in.signin import SignInForm
from notifications.inbox.sign_in.ways import ways
from notifications.models import Recipient
from notifications.people import login_limits
from notifications.second_factors import changes, rules
from notifications.sign_on.adapters import AccountAdapter
from wfpush import crypto
from wfpush.web.proxies import address_of

STAGE = "notifications.second_factors.stages.FactorStage"


class FactorAccountAdapter(AccountAdapter):
    """Adds to sign-on's adapter: who may sign in without a provider, and the step of the second factor."""

    def get_login_stages(self) -> list[str]:
        return [STAGE]

    def pre_login(self, request: HttpRequest, user: AbstractBaseUser, **hook: Any) -> HttpResponse | None:
        """Return the page for people who may not sign in, or may not without their identity provider."""
        assert isinstance(user, User)
        if not user.is_active:
            return refuse(request, user, "closed", str(SignInForm.error_messages["inactive"]))
        if "sociallogin" not in (hook.get("signal_kwargs") or {}) and rules.is_closed_to(user):
            return refuse(request, user, "providers_only", gettext("This account signs in at the identity provider."))
        return None

    def post_login(self, request: HttpRequest, user: AbstractBaseUser, **hook: Any) -> HttpResponse:
        assert isinstance(user, User)
        if "sociallogin" not in (hook.get("signal_kwargs") or {}):
            if rules.is_emergency(user):
                changes.emergency_used(request, user)
            if rules.lacks_factor(request, user):
                hook["redirect_url"] = reverse("mfa_index")
        return super().post_login(request, user, **hook)

    def send_notification_mail(self, template_prefix: str, user: AbstractBaseUser, *args: Any, **kwargs: Any) -> None:
        """Record a change of factors and tell the person: django-allauth calls this for each, by a template's name."""
        changes.changed_by_person(self.request, user, template_prefix.rpartition("/")[2])

    def reauthenticate(self, user: AbstractBaseUser, password: str) -> bool:
        """Check the password again. `ConfirmPasswordForm` has counted the try."""
        right: bool = user.check_password(password)
        if right:
            login_limits.succeeded(self.request, user.get_username())
        return right

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Return whether the last password, factor or provider's sign-in of this session is older than five minutes."""
        request = context.request
        methods = (*settings.ACCOUNT_REAUTHENTICATION_METHODS, "socialaccount")
        return not rules.was_confirmed(request, request.user, methods)

    def get_reauthentication_methods(self, user: AbstractBaseUser | AnonymousUser) -> list[dict[str, Any]]:
        words = {
            "reauthenticate": gettext("Use your password"),
            "mfa_reauthenticate": gettext("Use a code"),
            "mfa_reauthenticate:webauthn": gettext("Use a passkey"),
        }
        methods = [{**each, "description": words[each["id"]]} for each in super().get_reauthentication_methods(user)]
        if methods or not rules.comes_from_provider(user):
            return methods
        return [{"id": "provider", "url": reverse("sign_in_again"), "description": ""}]

    def get_client_ip(self, request: HttpRequest) -> str:
        return str(address_of(request.META.get("REMOTE_ADDR", "")))


def refuse(request: HttpRequest, user: User, code: str, words: str) -> HttpResponse:
    """Record that somebody may not sign in, and return the page that says so, with the ways that are open."""
    changes.refused(request, user, code)
    others = ways("/") if code == "providers_only" else []
    return show_page(request, "second_factors/refused.html", {"words": words, "ways": others}, status=403)


class FactorAdapter(DefaultMFAAdapter):
    """Encrypts secrets as all others of the product are, and names this installation to authenticators."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _("This code or passkey is wrong, or was used before. Try again."),
        "cannot_generate_recovery_codes": _("Add an authenticator app or a passkey first."),
    }

    def encrypt(self, text: str) -> str:
        return crypto.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return crypto.decrypt(encrypted_text)

    def get_totp_label(self, user: AbstractBaseUser) -> str:
        return user.get_username()

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:
        count = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return gettext("Passkey {number}").format(number=count + 1)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {"id": urlsplit(settings.BASE_URL).hostname or "", "name": "wfpush"}

    def get_public_key_credential_user_entity(self, user: AbstractBaseUser) -> dict[str, Any]:
        person = Recipient.objects.filter(user_id=user.pk).first()
        name = person.name if person is not None else ""
        entity: dict[str, Any] = super().get_public_key_credential_user_entity(user)
        return {**entity, "name": user.get_username(), "display_name": name or user.get_username()}
