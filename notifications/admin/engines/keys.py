"""API keys and signing secrets of engines, tokens and links of people: how long each works, and actions that end it."""

import copy
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
)

from notifications.admin.desk.base import LedgerAdmin, ReadOnlyInline, count_words
from notifications.admin.desk.decorators import action, display, link_column, time_column
from notifications.admin.desk.display import change_url, mark, span
from notifications.admin.desk.filters import Conditions, Usable
from notifications.connectors import credentials, signatures
from notifications.models import ApiKey, LinkMail, RecipientToken, Scope, SigningSecret, SignInLink
from notifications.people import devices
from wfpush.crypto import API_KEY_PREFIX

SCOPE_HELP = _(
    "A key with “directory” may change everybody's manager and teams. “tokens” signs in its engine's "
    "external people and, with “directory”, internal people except staff."
)


class OneTimeSecretAdmin(LedgerAdmin):
    """Shows a new key or secret in the response to the request that made it, and nowhere else.

    It is in no message (Django keeps messages in the session or a cookie), in no log, and not there after a reload.
    """

    made = time_column("created_at", _("made"))
    shown_fields: list[str] = []
    form_fields: list[str] = []

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "add")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return list(self.shown_fields) if obj else []

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return list(self.shown_fields if obj else self.form_fields)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """Hide the buttons for adding another: the user has to copy the key before making another."""
        context.update({"show_save_and_add_another": False, "show_save_and_continue": False})
        response: HttpResponse = super().render_change_form(request, context, **kwargs)
        return response

    def shown_once(self, request: HttpRequest, row: Any, title: str, plain: str, text: str) -> HttpResponse:
        context = {"row": row, "back": change_url(row), "plain": plain, "text": text}
        return self.page(request, "admin/desk/shown_once.html", title, **context)


class EngineSecretAdmin(OneTimeSecretAdmin):
    list_select_related = ["engine"]
    autocomplete_fields = ["engine"]
    of_engine = link_column("engine", _("engine"), "engine__name")


# --- API keys ---------------------------------------------------------------------------------------------------------
class ApiKeyColumns:
    begins = API_KEY_PREFIX
    last_used = time_column("last_used_at", _("last used"))

    @display(description=_("begins with"), ordering="prefix")
    def starts(self, key: Any) -> str:
        return f"{self.begins}{key.prefix}…"

    @display(description=_("validity"))
    def state(self, key: Any) -> SafeString:
        if key.revoked_at:
            return mark("quiet", gettext("revoked"), str(key.revoked_at))
        if not key.usable:
            return mark("bad", gettext("expired"))
        if key.expires_at:
            return mark("ok", gettext("valid for %(span)s more") % {"span": span(key.expires_at - timezone.now())})
        return mark("ok", gettext("valid"))


class ApiKeyInline(ApiKeyColumns, ReadOnlyInline):
    model = ApiKey
    verbose_name_plural = _("API keys")
    template_after = "admin/desk/new_key.html"
    fields = ["name", "starts", "scopes", "last_used", "state"]


class ApiKeyForm(forms.ModelForm):
    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        choices=Scope.choices,
        initial=[Scope.EVENTS.value],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=SCOPE_HELP,
        error_messages={"required": _("Tick at least one: a key without a scope can do nothing.")},
    )

    class Meta:
        model = ApiKey
        fields = ["engine", "name", "scopes", "expires_at"]
        help_texts = {
            "expires_at": _("Empty: until it is revoked."),
            "name": _("Where it is used, such as “production”."),
        }

    def clean_expires_at(self) -> Any:
        expires_at = self.cleaned_data["expires_at"]
        if expires_at is not None and expires_at <= timezone.now():
            raise ValidationError(gettext("This is past. Choose a later time, or leave it empty."))
        return expires_at


