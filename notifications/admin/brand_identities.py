"""As whom a brand is known to the services of channels: shown on its page, with the keys of its own."""

from collections.abc import Iterator
from typing import Any

from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from notifications.admin.words import ago, mark, with_why
from notifications.channel_facts import channel_name
from notifications.channels.base import BrandKey, BrandKeys, Identity
from notifications.channels.registry import channels
from notifications.models import Brand


def keys() -> BrandKeys | None:
    """Of the channel for which brands have keys."""
    return next((each.keys for each in channels().values() if each.keys is not None), None)


def shown(brand: Brand) -> SafeString:
    return SafeString(render_to_string("admin/desk/identities.html", {"channels": list(_channels(brand))}))


def _channels(brand: Brand) -> Iterator[dict[str, Any]]:
    for channel in channels().values():
        identity = channel.identity(brand)
        if channel.keys is not None or identity is not None:
            lines = [_line(key, newest=not at) for at, key in enumerate(channel.keys.of(brand))] if channel.keys else []
            identity_text = _identity_text(identity) if identity is not None else ""
            yield {
                "name": channel_name(channel.name),
                "has_keys": channel.keys is not None,
                "keys": lines,
                "identity": identity_text,
            }


def _identity_text(identity: Identity) -> SafeString:
    text = format_html('<span dir="auto">{}</span>', identity.text)
    return with_why(mark(identity.state, text, identity.detail) if identity.state else text, identity.note)


def _line(key: BrandKey, *, newest: bool) -> dict[str, Any]:
    state = _state(key, newest=newest)
    return {"key": f"{key.name[:16]}…", "state": state, "made": ago(key.made), "devices": key.devices}


def _state(key: BrandKey, *, newest: bool) -> SafeString:
    if not key.readable:
        return mark("bad", gettext("cannot be read: none of ENCRYPTION_KEYS opens it"))
    return mark("ok", gettext("new browsers subscribe under it")) if newest else mark("", gettext("still signs"))
