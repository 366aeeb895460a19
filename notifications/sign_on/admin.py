"""Identity providers at the desk: addresses, light, groups with a preview, identities, and the record of sign-ins."""

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

import allauth.account.admin  # registers its pages first, so that they can be removed
import allauth.socialaccount.admin  # noqa: F401
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminTextareaWidget

from notifications.admin.desk.base import HistoryAdmin, LedgerAdmin
from notifications.admin.desk.decorators import action, display
from notifications.admin.desk.display import NOTHING, change_url, link, mark, moment, with_why
from notifications.admin.desk.fields import AddressField, DomainsField, SecretField
from notifications.admin.desk.history_states import State
from notifications.admin.engines.engine_access import PEM, PublicLines, has_moved, switch
from notifications.models import Recipient
from notifications.models.validators import validate_callback_url
from notifications.sign_on import groups, id_tokens
from notifications.sign_on.models import (
    GroupMapping,
    IdentityProvider,
    ProviderKind,
    SignInRecord,
    new_identity_key,
)
from notifications.sign_on.provider import saml_is_installed
from notifications.sign_on.refusals import REFUSALS, code_words

NEEDED = {ProviderKind.OPENID_CONNECT: ("issuer", "client_id"), ProviderKind.SAML: ("issuer", "sso_url", "certificate")}
"""Fields that a protocol needs."""
ISSUER_WORDS = {
    ProviderKind.OPENID_CONNECT: (
        _("Issuer"), _("The provider's address, such as https://login.acme.example/realms/staff.")
    ),
    ProviderKind.SAML: (_("Entity ID"), _("The provider's name for itself. Its metadata has it.")),
}  # fmt: skip
"""Label and help of the issuer's field."""
PREVIEWED = 100
"""Identities that the preview of groups looks at: those that signed in last."""
TONES = {
    **dict.fromkeys(("signed_out", "changed", "factors", "password", "ended"), "quiet"),
    **dict.fromkeys(("refused", "emergency"), "bad"),
    "signed_in": "ok",
}

for _model in (EmailAddress, SocialAccount, SocialApp, SocialToken):  # providers and identities are on our own pages
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)


# --- the form ---------------------------------------------------------------------------------------------------------
class ProviderForm(forms.ModelForm):
    new_secret = SecretField(label=_("Client secret"))
    sso_url = AddressField(label=_("Address for signing in"))
    metadata = forms.CharField(
        label=_("SAML metadata"),
        required=False,
        max_length=200_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4, "dir": "ltr"}),
        help_text=_("The provider's description in XML fills in the fields of SAML."),
    )
    certificate = forms.CharField(label=_("Certificate"), required=False, widget=PublicLines(attrs=PEM))
    domains = DomainsField(
        label=_("E-mail domains"),
        help_text=_("One a line. People with these addresses sign in there, and the provider may name no others."),
    )

    class Meta:
        model = IdentityProvider
        fields = [
            *("name", "slug", "kind", "issuer", "client_id", "sso_url", "certificate", "domains"),
            *("trusts_addresses", "creates_people", "groups_claim", "active"),
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "kind" not in self.fields:  # for users who may not change it
            return
        if self.instance.pk:
            self.fields["new_secret"].help_text = gettext("Leave it empty to keep the stored secret.")
        issuer = self.fields["issuer"]
        issuer.label, words = ISSUER_WORDS[self["kind"].value() or ProviderKind.OPENID_CONNECT]
        issuer.help_text = format_html('<span id="id_issuer_helptext">{}</span>', words)
        self.fields["kind"].widget.attrs["data-switch"] = switch({kind: _field_switch(kind) for kind in ISSUER_WORDS})

    def clean_domains(self) -> list[str]:
        """Refuse a domain of another provider: a name must lead to one place."""
        domains: list[str] = self.cleaned_data["domains"]
        others = IdentityProvider.objects.exclude(pk=self.instance.pk).filter(domains__overlap=domains)
        if (other := others.first()) is not None:
            raise ValidationError(gettext("%(name)s has one of these domains already.") % {"name": other.name})
        return domains

    def clean(self) -> dict[str, Any]:
        """Check what the protocol needs. A description in XML fills the fields of SAML."""
        cleaned: dict[str, Any] = super().clean() or {}
        stored = self.instance
        keeps_secret = bool(stored.pk and stored.client_secret and not cleaned.get("new_secret"))
        if keeps_secret and has_moved(stored.issuer, cleaned.get("issuer")):
            self.add_error("new_secret", gettext("It would now be sent to another host: enter it again."))
        if cleaned.get("kind") == ProviderKind.SAML:
            self._read_metadata(cleaned)
        elif cleaned.get("issuer"):
            try:
                validate_callback_url(cleaned["issuer"], settings.OUTBOUND_ALLOWED_CIDRS)
            except ValidationError as fault:
                self.add_error("issuer", fault)
        for name in NEEDED[cleaned.get("kind") or ProviderKind.OPENID_CONNECT]:
            if not cleaned.get(name) and name not in self.errors:
                self.add_error(name, gettext("Enter this value from the provider."))
        return cleaned

    def _read_metadata(self, cleaned: dict[str, Any]) -> None:
        if not saml_is_installed():
            self.add_error("kind", gettext("SAML needs the package python3-saml. Install it, and restart."))
        elif cleaned.get("metadata"):
            try:
                cleaned.update(import_module("notifications.sign_on.saml").read_metadata(cleaned["metadata"]))
            except ValueError:
                self.add_error("metadata", gettext("This is no SAML metadata of an identity provider."))

    def clean_slug(self) -> str:
        """Refuse the names of protocols, by which django-allauth finds providers, too."""
        slug: str = self.cleaned_data["slug"]
        if slug in ProviderKind.values:
            raise ValidationError(gettext("Choose another slug: this is the name of a protocol."))
        return slug

    def save(self, commit: bool = True) -> Any:
        for name in ("issuer", "sso_url", "certificate"):
            setattr(self.instance, name, self.cleaned_data[name])
        if self.cleaned_data["new_secret"]:
            self.instance.client_secret = self.cleaned_data["new_secret"]
        id_tokens.forget(self.instance)
        return super().save(commit)


def _field_switch(kind: ProviderKind) -> dict[str, Any]:
    """Return the parts of the form that the other protocol needs, and the words of the issuer."""
    return {
        "hide": [f".{other}-only" for other in ISSUER_WORDS if other != kind],
        "words": {"issuer": ISSUER_WORDS[kind]},
    }


class GroupMappingInline(TabularInline):
    model = GroupMapping
    extra = 0
    autocomplete_fields = ["team", "role"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request) and super().has_add_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request) and super().has_delete_permission(request, obj)

    def _may(self, request: HttpRequest) -> bool:
        """Return whether the user may change users: the table is a way to give oneself a role."""
        return request.user.has_perm("auth.change_user")


