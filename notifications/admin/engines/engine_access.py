"""Our sign-in at an engine: a part of the engine's form.

Secrets are never shown: an empty field keeps the stored one. A change of the sign-in deletes a secret that it no longer
uses.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import StackedInline
from unfold.forms import PaginationInlineFormSet
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from notifications.admin.desk.decorators import display
from notifications.admin.desk.display import NOTHING, mark
from notifications.admin.desk.fields import CalledAddressField, JsonObjectField, SecretField
from notifications.connectors import reader_for
from notifications.connectors.access import Access, tls_context
from notifications.connectors.oauth2 import AccessRefused
from notifications.connectors.rest import RestConnector
from notifications.models import AuthKind, Engine, EngineAccess
from wfpush.crypto import UndecryptableSecret

USES: dict[str, tuple[str, ...]] = {
    AuthKind.NONE: (),
    AuthKind.BASIC: ("name", "new_secret"),
    AuthKind.BEARER: ("new_secret",),
    AuthKind.API_KEY: ("header", "new_secret"),
    AuthKind.OAUTH2: ("token_url", "name", "new_secret", "token_body", "scope", "audience"),
}
"""The fields that each way of signing in uses. Other fields are hidden and cleared."""
NEEDS = ("token_url", "name", "header", "new_secret")
"""Fields that must not be empty if they are used."""
UNUSED = {
    "name": "",
    "new_secret": "",
    "header": "X-API-Key",
    "token_url": "",
    "token_body": "form",
    "scope": "",
    "audience": "",
}
"""The values of fields that are not used."""
WORDS: dict[str, dict[str, Any]] = {
    AuthKind.BASIC: {"name": _("User"), "new_secret": _("Password")},
    AuthKind.BEARER: {"new_secret": _("Token")},
    AuthKind.API_KEY: {"new_secret": _("Key")},
    AuthKind.OAUTH2: {"name": _("Client id"), "new_secret": _("Client secret")},
}
"""Labels of fields that differ by the way of signing in."""
HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""The syntax of a header's name (RFC 9110, 5.6.2)."""
OURS = ("accept", "connection", "content-length", "content-type", "host", "transfer-encoding")
"""Headers that every request has already."""
MAX_PEM = 64 * 1024
PRIVATE = "PRIVATE KEY-----"


def switch(choices: Mapping[str, Mapping[str, Any]]) -> str:
    """Return as JSON which fields a choice hides and relabels, for static/wfpush/admin/switch.js."""
    return json.dumps(choices, ensure_ascii=False, default=str)


def usual_paths(paths: Mapping[str, str]) -> str:
    """Return a hint about paths that may differ."""
    return gettext("Default: %(example)s. Empty: the default.") % {"example": json.dumps(paths)} if paths else ""


def usual_token_url(connector: RestConnector | None) -> str:
    """Return a hint about the address of the token server."""
    example = connector.token_example if connector is not None else ""
    return gettext("Such as %(example)s.") % {"example": example} if example else ""


# --- secrets ----------------------------------------------------------------------------------------------------------
class SecretLines(UnfoldAdminTextareaWidget):
    """A field for a secret of several lines. It never shows the stored value."""

    def format_value(self, value: Any) -> None:
        return None


class PublicLines(UnfoldAdminTextareaWidget):
    """A field for a certificate. It does not show text again that contains a private key."""

    def format_value(self, value: Any) -> Any:
        return None if PRIVATE in str(value) else super().format_value(value)


PEM = {"rows": 5, "class": "desk-code", "spellcheck": "false", "autocomplete": "off"}


# --- sign-in ----------------------------------------------------------------------------------------------------------
def has_moved(old: str | None, new: str | None) -> bool:
    """Return whether the address has changed to another host or scheme, such as from https to http. A stored secret is
    then not sent there before it is entered again."""
    before, now = (urlsplit(address or "") for address in (old, new))
    return bool(new) and (before.scheme, before.netloc.lower()) != (now.scheme, now.netloc.lower())


def stored_help(is_stored: bool, otherwise: str) -> str:
    """Return the help of a secret's field: left empty, it keeps the stored secret. `otherwise`: if none is stored."""
    return gettext("Stored encrypted and never shown. Empty: unchanged.") if is_stored else otherwise


