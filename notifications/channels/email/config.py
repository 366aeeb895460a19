"""The settings of e-mail (docs/settings.md)."""

from typing import Any

from wfpush.config import addresses
from wfpush.config.env import Environment, check_address
from wfpush.embedded import datafolder

EXAMPLE = "smtp+tls://user:password@host:587"


def read(env: Environment, base_url: str) -> dict[str, Any]:
    """Return the settings. Raise ImproperlyConfigured."""
    return backend(env) | {
        "DEFAULT_FROM_EMAIL": env.sender("DEFAULT_FROM_EMAIL", default="wfpush <no-reply@localhost>")
    }


def backend(env: Environment) -> dict[str, Any]:
    """Return EMAIL_URL as django-environ reads it; if unset, mails are stored as files in `WFPUSH_DATA/mail`."""
    address = env.text("EMAIL_URL", default="")
    if address:
        return check_address("EMAIL_URL", addresses.email, address, EXAMPLE) | {"EMAIL_TIMEOUT": 20}
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
        "EMAIL_FILE_PATH": str(env.data_dir / datafolder.MAIL),
    }
