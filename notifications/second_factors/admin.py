"""The desk's rules for signing in, and the list of second factors, where lost ones are removed."""

from typing import Any

import allauth.mfa.admin  # noqa: F401  # registers its page first, so that ours replaces it
from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.admin.desk.base import HistoryAdmin, LedgerAdmin
from notifications.admin.desk.decorators import action, column, display, time_column
from notifications.admin.desk.display import change_url, link, list_url
from notifications.admin.desk.filters import Conditions
from notifications.models import Recipient
from notifications.second_factors import changes
from notifications.second_factors.fingerprints import fingerprint
from notifications.second_factors.models import KINDS, Factor, SignInRules
from notifications.sign_on.models import IdentityProvider

admin.site.unregister(Authenticator)


class SignInRulesForm(forms.ModelForm):
    def clean(self) -> dict[str, Any]:
        """Refuse to lock everybody out: by no provider, or by no emergency account that can sign in."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("providers_only"):
            if not IdentityProvider.objects.filter(active=True, works_since__isnull=False).exists():
                self.add_error("providers_only", gettext("Sign in at an identity provider first: none works yet."))
            accounts = cleaned.get("emergency_accounts")
            if not any(each.is_active and each.is_superuser and each.has_usable_password() for each in accounts or []):
                self.add_error("emergency_accounts", gettext("Name at least one active superuser with a password."))
        return cleaned


@admin.register(SignInRules)
class SignInRulesAdmin(HistoryAdmin):
    """The one row of rules: the list leads to it."""

    empty_says = _("Nobody needs a second factor, and everybody can sign in by password.")
    form = SignInRulesForm
    autocomplete_fields = ["roles", "emergency_accounts"]
    fieldsets = [
        (_("Second factors"), {"fields": ["roles", "superusers"]}),
        (_("Passwords"), {"fields": ["providers_only", "emergency_accounts"]}),
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not SignInRules.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Offer no other row: there is one at most."""
        context = {"show_save_and_add_another": False, **(extra_context or {})}
        response: HttpResponse = super().changeform_view(request, object_id, form_url, context)
        return response

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        rules = SignInRules.objects.first()
        if rules is not None and self.has_view_or_change_permission(request):
            return HttpResponseRedirect(change_url(rules))
        response: HttpResponse = super().changelist_view(request, extra_context)
        return response


def _holder(user: User) -> Recipient | User:
    """Return the person of an account, or the account of nobody."""
    return getattr(user, "recipient", None) or user


class KindFilter(Conditions):
    title = _("kind")
    parameter_name = "kind"
    conditions = {kind: (words, Q(type=kind)) for kind, words in KINDS.items()}


@admin.register(Factor)
class FactorAdmin(LedgerAdmin):
    """Who has which second factors. Secrets and keys are not shown."""

    empty_says = _("Second factors of people who sign in here. Nobody has set one up yet.")
    list_display = ["holder", "kind", "added", "used"]
    list_filter = [KindFilter]
    list_select_related = ["user__recipient"]
    search_fields = ["user__username", "user__recipient__name", "user__recipient__ref"]
    fields = ["person", "kind", "added", "used", "fingerprint"]
    readonly_fields = fields
    added = time_column("created_at", _("added"))
    used = time_column("last_used_at", _("last used"))
    actions_detail = ["remove_all"]

    holder = column(lambda factor: _holder(factor.user), _("person"), "user__username")

    @display(description=_("person"))
    def person(self, factor: Factor) -> SafeString:
        return link(_holder(factor.user))

    kind = column(lambda factor: KINDS[factor.type], _("kind"), "type")

    @display(description=_("fingerprint of the key"))
    def fingerprint(self, factor: Factor) -> str:
        has_key = factor.type == Factor.Type.WEBAUTHN and factor.data.get("credential")
        return fingerprint(factor) if has_key else "—"

    def has_remove_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "delete")

    @action(description=_("Remove all of this person…"), url_path="remove", permissions=["remove"], icon="delete")
    def remove_all(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then remove all factors of somebody who has lost them."""
        factor: Factor = self.get_row(request, object_id)
        user: User = factor.user
        if user.is_superuser and not request.user.is_superuser:
            raise PermissionDenied
        name = {"name": str(_holder(user))}
        if request.method != "POST":
            title = gettext("Remove all second factors of %(name)s?") % name
            text = gettext("Until they set up a new one, their password alone is enough. They get an e-mail about it.")
            return self.ask(request, factor, title=title, text=text, button=gettext("Remove all"), danger=True)
        changes.remove_by_desk(request, user)
        done = gettext("All second factors of %(name)s are removed.") % name
        self.log(request, user, done)
        self.message_user(request, done)
        return HttpResponseRedirect(list_url(Factor))
