"""The settings of e-mail (docs/settings.md)."""

from typing import Any

from environ import Env as DjangoEnviron

from wfpush.config.env import Environment
from wfpush.embedded import datafolder


def read(env: Environment, base_url: str) -> dict[str, Any]:
    return backend(env) | {"DEFAULT_FROM_EMAIL": env.text("DEFAULT_FROM_EMAIL", default="wfpush <no-reply@localhost>")}


def backend(env: Environment) -> dict[str, Any]:
    """EMAIL_URL as django-environ reads it; if unset, mails are stored as files in `WFPUSH_DATA/mail`."""
    address = env.text("EMAIL_URL", default="")
    if address:
        return dict(DjangoEnviron.email_url_config(address)) | {"EMAIL_TIMEOUT": 20}
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
        "EMAIL_FILE_PATH": str(env.data_dir / datafolder.MAIL),
    }