class AccessForm(forms.ModelForm):
    token_url = CalledAddressField(label=_("Address for tokens"))
    auth = forms.ChoiceField(
        label=_("Sign in by"), choices=AuthKind.choices, initial=AuthKind.NONE, widget=UnfoldAdminSelectWidget
    )
    new_secret = SecretField(label=_("Password, token, key or client secret"))
    certificate = forms.CharField(
        label=_("Client certificate (PEM)"),
        required=False,
        max_length=MAX_PEM,
        widget=PublicLines(attrs=PEM),
        help_text=_("Only if the engine requires one. Without it, the private key is removed."),
    )
    new_key = SecretField(
        label=_("Its private key (PEM)"), strip=True, max_length=MAX_PEM, widget=SecretLines(attrs=PEM)
    )
    paths = JsonObjectField(label=_("Paths that differ"), required=False, rows=3)

    def __init__(self, *args: Any, engine: Engine | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.engine = engine
        self.initial["paths"] = self.initial.get("paths") or None
        for name in ("secret", "key"):
            otherwise = gettext("Stored encrypted and never shown again.")
            self.fields[f"new_{name}"].help_text = stored_help(self._is_stored(name), otherwise)
        self._set_usual_help("paths", usual_paths(self._known_paths))
        self._set_usual_help("token_url", usual_token_url(self._connector))
        all_uses = dict.fromkeys(name for used in USES.values() for name in used)
        self.fields["auth"].widget.attrs["data-switch"] = switch(
            {
                auth: {
                    "hide": [f".field-{name}" for name in all_uses if name not in used],
                    "words": {name: [words] for name, words in WORDS.get(auth, {}).items()},
                }
                for auth, used in USES.items()
            }
        )

    @property
    def _connector(self) -> RestConnector | None:
        """The connector of the engine's kind now: the engine's own form is read after this form is made."""
        return reader_for(self.engine.kind) if self.engine is not None else None

    @property
    def _known_paths(self) -> dict[str, str]:
        return dict(self._connector.paths) if self._connector is not None else {}

    def _set_usual_help(self, field: str, words: str) -> None:
        """Put hints into an element of their own, whose text a change of kind replaces."""
        spot = f"id_{self.add_prefix(field)}_helptext"
        self.fields[field].help_text = format_html('<span id="{}">{}</span>', spot, words)

    def _is_stored(self, name: str) -> bool:
        """Return whether a secret is stored, without decrypting it."""
        return bool(self.instance.__dict__.get(name))

    # --- single fields ----------------------------------------------------------------------------
    def clean_auth(self) -> str:
        auth: str = self.cleaned_data["auth"]
        if self._connector is not None and auth not in self._connector.sign_ins:
            arguments = {"kind": self._connector.label}
            raise ValidationError(gettext("%(kind)s does not take this way of signing in.") % arguments)
        return auth

    def clean_header(self) -> str:
        header: str = self.cleaned_data["header"]
        if header and (not HEADER.fullmatch(header) or header.lower() in OURS):
            raise ValidationError(gettext("“%(header)s” cannot be the header of a key.") % {"header": header})
        return header

    def clean_certificate(self) -> str:
        certificate: str = self.cleaned_data["certificate"].replace("\r\n", "\n")
        if PRIVATE in certificate:
            raise ValidationError(
                gettext("It contains a private key. Put that into its own field, where it is encrypted.")
            )
        return certificate

    def clean_new_key(self) -> str:
        key: str = self.cleaned_data["new_key"].replace("\r\n", "\n")
        return key

    def clean_paths(self) -> dict[str, Any]:
        path_names = self._known_paths
        paths: dict[str, Any] = self.cleaned_data["paths"] if path_names else {}
        for name, path in paths.items():
            if name not in path_names:
                arguments = {"name": name, "known": ", ".join(path_names)}
                raise ValidationError(gettext("“%(name)s” is not one of: %(known)s.") % arguments)
            if not isinstance(path, str) or not path.startswith("/") or "{task}" not in path:
                sentence = gettext("%(name)s: write a path that begins with / and has {task} where the task's id goes.")
                raise ValidationError(sentence % {"name": name})
        return paths

    # --- the whole form ---------------------------------------------------------------------------
    def clean(self) -> dict[str, Any]:
        """Clear unused fields, and require those that are needed."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        used = USES.get(cleaned.get("auth", ""), tuple(UNUSED))
        for name in UNUSED.keys() - set(used):
            cleaned[name] = UNUSED[name]
            self.errors.pop(name, None)
        # A stored secret does not fit another way of signing in: a password is no token.
        stays = self._is_stored("secret") and "auth" not in self.changed_data
        for name in NEEDS:
            if name in used and name in cleaned and not cleaned[name] and not (stays and name == "new_secret"):
                self.add_error(name, gettext("Signing in this way needs it."))
        if stays and "new_secret" in used and not cleaned.get("new_secret") and self._has_moved(cleaned):
            self.add_error("new_secret", gettext("It would now be sent to another host: enter it again."))
        self._check_credentials(cleaned)
        self._check_certificate(cleaned)
        return cleaned

    def _has_moved(self, cleaned: dict[str, Any]) -> bool:
        """Return whether an address has changed, so that the secret must be entered again. Otherwise, users who may
        change an address could have a stored secret sent there."""
        engine = self.engine
        if engine is None or engine.pk is None:
            return False
        old_address = Engine.objects.filter(pk=engine.pk).values_list("callback_url", flat=True).first()
        pairs = ((old_address, engine.callback_url), (self.initial.get("token_url"), cleaned.get("token_url")))
        return any(has_moved(old, new) for old, new in pairs)

    def _check_credentials(self, cleaned: dict[str, Any]) -> None:
        auth, secret = cleaned.get("auth"), cleaned.get("new_secret", "")
        if auth in (AuthKind.BEARER, AuthKind.API_KEY):
            secret = cleaned["new_secret"] = secret.strip()
            if not (secret.isascii() and secret.isprintable()):
                self.add_error("new_secret", gettext("A header can only contain ASCII characters."))
        if auth == AuthKind.BASIC and ":" in cleaned.get("name", ""):
            self.add_error("name", gettext("Names with a colon cannot sign in this way."))

    def _check_certificate(self, cleaned: dict[str, Any]) -> None:
        certificate, key = cleaned.get("certificate"), cleaned.get("new_key")
        if certificate is None or key is None or not {"certificate", "new_key"} & set(self.changed_data):
            return
        if not certificate:
            if key:
                self.add_error("certificate", gettext("A key needs its certificate."))
            return
        try:
            key = key or self.instance.key
            if not key:
                self.add_error("new_key", gettext("A certificate needs its private key."))
                return
            tls_context(Access("", certificate=certificate, key=key))
        except UndecryptableSecret as fault:
            self.add_error("new_key", str(fault))
        except AccessRefused:
            sentence = gettext("Certificate and key do not fit, are not PEM, or the key has a password.")
            self.add_error("new_key" if "new_key" in self.changed_data else "certificate", sentence)

    def save(self, commit: bool = True) -> Any:
        if self.cleaned_data["new_secret"] or "new_secret" not in USES[self.cleaned_data["auth"]]:
            self.instance.secret = self.cleaned_data["new_secret"]
        if self.cleaned_data["new_key"] or not self.cleaned_data["certificate"]:
            self.instance.key = self.cleaned_data["new_key"]
        return super().save(commit)


class RestFormSet(PaginationInlineFormSet):
    """A formset of parts that only kinds with a REST interface have. It ignores them for other kinds."""

    def is_valid(self) -> bool:
        return self._is_ignored or super().is_valid()

    def save(self, commit: bool = True) -> Any:
        if not self._is_ignored:
            return super().save(commit)
        nothing: list[Any] = []
        self.new_objects = self.changed_objects = self.deleted_objects = nothing
        return nothing

    @property
    def _is_ignored(self) -> bool:
        return reader_for(self.instance.kind) is None


class AccessFormSet(RestFormSet):
    def get_form_kwargs(self, index: int | None) -> dict[str, Any]:
        return {**super().get_form_kwargs(index), "engine": self.instance}


class SingleInline(StackedInline):
    """An inline of at most one row, whose form is always shown."""

    extra = 1
    max_num = 1
    can_delete = False
    hide_title = True
    formset: Any = RestFormSet
    shown: Sequence[str] = ()
    """Fields that users without the right to change the row see instead of the form's fields."""

    class Media:
        js = ["wfpush/admin/switch.js"]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        if self.shown and not self.has_change_permission(request, obj):
            return [(None, {"fields": list(self.shown)})]
        return list(self.fieldsets)


def secret_column(name: str, description: object) -> Any:
    """Return a column that says whether a secret is stored, without decrypting it."""

    @display(description=description)
    def shown(inline: object, row: Any) -> SafeString:
        return mark("ok", gettext("stored, encrypted")) if row.__dict__.get(name) else NOTHING

    return shown


class AccessInline(SingleInline):
    model = EngineAccess
    form = AccessForm
    formset = AccessFormSet
    verbose_name_plural = _("sign-in")
    readonly_fields = ["secret_kept", "key_kept"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "auth",
                    "token_url",
                    ("name", "header", "new_secret"),
                    ("token_body", "scope", "audience"),
                    "paths",
                ]
            },
        ),
        (_("Client certificate (mutual TLS)"), {"fields": [("certificate", "new_key")], "classes": ["collapse"]}),
    ]
    secret_kept = secret_column("secret", _("password, token, key or client secret"))
    key_kept = secret_column("key", _("its private key (PEM)"))
    shown = [
        *("auth", "token_url", "name", "secret_kept", "header", "token_body", "scope", "audience"),
        *("certificate", "key_kept", "paths"),
    ]
