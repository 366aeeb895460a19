"""What the demo needs to know, read from the environment once."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit


class ConfigError(Exception):
    """A setting is missing or wrong; the message says which and what to do."""


@dataclass(frozen=True)
class Settings:
    """`base_url` is how people reach this page (links in notifications); the server itself binds 127.0.0.1.

    `accounts`: passwords by who signs in with them, for the page. `mail`: where wfpush keeps e-mails instead of sending
    them. `brand`: under which customers hear. Only `manage.py up --demo` gives these.
    """

    port: int
    base_url: str
    wfpush_url: str
    api_key: str
    signing_secret: str
    data: Path
    accounts: Mapping[str, str] = field(default_factory=dict)
    mail: Path | None = None
    brand: str = ""

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Reads `DEMO_*` and `WFPUSH_*`. Raises ConfigError naming the first setting that is missing or wrong."""
        port = _port(environ, "DEMO_PORT")
        return cls(
            port=port,
            base_url=_url(environ, "DEMO_BASE_URL", f"http://127.0.0.1:{port}"),
            wfpush_url=_url(environ, "WFPUSH_URL", "http://127.0.0.1:8000"),
            api_key=_required(environ, "WFPUSH_API_KEY"),
            signing_secret=_secret(environ, "WFPUSH_SIGNING_SECRET"),
            data=Path(_required(environ, "DEMO_DATA")),
            accounts=_accounts(environ, "DEMO_ACCOUNTS"),
            mail=Path(mail) if (mail := _text(environ, "DEMO_MAIL")) else None,
            brand=_text(environ, "DEMO_BRAND"),
        )


def _required(environ: Mapping[str, str], name: str) -> str:
    value = _text(environ, name)
    if not value:
        hints = {
            "WFPUSH_API_KEY": "`manage.py create_engine demo` prints it",
            "WFPUSH_SIGNING_SECRET": "`manage.py create_engine demo` prints it",
            "DEMO_DATA": "name a folder where the engine keeps its instances",
        }
        raise ConfigError(f"{name} is not set: {hints[name]}.")
    return value


def _port(environ: Mapping[str, str], name: str) -> int:
    text = _text(environ, name) or "8001"
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= 65535:
        raise ConfigError(f"{name} is {text!r}: give a port from 1 to 65535.")
    return int(text)


def _url(environ: Mapping[str, str], name: str, default: str) -> str:
    text = (_text(environ, name) or default).rstrip("/")
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"{name} is {text!r}: give an address such as {default}.")
    return text


def _text(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name, "").strip()


def _accounts(environ: Mapping[str, str], name: str) -> dict[str, str]:
    try:
        accounts = json.loads(_text(environ, name) or "{}")
    except ValueError:
        accounts = None
    if not isinstance(accounts, dict):
        raise ConfigError(f"{name} is not a JSON object of passwords by name.")
    return {str(who): str(password) for who, password in accounts.items()}


def _secret(environ: Mapping[str, str], name: str) -> str:
    value = _required(environ, name)
    try:
        key = base64.b64decode(value.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        key = b""
    if not value.startswith("whsec_") or not 24 <= len(key) <= 64:
        # Standard Webhooks: 24 to 64 random bytes. The value itself stays out of the message.
        raise ConfigError(f"{name} is not a signing secret: whsec_ and then 24 to 64 bytes in base64.")
    return value
