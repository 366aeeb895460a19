"""The settings of Firebase Cloud Messaging (docs/settings.md)."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from notifications.channels.fcm import service_accounts
from notifications.channels.fcm.service_accounts import ServiceAccount
from wfpush.config.env import Environment


def read(env: Environment, base_url: str) -> dict[str, Any]:
    """Raises ImproperlyConfigured."""
    return {"FIREBASE_CREDENTIALS": credentials(env)}


def credentials(env: Environment) -> dict[str, ServiceAccount]:
    """Brand slug, or `default`, to Google service account."""
    try:
        return service_accounts.read(env.text("FIREBASE_CREDENTIALS", default=""))
    except service_accounts.BadServiceAccount as fault:
        raise ImproperlyConfigured(f"FIREBASE_CREDENTIALS: {fault}") from fault
