"""The settings of web push (docs/settings.md)."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from notifications.channels.webpush import push_hosts
from wfpush.config.env import Environment


def read(env: Environment, base_url: str) -> dict[str, Any]:
    """Raises ImproperlyConfigured."""
    return {
        "VAPID_PRIVATE_KEY": env.signing_keys("VAPID_PRIVATE_KEY"),
        "VAPID_SUBJECT": env.contact("VAPID_SUBJECT", base_url=base_url),
        "PUSH_ALLOWED_HOSTS": allowed_hosts(env),
    }


def allowed_hosts(env: Environment) -> list[str]:
    words = env.words(
        "PUSH_ALLOWED_HOSTS",
        default=[
            "fcm.googleapis.com",
            "updates.push.services.mozilla.com",
            "*.notify.windows.com",
            "*.push.apple.com",
        ],
    )
    for word in words:
        try:
            push_hosts.parse(word)
        except ValueError as fault:
            raise ImproperlyConfigured(f"PUSH_ALLOWED_HOSTS: {fault}.") from fault
    return words
