"""The settings of the AppWorks Gateway (docs/settings.md)."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from notifications.channels.appworks import gateway
from notifications.channels.appworks.gateway import Gateway
from wfpush.config.env import Environment


def read(env: Environment, base_url: str) -> dict[str, Any]:
    """Raises ImproperlyConfigured."""
    return {"APPWORKS_GATEWAY": gateway_of(env)}


def gateway_of(env: Environment) -> Gateway | None:
    try:
        return gateway.read(
            env.text("APPWORKS_GATEWAY_URL", default=""),
            env.text("APPWORKS_GATEWAY_KEY", default=""),
            env.text("APPWORKS_GATEWAY_OPTIONS", default=""),
        )
    except gateway.BadGateway as fault:
        raise ImproperlyConfigured(str(fault)) from fault
