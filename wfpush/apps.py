from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Warning
from django.utils.translation import gettext_lazy as _

from wfpush import features
from wfpush.config import lean_imports
from wfpush.postgres import schema

for _library in ("rest_framework.compat", "django_q.conf"):  # models decide by the features of these libraries
    lean_imports.load(_library)


class ProjectConfig(AppConfig):
    name = "wfpush"
    label = "wfpush"
    verbose_name = _("Desk")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        features.installed()
        checks.register(schema.check_before_migrating, checks.Tags.database)
        for check in DEPLOY:
            checks.register(check, checks.Tags.security, deploy=True)


# --- `manage.py check --deploy`: settings that start, but are not safe in production
def check_hosts(app_configs: Sequence[Any] | None, **more: Any) -> list[CheckMessage]:
    """Refuse `*` in ALLOWED_HOSTS: links in e-mails and pages could be made to lead elsewhere (Django's `get_host`)."""
    if "*" not in settings.ALLOWED_HOSTS:
        return []
    return [Error("ALLOWED_HOSTS lets any name in.", hint="Write the names of this installation.", id="wfpush.E001")]


def check_address(app_configs: Sequence[Any] | None, **more: Any) -> list[CheckMessage]:
    """Warn unless BASE_URL is https: else sessions and tokens can be read on the network, and browsers take no push
    messages."""
    if settings.BASE_URL.startswith("https://"):
        return []
    hint = "Put a proxy with TLS in front, and write its address: https://…"
    return [Warning("BASE_URL is not https.", hint=hint, id="wfpush.W002")]


def check_proxies(app_configs: Sequence[Any] | None, **more: Any) -> list[CheckMessage]:
    """Warn unless PROXY_COUNT counts the proxy with TLS, which wfpush needs: else all callers have one address, and
    share its limits."""
    if settings.PROXY_COUNT or not settings.BASE_URL.startswith("https://"):
        return []
    hint = "Set PROXY_COUNT to the number of your proxies in front of wfpush: 1 with deploy/wfpush.conf."
    message = "PROXY_COUNT is missing: everybody has the address of the proxy, and its limits together."
    return [Warning(message, hint=hint, id="wfpush.W003")]


DEPLOY = (check_hosts, check_address, check_proxies)
