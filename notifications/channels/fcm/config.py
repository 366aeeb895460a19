"""Google's service accounts from FIREBASE_CREDENTIALS: one for everybody, or one for each brand (docs/settings.md).

The value is a service account's JSON or the path of a file that holds it. For several projects it is a JSON object from
the brand's slug to either of these, with `default` for every other brand.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.core.exceptions import ImproperlyConfigured

from wfpush.config.env import Environment

DEFAULT = "default"
NEEDED = ("project_id", "client_email", "private_key", "token_uri")
HOW = (
    "Write the path of the JSON file that the Firebase console gives (Project settings, Service accounts, Generate new "
    'private key), or what is in it; for several projects {"default": "/path.json", "acme": "/other.json"}, by brand.'
)


@dataclass(frozen=True)
class ServiceAccount:
    """A service account. `info` is the file's content."""

    project_id: str
    info: dict[str, Any] = field(repr=False)


class BadServiceAccount(ValueError):
    """Raised for a wrong value. The message names the fault without any part of the value, which is secret."""


def accounts_in(value: str) -> dict[str, ServiceAccount]:
    """Return accounts by brand slug or `default`; empty for an empty value. Raise BadServiceAccount."""
    if not value:
        return {}
    content = _content(value, "It")
    if "type" in content:
        return {DEFAULT: _account(content, "It")}
    accounts = {brand: _account(_content(entry, f"“{brand}”"), f"“{brand}”") for brand, entry in content.items()}
    _check_projects(accounts)
    return accounts


def _content(entry: Any, label: str) -> dict[str, Any]:
    text = entry
    if isinstance(entry, str) and not entry.lstrip().startswith("{"):
        text = _text_of(entry, label)
    try:
        content = json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError) as fault:
        raise BadServiceAccount(f"{label} is not JSON. {HOW}") from fault
    if not isinstance(content, dict) or not content:
        raise BadServiceAccount(f"{label} is neither a path nor a JSON object. {HOW}")
    return content


def _text_of(path: str, label: str) -> str:
    try:
        return Path(path).expanduser().read_text(encoding="utf-8")
    except (OSError, ValueError, RuntimeError) as fault:  # RuntimeError: ~ of an unknown user
        reason = getattr(fault, "strerror", None) or "not text"
        raise BadServiceAccount(f"{label} names a file that cannot be read ({reason}). {HOW}") from fault


def _account(content: dict[str, Any], label: str) -> ServiceAccount:
    if content.get("type") != "service_account":
        raise BadServiceAccount(f"{label} is not a service account: its “type” is another. {HOW}")
    missing = [name for name in NEEDED if not (isinstance(content.get(name), str) and content[name])]
    if missing:
        raise BadServiceAccount(f"{label} is a service account without {', '.join(missing)}. {HOW}")
    try:
        key = load_pem_private_key(content["private_key"].encode(), password=None)
    except (ValueError, TypeError) as fault:
        raise BadServiceAccount(f"{label} has a private_key that is no key. {HOW}") from fault
    if not isinstance(key, RSAPrivateKey):
        raise BadServiceAccount(f"{label} has a private_key that is not RSA. {HOW}")
    return ServiceAccount(content["project_id"], content)


def _check_projects(accounts: dict[str, ServiceAccount]) -> None:
    """Refuse different accounts for one project: devices know their project by its id alone."""
    by_project: dict[str, ServiceAccount] = {}
    for brand, account in accounts.items():
        if by_project.setdefault(account.project_id, account) != account:
            raise BadServiceAccount(
                f"“{brand}” gives another account for {account.project_id} than a brand before it. Write the same one."
            )


def read(env: Environment, base_url: str) -> dict[str, Any]:
    """Return the setting. Raise ImproperlyConfigured."""
    try:
        return {"FIREBASE_CREDENTIALS": accounts_in(env.text("FIREBASE_CREDENTIALS", default=""))}
    except BadServiceAccount as fault:
        raise ImproperlyConfigured(f"FIREBASE_CREDENTIALS: {fault}") from fault
