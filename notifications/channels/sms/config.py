"""The settings of text messages (docs/settings.md)."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from notifications.channels.sms import gateway
from notifications.channels.sms.gateway import RawSettings
from wfpush.config.env import Environment


def read(env: Environment, base_url: str) -> dict[str, Any]:
    """Return the setting SMS; its value is None without a gateway. Raises ImproperlyConfigured."""
    raw = RawSettings(
        url=env.text("SMS_URL", default=""),
        user=env.text("SMS_USER", default=""),
        password=env.text("SMS_PASSWORD", default=""),
        token=env.text("SMS_TOKEN", default=""),
        sender=env.text("SMS_SENDER", default=""),
        country_code=env.text("SMS_COUNTRY_CODE", default=""),
        options=env.text("SMS_OPTIONS", default=""),
        secret=env.text("SMS_STATUS_SECRET", default=""),
    )
    most_parts = env.integer("SMS_MAX_PARTS", default=3, minimum=1)
    most_an_hour = env.integer("SMS_MOST_AN_HOUR", default=10, minimum=1)
    try:
        return {"SMS": gateway.read(raw, most_parts, most_an_hour)}
    except gateway.BadGateway as fault:
        raise ImproperlyConfigured(str(fault)) from fault