# --- pages ------------------------------------------------------------------------------------------------------------
@admin.register(IdentityProvider)
class IdentityProviderAdmin(HistoryAdmin):
    """Providers. Their addresses are shown to be entered at the provider; the light is that of real sign-ins."""

    empty_says = _("People sign in by password. Add your company's identity provider.")
    form = ProviderForm
    inlines = [GroupMappingInline]
    list_display = ["name", "issuer", "domain_names", "light", "active"]
    search_fields = ["name", "slug", "issuer"]
    prepopulated_fields = {"slug": ["name"]}
    readonly_fields = ["light", "addresses"]
    actions_detail = ["preview_groups", "forget_identities"]

    class Media:
        js = ["wfpush/admin/switch.js"]

    def get_fieldsets(self, request: HttpRequest, obj: IdentityProvider | None = None) -> list[Any]:
        """Leave out what there is not yet. A script hides the fields of the protocol that is not chosen."""
        sections = [
            (None, {"fields": [*(["light"] if obj else []), "name", "slug", "active"]}),
            (_("At the provider"), {"fields": ["kind", "issuer", *(["addresses"] if obj else [])]}),
            (_("OpenID Connect"), {"fields": ["client_id", "new_secret"], "classes": ["openid_connect-only"]}),
            (_("SAML 2.0"), {"fields": ["metadata", "sso_url", "certificate"], "classes": ["saml-only"]}),
            (_("People"), {"fields": ["domains", "trusts_addresses", "creates_people", "groups_claim"]}),
        ]
        if obj is None or self.has_change_permission(request, obj):
            return self.fold_prepopulated(sections)
        unused = {f"{kind}-only" for kind in ProviderKind.values if kind != obj.kind}
        used = [(name, options) for name, options in sections if not unused & set(options.get("classes", []))]
        return self.fold_prepopulated(used)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save the provider. Another issuer, protocol or client has other people as subjects, also when a former one is
        restored."""
        if change and {"issuer", "kind", "client_id"} & set(form.changed_data):
            obj.identity_key = new_identity_key()
        super().save_model(request, obj, form, change)

    def refuses_to_restore(self, row: IdentityProvider, then: State, changed: Sequence[str]) -> Sequence[str]:
        """Refuse an issuer on another host: the stored secret is sent only to the host for which it was entered."""
        if "issuer" in changed and row.client_secret and has_moved(row.issuer, then.values["issuer"]):
            return [gettext("The secret would now be sent to another host. Enter issuer and secret yourself.")]
        return ()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [*super().get_readonly_fields(request, obj), *(["slug"] if obj else [])]

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return {} if obj else super().get_prepopulated_fields(request, obj)

    @display(description=_("e-mail domains"))
    def domain_names(self, provider: IdentityProvider) -> str:
        return ", ".join(provider.domains)

    @display(description=_("state"))
    def light(self, provider: IdentityProvider) -> SafeString:
        """Return whether the provider works, by the last sign-in there."""
        if provider.pk is None:
            return NOTHING
        if provider.fault:
            why = format_html("{} {}", REFUSALS[provider.fault].administrator, moment(provider.fault_at))
            return with_why(mark("bad", gettext("does not work")), why)
        if provider.works_since is None:
            return with_why(
                mark("quiet", gettext("not tried yet")), gettext("Sign in there once, in a private window.")
            )
        return with_why(mark("ok", gettext("works")), moment(provider.works_since))

    @display(description=_("addresses to enter there"))
    def addresses(self, provider: IdentityProvider) -> SafeString:
        if not provider.slug:
            return format_html("{}", gettext("Save the provider first."))
        rows = [
            (gettext("Redirect URI"), "openid_connect_callback"),
            (gettext("Back-channel logout URI"), "openid_connect_back_channel"),
            (gettext("Front-channel logout URI"), "openid_connect_front_channel"),
        ]
        if provider.kind == ProviderKind.SAML:
            rows = [
                (gettext("Entity ID and metadata"), "saml_metadata"),
                (gettext("Assertion consumer service"), "saml_acs"),
                (gettext("Single logout service"), "saml_sls"),
            ]
        shown = ((label, settings.BASE_URL + reverse(name, args=[provider.slug])) for label, name in rows)
        return format_html(
            '<dl class="desk-addresses">{}</dl>', format_html_join("", "<dt>{}</dt><dd><code>{}</code></dd>", shown)
        )

    @action(description=_("Preview groups"), url_path="groups", permissions=["view"], icon="groups")
    def preview_groups(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show what the table, as it is saved, would change about the people who signed in last."""
        provider: IdentityProvider = self.get_row(request, object_id)
        context = {"rows": list(previews(provider)), "provider": provider, "back": change_url(provider)}
        return self.page(request, "sign_on/groups.html", gettext("Preview of groups"), **context)

    @action(description=_("Forget identities…"), url_path="forget", permissions=["change"], icon="person_off")
    def forget_identities(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then forget who is who there: people are found by their verified address again."""
        provider: IdentityProvider = self.get_row(request, object_id)
        count = SocialAccount.objects.filter(provider=provider.identity_key).count()
        if request.method != "POST":
            text = ngettext(
                "%(count)d person is found by their verified e-mail address again, at the next sign-in there. Sessions "
                "go on.",
                "%(count)d people are found by their verified e-mail address again, at the next sign-in there. "
                "Sessions go on.",
                count,
            )
            title = gettext("Forget all identities of %(name)s?") % {"name": provider.name}
            button = gettext("Forget identities")
            return self.ask(request, provider, title=title, text=text % {"count": count}, button=button, danger=True)
        SocialAccount.objects.filter(provider=provider.identity_key).delete()
        done = ngettext("%(count)d identity is forgotten.", "%(count)d identities are forgotten.", count)
        self.log(request, provider, done % {"count": count})
        self.message_user(request, done % {"count": count})
        return HttpResponseRedirect(change_url(provider))


def previews(provider: IdentityProvider) -> Iterator[dict[str, Any]]:
    """Yield the identities that signed in last, with their groups and the changes by the table."""
    identities = (
        SocialAccount.objects.filter(provider=provider.identity_key).select_related("user").order_by("-last_login")
    )
    newest = list(identities[:PREVIEWED])
    people = {person.user_id: person for person in Recipient.objects.filter(user__in=[each.user_id for each in newest])}
    for identity in newest:
        sent = groups.groups_in(provider, identity.extra_data.get("claims", {}))
        change = groups.changes(provider, identity.user, sent) if sent is not None else groups.Changes()
        yield {
            "person": people.get(identity.user_id) or identity.user,
            "groups": sorted(sent) if sent is not None else None,
            "changes": change,
        }


@admin.register(SignInRecord)
class SignInRecordAdmin(LedgerAdmin):
    empty_says = _("Sign-ins at identity providers, refusals with their reasons, and changes of second factors.")
    list_display = ["at", "identity", "person", "outcome_mark", "why", "provider"]
    list_filter = ["outcome", "provider"]
    list_select_related = ["provider", "user__recipient"]
    search_fields = ["identity", "address"]
    fields = ["at", "provider", "identity", "person", "outcome_mark", "why", "detail", "address", "browser"]
    readonly_fields = fields

    @display(description=_("person"))
    def person(self, record: SignInRecord) -> SafeString:
        return link(getattr(record.user, "recipient", None) or record.user)

    @display(description=_("outcome"), ordering="outcome")
    def outcome_mark(self, record: SignInRecord) -> SafeString:
        return mark(TONES[record.outcome], record.get_outcome_display())

    @display(description=_("reason"), ordering="code")
    def why(self, record: SignInRecord) -> Any:
        refusal = REFUSALS.get(record.code)
        words = refusal.administrator if refusal else code_words().get(record.code)
        return words or record.detail or NOTHING
