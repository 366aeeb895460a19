"""Checks of `manage.py check --deploy`: settings that start, but are not safe in production."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning


def check_hosts(app_configs: Sequence[Any] | None, **more: Any) -> list[CheckMessage]:
    """ALLOWED_HOSTS must not be `*`: links in e-mails and pages could be made to lead elsewhere (Django's
    `get_host`)."""
    if "*" not in settings.ALLOWED_HOSTS:
        return []
    return [Error("ALLOWED_HOSTS lets any name in.", hint="Write the names of this installation.", id="wfpush.E001")]


def check_address(app_configs: Sequence[Any] | None, **more: Any) -> list[CheckMessage]:
    """BASE_URL must be https: otherwise sessions and tokens can be read on the network, and browsers take no push
    messages."""
    if settings.BASE_URL.startswith("https://"):
        return []
    hint = "Put a proxy with TLS in front, and write its address: https://…"
    return [Warning("BASE_URL is not https.", hint=hint, id="wfpush.W002")]


def check_proxies(app_configs: Sequence[Any] | None, **more: Any) -> list[CheckMessage]:
    """PROXY_COUNT must count the proxy with TLS, since wfpush has none itself: otherwise all callers have one address,
    and share its limits."""
    if settings.PROXY_COUNT or not settings.BASE_URL.startswith("https://"):
        return []
    hint = "Set PROXY_COUNT to the number of your proxies in front of wfpush: 1 with deploy/wfpush.conf."
    message = "PROXY_COUNT is missing: everybody has the address of the proxy, and its limits together."
    return [Warning(message, hint=hint, id="wfpush.W003")]


DEPLOY = (check_hosts, check_address, check_proxies)
