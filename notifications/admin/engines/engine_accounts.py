"""People's own sign-in at an engine, which gets answers in their names, and the accounts that they have connected."""

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from notifications import reasons
from notifications.admin.desk.base import LedgerAdmin
from notifications.admin.desk.decorators import action, display, link_column, time_column
from notifications.admin.desk.display import list_url, mark, with_why
from notifications.admin.desk.fields import AddressField, CalledAddressField, SecretField
from notifications.admin.desk.filters import Conditions
from notifications.admin.engines.engine_access import (
    AccessFormSet,
    SingleInline,
    has_moved,
    secret_column,
    stored_help,
    switch,
)
from notifications.engines import connected_accounts
from notifications.models import ConnectedAccount, Engine, InTheNameOf, PersonalSignIn

NEEDED = ("authorize_url", "token_url", "client_id")
USED = (*NEEDED, "new_client_secret", "scope")
"""Fields that are used only if people sign in themselves."""


class PersonalForm(forms.ModelForm):
    token_url = CalledAddressField(label=_("Address for tokens"))
    mode = forms.ChoiceField(
        label=_("Answers are given by"),
        choices=InTheNameOf.choices,
        initial=InTheNameOf.SERVICE,
        widget=UnfoldAdminSelectWidget,
    )
    authorize_url = AddressField(
        label=_("Address where people sign in"),
        help_text=_("The authorization endpoint of the engine's sign-in (OAuth2, authorization code with PKCE)."),
    )
    new_client_secret = SecretField(label=_("Client secret"))

    def __init__(self, *args: Any, engine: Engine | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["mode"].help_text = _accounts_help(engine)
        self.fields["client_id"].help_text = _redirect_help(engine)
        otherwise = gettext("Stored encrypted and never shown again. Empty for a public client.")
        self.fields["new_client_secret"].help_text = stored_help(self._is_secret_stored, otherwise)
        self.fields["scope"].help_text = gettext(
            "Such as openid offline_access. Without offline_access, many sign-ins end soon."
        )
        hidden = [f".field-{name}" for name in USED]
        self.fields["mode"].widget.attrs["data-switch"] = switch(
            {mode: {"hide": hidden if mode == InTheNameOf.SERVICE else [], "words": {}} for mode in InTheNameOf.values}
        )

    @property
    def _is_secret_stored(self) -> bool:
        """Return whether a secret is stored, without decrypting it."""
        return bool(self.instance.__dict__.get("client_secret"))

    def clean_authorize_url(self) -> str:
        """Accept http only if wfpush has no https: people type passwords at the address (RFC 6749, 3.1)."""
        address: str = self.cleaned_data["authorize_url"]
        if address and urlsplit(address).scheme != "https" and settings.BASE_URL.startswith("https:"):
            raise ValidationError(gettext("Enter an address that begins with https://."))
        return address

    def clean(self) -> dict[str, Any]:
        """Clear unused fields, and require those that are needed."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("mode") == InTheNameOf.SERVICE:
            for name in USED:
                cleaned[name] = ""
                self.errors.pop(name, None)
            return cleaned
        for name in NEEDED:
            if name in cleaned and not cleaned[name]:
                self.add_error(name, gettext("People cannot sign in without it."))
        moved = has_moved(self.initial.get("token_url"), cleaned.get("token_url"))
        if self._is_secret_stored and moved and not cleaned.get("new_client_secret"):
            self.add_error("new_client_secret", gettext("It would now be sent to another host: enter it again."))
        return cleaned

    def save(self, commit: bool = True) -> Any:
        if self.cleaned_data["new_client_secret"] or self.cleaned_data["mode"] == InTheNameOf.SERVICE:
            self.instance.client_secret = self.cleaned_data["new_client_secret"]
        saved = super().save(commit)
        if "mode" in self.changed_data:
            connected_accounts.mode_changed(self.instance.engine, timezone.now())
        return saved


def _redirect_help(engine: Engine | None) -> SafeString | str:
    """Return help with the redirect address, which must be registered at the authorization server."""
    if engine is None or engine.pk is None:
        return gettext("Save to see the redirect address that you register there.")
    text = gettext("Register this redirect address there: {address}")
    return format_html(
        text, address=format_html('<code class="desk-address">{}</code>', connected_accounts.way_back(engine))
    )


def _accounts_help(engine: Engine | None) -> SafeString | str:
    """Return the number of connected accounts as a link to their list; empty if there are none."""
    count = ConnectedAccount.objects.filter(engine=engine, ended_at=None).count() if engine and engine.pk else 0
    if engine is None or not count:
        return ""
    text = ngettext("%(count)d person has connected their account.", "%(count)d people have connected theirs.", count)
    address = list_url(ConnectedAccount, f"engine__id__exact={engine.pk}")
    return format_html('<a class="desk-link" href="{}">{}</a>', address, text % {"count": count})


class PersonalInline(SingleInline):
    model = PersonalSignIn
    form = PersonalForm
    formset = AccessFormSet
    verbose_name_plural = _("accounts used for answers")
    secret_kept = secret_column("client_secret", _("client secret"))
    readonly_fields = ["secret_kept"]
    fieldsets = [
        (None, {"fields": ["mode", "authorize_url", "token_url", "client_id", "new_client_secret", "scope"]}),
    ]
    shown = ["mode", "authorize_url", "token_url", "client_id", "secret_kept", "scope"]


# --- connected accounts -----------------------------------------------------------------------------------------------
class StillConnected(Conditions):
    title = _("validity")
    parameter_name = "works"
    conditions = {"yes": (_("valid"), Q(ended_at=None)), "no": (_("has ended"), Q(ended_at__isnull=False))}


@admin.register(ConnectedAccount)
class ConnectedAccountAdmin(LedgerAdmin):
    empty_says = _(
        "Accounts that people use to answer an engine. There are none yet: people connect theirs in "
        "the inbox if the engine asks for it."
    )
    list_display = ["person", "where", "name", "since", "state"]
    list_display_links = ["since"]
    list_filter = [StillConnected, "engine"]
    list_select_related = ["recipient", "engine"]
    search_fields = ["=recipient__ref", "recipient__name", "name"]
    actions_detail = ["take_out"]
    fields = ["person", "where", "name", "since", "state"]
    person = link_column("recipient", _("person"), "recipient__name")
    where = link_column("engine", _("engine"), "engine__name")
    since = time_column("connected_at", _("connected"))

    @display(description=_("validity"))
    def state(self, account: ConnectedAccount) -> SafeString:
        if account.works:
            return mark("ok", gettext("valid"))
        return with_why(mark("bad", gettext("has ended")), reasons.words(account, "end_reason"))

    @action(description=_("Disconnect"), url_path="take-out", permissions=["operate"], icon="link_off")
    def take_out(self, request: HttpRequest, object_id: str) -> HttpResponse:
        account: ConnectedAccount = self.get_row(request, object_id)
        names = {"person": account.recipient, "engine": account.engine}
        if request.method != "POST":
            text = gettext(
                "%(person)s will have to sign in at %(engine)s again. Answers that wait for it keep waiting."
            )
            title = gettext("Disconnect this account")
            return self.ask(request, account, title=title, text=text % names, button=gettext("Disconnect"), danger=True)
        engine: Engine = account.engine
        connected_accounts.disconnect(engine, account.recipient)
        sentence = gettext("%(person)s is no longer connected with %(engine)s.") % names
        self.log(request, account.recipient, sentence)
        self.message_user(request, sentence, messages.SUCCESS)
        return HttpResponseRedirect(list_url(ConnectedAccount))