class RevocableKeyAdmin(ApiKeyColumns, OneTimeSecretAdmin):
    """Keys that are shown once when they are made, and can be revoked."""

    list_filter: Sequence[Any] = [Usable]
    actions = ["revoke_chosen"]
    actions_detail = ["revoke"]

    def offers(self, action: str, row: Any) -> bool:
        return row.revoked_at is None

    @action(description=_("Revoke"), url_path="revoke", permissions=["operate"], icon="block")
    def revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        key = self.get_row(request, object_id)
        if key.revoked_at is not None:
            return self.done(request, key, gettext("It is already revoked."), messages.INFO)
        if request.method != "POST":
            text = gettext("Calls with the key %(key)s are refused from now on. This cannot be undone.")
            title = gettext("Revoke the key")
            text %= {"key": self.starts(key)}
            return self.ask(request, key, title=title, text=text, button=gettext("Revoke"), danger=True)
        credentials.revoke_keys(self.model.objects.filter(pk=key.pk), timezone.now())
        return self.done(request, key, gettext("The key %(key)s is refused from now on.") % {"key": self.starts(key)})

    @action(description=_("Revoke"), permissions=["operate"])
    def revoke_chosen(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        selection = list(queryset)
        working = [key for key in selection if key.revoked_at is None]
        revoked = credentials.revoke_keys(self.model.objects.filter(pk__in=[key.pk for key in working]), timezone.now())
        for key in working:
            self.log(request, key, "Revoked")
        self.message_user(request, count_words(revoked, len(selection), gettext("Keys revoked")))


@admin.register(ApiKey)
class ApiKeyAdmin(EngineSecretAdmin, RevocableKeyAdmin):
    empty_says = _("Keys that engines use to call wfpush. Add one for each engine.")
    form = ApiKeyForm
    form_fields = ["engine", "name", "scopes", "expires_at"]
    shown_fields = ["of_engine", "name", "starts", "scopes", "state", "made", "last_used", "expires_at", "revoked_at"]
    list_display = ["starts", "of_engine", "name", "scopes", "last_used", "made", "state"]
    list_filter = [Usable, "engine"]
    search_fields = ["prefix", "name", "engine__name"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form. Only users who may change people can give a key the scope `directory`."""
        form = super().get_form(request, obj, change, **kwargs)
        if "scopes" in form.base_fields and not request.user.has_perm("notifications.change_recipient"):
            scopes = copy.deepcopy(form.base_fields["scopes"])
            scopes.choices = [choice for choice in Scope.choices if choice[0] != Scope.DIRECTORY]
            form.base_fields["scopes"] = scopes
        return form

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        made, plain = credentials.issue_key(obj.engine, name=obj.name, scopes=obj.scopes, expires_at=obj.expires_at)
        obj.pk, obj.prefix, obj.digest, obj.created_at = made.pk, made.prefix, made.digest, made.created_at
        request.plain_once = plain  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        plain: str = request.plain_once  # type: ignore[attr-defined]
        text = gettext("Copy it to %(engine)s now. It is not stored here and is shown only this once.")
        return self.shown_once(request, obj, gettext("The new API key"), plain, text % {"engine": obj.engine})


# --- signing secrets --------------------------------------------------------------------------------------------------
class SecretColumns:
    made = time_column("created_at", _("made"))

    @display(description=_("signs and verifies"), ordering="expires_at")
    def works(self, secret: SigningSecret) -> SafeString:
        if secret.expires_at is None:
            return mark("ok", gettext("until it is replaced"))
        left = secret.expires_at - timezone.now()
        if left > timedelta(0):
            return mark("wait", gettext("for %(span)s more") % {"span": span(left)})
        return mark("quiet", gettext("no longer"))


class SigningSecretInline(SecretColumns, ReadOnlyInline):
    model = SigningSecret
    template_after = "admin/desk/new_secret.html"
    fields = ["made", "works"]


OVERLAPS = {
    "24": (_("24 hours from now"), timedelta(hours=24)),
    "168": (_("7 days from now"), timedelta(days=7)),
    "0": (_("now (it leaked)"), timedelta(0)),
    "keep": (_("never, until I end them"), None),
}


class SigningSecretForm(forms.ModelForm):
    secret = forms.CharField(
        label=_("Secret"),
        required=False,
        max_length=200,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text=_("Empty: a new one is made and shown once. Or paste one that the engine made (whsec_…)."),
    )
    old_ones_end = forms.ChoiceField(
        label=_("Old ones end"),
        choices=[(value, words) for value, (words, _overlap) in OVERLAPS.items()],
        initial="24",
        widget=UnfoldAdminSelectWidget,
        help_text=_("Until then, both sign and either is accepted, so that you can change it in the engine."),
    )

    class Meta:
        model = SigningSecret
        fields = ["engine", "secret"]

    def clean_secret(self) -> str:
        secret: str = self.cleaned_data["secret"].strip()
        if secret:
            try:
                signatures.key_of(secret)
            except ValueError as fault:
                raise ValidationError(str(fault)) from fault
        return secret


class SecretWorks(Conditions):
    title = _("validity")
    parameter_name = "works"

    def conditions_now(self) -> dict[str, tuple[Any, Q]]:
        ended = Q(expires_at__lte=timezone.now())
        return {"yes": (_("signs and verifies"), ~ended), "no": (_("no longer"), ended)}


@admin.register(SigningSecret)
class SigningSecretAdmin(SecretColumns, EngineSecretAdmin):
    empty_says = _("Secrets that prove to engines that wfpush is calling. Add one for each engine that is called.")
    form = SigningSecretForm
    form_fields = ["engine", "secret", "old_ones_end"]
    shown_fields = ["of_engine", "made", "works", "expires_at"]
    list_display = ["name", "of_engine", "made", "works"]
    list_filter = [SecretWorks, "engine"]
    search_fields = ["engine__name", "engine__slug"]
    actions_detail = ["end_now"]

    def save_model(self, request: HttpRequest, obj: SigningSecret, form: Any, change: bool) -> None:
        _words, overlap = OVERLAPS[form.cleaned_data["old_ones_end"]]
        submitted = form.cleaned_data["secret"]
        made, plain = credentials.rotate_secret(obj.engine, now=timezone.now(), overlap=overlap, secret=submitted)
        obj.pk, obj.created_at = made.pk, made.created_at
        request.plain_once = "" if submitted else plain  # type: ignore[attr-defined]

    def response_add(
        self, request: HttpRequest, obj: SigningSecret, post_url_continue: str | None = None
    ) -> HttpResponse:
        plain: str = request.plain_once  # type: ignore[attr-defined]
        if not plain:
            return self.done(request, obj, gettext("The secret is stored, encrypted, and signs from now on."))
        text = gettext("Set it in %(engine)s now: it verifies our calls and signs its own. It is shown only this once.")
        return self.shown_once(request, obj, gettext("The new signing secret"), plain, text % {"engine": obj.engine})

    def offers(self, action: str, row: SigningSecret) -> bool:
        return row.expires_at is None or row.expires_at > timezone.now()

    @action(description=_("End it now"), url_path="end", permissions=["operate"], icon="block")
    def end_now(self, request: HttpRequest, object_id: str) -> HttpResponse:
        secret: SigningSecret = self.get_row(request, object_id)
        now = timezone.now()
        if secret.expires_at is not None and secret.expires_at <= now:
            return self.done(request, secret, gettext("It has ended already."), messages.INFO)
        others = credentials.active_secrets(secret.engine, now).exclude(pk=secret.pk).exists()
        if request.method != "POST":
            text = gettext("It no longer signs calls and is no longer accepted.")
            if not others:
                text += " " + gettext("It is the last one: answers to %(engine)s will wait until there is another.") % {
                    "engine": secret.engine
                }
            return self.ask(
                request, secret, title=gettext("End the secret"), text=text, button=gettext("End it now"), danger=True
            )
        SigningSecret.objects.filter(pk=secret.pk).update(expires_at=now)
        return self.done(request, secret, gettext("The secret has ended."))

    @display(description=_("secret"))
    def name(self, secret: SigningSecret) -> str:
        return str(secret)


# --- tokens and links of people ---------------------------------------------------------------------------------------
@admin.register(RecipientToken)
class RecipientTokenAdmin(LedgerAdmin):
    empty_says = _(
        "Keys of people's apps and portals. There are none yet: the API creates them when somebody signs in there."
    )
    list_display = ["starts", "person", "label", "last_used", "made", "state"]
    list_filter = [Usable]
    list_select_related = ["recipient"]
    search_fields = ["prefix", "label", "=recipient__ref", "recipient__name"]
    fields = ["starts", "person", "label", "state", "made", "last_used", "expires_at", "revoked_at"]
    person = link_column("recipient", _("person"), "recipient__name")
    made = time_column("created_at", _("made"))
    last_used = time_column("last_used_at", _("last used"))
    actions = ["void"]

    @action(description=_("Void: sign these devices and portals out"), permissions=["operate"])
    def void(self, request: HttpRequest, queryset: QuerySet[RecipientToken]) -> None:
        tokens = list(queryset)
        selection = RecipientToken.objects.filter(pk__in=[token.pk for token in tokens])
        voided = devices.revoke_tokens(selection, timezone.now(), devices.SIGNED_OUT_BY_DESK)
        for token in tokens:
            self.log(request, token, "Voided")
        self.message_user(request, count_words(voided, len(tokens), gettext("Tokens voided")))

    @display(description=_("begins with"), ordering="prefix")
    def starts(self, token: RecipientToken) -> str:
        return str(token)

    @display(description=_("validity"))
    def state(self, token: RecipientToken) -> SafeString:
        if token.revoked_at:
            return mark("quiet", gettext("revoked"))
        return mark("ok", gettext("valid")) if token.usable else mark("quiet", gettext("expired"))


class LinkUse(Conditions):
    title = _("used")
    parameter_name = "used"
    conditions = {"yes": (_("used"), Q(used_at__isnull=False)), "no": (_("not used"), Q(used_at=None))}


@admin.register(SignInLink)
class SignInLinkAdmin(LedgerAdmin):
    empty_says = _("Links that sign a person in once. There are none yet: send one on a person's page, or by the API.")
    list_display = ["made", "person", "next", "expires_at", "state"]
    list_filter = [LinkUse]
    list_select_related = ["recipient"]
    search_fields = ["=recipient__ref", "recipient__name"]
    fields = ["person", "next", "made", "expires_at", "used_at"]
    person = link_column("recipient", _("person"), "recipient__name")
    made = time_column("created_at", _("made"))
    actions = ["void"]

    @action(description=_("Void: these links sign nobody in any more"), permissions=["operate"])
    def void(self, request: HttpRequest, queryset: QuerySet[SignInLink]) -> None:
        now, links = timezone.now(), list(queryset)
        working = SignInLink.objects.filter(pk__in=[row.pk for row in links], used_at=None, expires_at__gt=now)
        voided = working.update(expires_at=now)
        for row in links:
            self.log(request, row, "Voided")
        self.message_user(request, count_words(voided, len(links), gettext("Links voided")))

    @display(description=_("state"))
    def state(self, row: SignInLink) -> SafeString:
        if row.used_at:
            return mark("ok", gettext("used"))
        return (
            mark("wait", gettext("not used yet"))
            if row.expires_at > timezone.now()
            else mark("quiet", gettext("ended unused"))
        )


@admin.register(LinkMail)
class LinkMailAdmin(LedgerAdmin):
    """The list of sign-in links that people asked for by e-mail, or that the desk sent."""

    empty_says = _("Sign-in links requested by e-mail. There were none in 7 days.")

    list_display = ["request_time", "person", "asker", "state"]
    list_select_related = ["recipient"]
    search_fields = ["=recipient__ref", "recipient__name"]
    fields = ["request_time", "person", "asker", "next", "state", "sent_at", "detail"]
    request_time = time_column("created_at", _("asked for"))
    person = link_column("recipient", _("person"), "recipient__name")

    @display(description=_("by"))
    def asker(self, mail: LinkMail) -> str:
        return mail.by or gettext("the person")

    @display(description=_("state"))
    def state(self, mail: LinkMail) -> SafeString:
        if mail.sent_at:
            return mark("ok", gettext("sent"))
        if mail.due_at:
            return mark("wait", mail.detail or gettext("on its way"))
        return mark("bad", mail.detail or gettext("They may no longer sign in by a link."))
