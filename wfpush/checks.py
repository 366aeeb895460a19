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


DEPLOY = (check_hosts, check_address)
