"""Form fields for addresses, secrets, and JSON and lists in a form that people can write."""

import json
from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from notifications.models.validators import DOMAIN, validate_callback_url
from notifications.wording.plaintext import escape_hidden_in_json

MAX_LABEL = 60


class _Decoder(json.JSONDecoder):
    """A decoder that raises JSONDecodeError, as forms expect, also for too many digits or too deep nesting."""

    def decode(self, s: str, *more: Any) -> Any:
        try:
            return super().decode(s, *more)
        except json.JSONDecodeError:
            raise
        except (ValueError, RecursionError) as fault:
            raise json.JSONDecodeError(str(fault), s, 0) from fault


class AddressField(forms.URLField):
    """A field for an optional address. An address without a scheme gets https."""

    def __init__(self, **kwargs: Any) -> None:
        widget = UnfoldAdminTextInputWidget(attrs={"inputmode": "url"})
        super().__init__(required=False, max_length=500, assume_scheme="https", widget=widget, **kwargs)


class CalledAddressField(AddressField):
    """A field that refuses addresses to which wfpush makes no calls."""

    def clean(self, value: Any) -> str:
        address: str = super().clean(value)
        if address:
            validate_callback_url(address, settings.OUTBOUND_ALLOWED_CIDRS)
        return address


class SecretField(forms.CharField):
    """A field whose stored value is never shown. Left empty, it keeps the stored value."""

    def __init__(self, **kwargs: Any) -> None:
        widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})
        super().__init__(**{"required": False, "strip": False, "max_length": 10_000, "widget": widget} | kwargs)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(data)


class JsonObjectField(forms.JSONField):
    """A field for a JSON object, shown with line breaks. Errors name the place of the fault."""

    widget = UnfoldAdminTextareaWidget

    def __init__(self, *, rows: int = 12, **kwargs: Any) -> None:
        super().__init__(decoder=_Decoder, **kwargs)
        self.widget.attrs.update({"rows": rows, "spellcheck": "false"})
        self.widget.attrs["class"] = f"{self.widget.attrs.get('class', '')} desk-code"

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values:
            return {}
        if isinstance(value, str):
            try:
                value = json.loads(value, cls=_Decoder)
            except json.JSONDecodeError as fault:
                raise ValidationError(_("This is not JSON: %(fault)s") % {"fault": fault}) from fault
        if not isinstance(value, dict):
            raise ValidationError(_('Enter a JSON object, such as {"task": {"id": "T-42"}}.'))
        return value

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != (initial or {}))
        except ValidationError:
            return True

    def prepare_value(self, value: Any) -> Any:
        return escape_hidden_in_json(value, indent=2) if isinstance(value, dict | list) else value


class ListField(forms.CharField):
    """A field for a list or dict that is written as text. `to_python` converts and validates it."""

    def validate(self, value: Any) -> None:
        if self.required and not value:
            raise ValidationError(self.error_messages["required"], code="required")

    def run_validators(self, value: Any) -> None:
        """Skip validators: `to_python` has checked each part."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            made: Any = self.to_python(data)
        except ValidationError:
            return True
        return bool(made != type(made)(initial or ()))


class DomainsField(ListField):
    """A field for e-mail domains, one a line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "dir": "ltr"}), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        lines = [line.strip().lower().removeprefix("@") for line in str(value or "").replace(",", "\n").splitlines()]
        for line in (domains := list(dict.fromkeys(filter(None, lines)))):
            DOMAIN(line)
        return domains


class LabelsField(ListField):
    """A field for a label in each language, one a line: `de: Genehmigen`. Stored as {"de": "Genehmigen"}."""

    def __init__(self, *, longest: int = MAX_LABEL, **kwargs: Any) -> None:
        self.longest = longest
        kwargs.setdefault("widget", UnfoldAdminTextareaWidget(attrs={"rows": 3, "cols": 24}))
        kwargs.setdefault("help_text", _("One language a line, such as “de: Genehmigen”."))
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return "\n".join(f"{language}: {label}" for language, label in value.items())
        return value

    def to_python(self, value: Any) -> Any:
        labels: dict[str, str] = {}
        for line in str(value or "").splitlines():
            if line.strip():
                language, label = self._read(line)
                if language in labels:
                    raise ValidationError(_("“%(language)s” occurs twice.") % {"language": language})
                labels[language] = label
        return labels

    def _read(self, line: str) -> tuple[str, str]:
        language, colon, label = (part.strip() for part in line.partition(":"))
        if not colon or not label or not is_language(language):
            raise ValidationError(
                _("Enter “language: label”, such as “de: Genehmigen”, instead of “%(line)s”.") % {"line": line}
            )
        if len(label) > self.longest:
            raise ValidationError(
                _("“%(label)s” is longer than %(limit)d characters.") % {"label": label, "limit": self.longest}
            )
        return language, label


class OrderedChoicesField(ListField):
    """A field for some of a few allowed words in an order that counts: `live, email`."""

    def __init__(self, allowed_words: Sequence[str], **kwargs: Any) -> None:
        self.allowed_words = allowed_words
        kwargs.setdefault("widget", UnfoldAdminTextInputWidget())
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> Any:
        words = list(dict.fromkeys(word.strip().lower() for word in str(value or "").split(",") if word.strip()))
        for word in words:
            if word not in self.allowed_words:
                names = ", ".join(self.allowed_words)
                raise ValidationError(_("“%(word)s” is not one of: %(known)s.") % {"word": word, "known": names})
        return words


def is_language(text: str) -> bool:
    """Return whether a text is a language tag such as de, pt-BR or zh-Hant."""
    parts = text.replace("_", "-").split("-")
    return 2 <= len(parts[0]) <= 3 and all(part.isalnum() and part.isascii() and len(part) <= 8 for part in parts)
