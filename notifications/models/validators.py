"""Checks shared by models and API, of values and of the names of variables."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, RegexValidator, URLValidator, validate_email
from django.http.request import split_domain_port, validate_host
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from notifications.types import Json
from wfpush import zones
from wfpush.net.addresses import Network
from wfpush.net.http_checks import OutboundError, check_url

MAX_ID = 200
MAX_ADDRESS = 500
MAX_EMAIL = 254

PATH = RegexValidator(
    r"^[A-Za-z_][A-Za-z0-9_]*(\.([A-Za-z_][A-Za-z0-9_]*|\d+))*$", gettext_lazy("Enter a path such as task.kind.")
)
"""The path of a value in the facts of an event: names, and indexes in lists, with dots between."""
DOMAIN = RegexValidator(
    r"^(?!-)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+$", gettext_lazy("Enter a domain in lower case, such as acme.example.")
)


def validate_ref(value: str) -> None:
    """Check an id or ref: any text up to 200 characters without control characters."""
    if not value or len(value) > MAX_ID or any(unicodedata.category(each) == "Cc" for each in value):
        raise ValidationError(_("Enter 1 to 200 characters without control characters."))


def validate_timezone(value: str) -> None:
    try:
        zones.zone(value)
    except zones.UnknownZone as exc:
        raise ValidationError(_("Unknown time zone. Enter one such as Europe/Berlin.")) from exc


def validate_mailbox(value: str) -> None:
    """Check that an e-mail address can be stored: Django accepts longer ones."""
    validate_email(value)
    MaxLengthValidator(MAX_EMAIL)(value)


def validate_callback_url(value: str, allowed: Sequence[Network]) -> None:
    """Refuse an engine's address to which calls would never be made: of private networks, only those in `allowed` may
    be called."""
    try:
        check_url(value, allowed)
    except OutboundError as exc:
        raise ValidationError(exc.detail) from exc
    URLValidator(schemes=["http", "https"])(value)
    MaxLengthValidator(MAX_ADDRESS)(value)


def validate_own_address(value: str) -> None:
    """Check an address of this installation, of scheme and host alone: links of a brand begin with it."""
    try:
        parts = urlsplit(value)
        usual = f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
    except ValueError:
        parts, usual = urlsplit(""), ""
    secure = parts.scheme == "https" or (parts.scheme == "http" and not settings.HTTPS)
    if not secure or not parts.hostname or value != usual:
        raise ValidationError(
            _("Enter https:// and a host name in small letters, such as https://updates.acme.example.")
        )
    if not validate_host(split_domain_port(parts.netloc)[0], settings.ALLOWED_HOSTS):
        text = _("This installation does not answer there: let %(host)s lead to it, and add it to ALLOWED_HOSTS.")
        raise ValidationError(text % {"host": parts.hostname})


OURS = "wfpush_"
"""Prefix of names that only wfpush sets: an engine learns the decision and the person from these alone."""

MAX_NAME = 100
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)


def may_be_declared(name: Any) -> bool:
    """Return whether a variable may have the name. ASCII only: no letter may look like another."""
    return isinstance(name, str) and len(name) <= MAX_NAME and bool(_NAME.fullmatch(name)) and not is_ours(name)


def is_ours(name: str) -> bool:
    return normalized(name).startswith(OURS)


def normalized(name: str) -> str:
    """Return the name as a lenient engine may read it: without case, width variants, and invisible characters."""
    seen = (each for each in unicodedata.normalize("NFKC", name) if unicodedata.category(each)[0] not in "CZ")
    return "".join(seen).casefold()


def without_reserved(names: Iterable[str], values: Mapping[str, Any]) -> Json:
    """Return the variables without those that are named like ours, or like one of `names`."""
    taken = {normalized(name) for name in names}
    return {name: value for name, value in values.items() if not is_ours(name) and normalized(name) not in taken}
