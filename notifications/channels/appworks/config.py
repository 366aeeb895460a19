"""The settings of the AppWorks Gateway (docs/settings.md)."""

import json
from dataclasses import dataclass, field, fields
from ipaddress import ip_network
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from wfpush.config.env import Environment
from wfpush.net.http_checks import OutboundError, check_url

URL, KEY, OPTIONS = "APPWORKS_GATEWAY_URL", "APPWORKS_GATEWAY_KEY", "APPWORKS_GATEWAY_OPTIONS"

USERS = ("ref", "email")
OURS = frozenset({"header", "body", "id", "notification", "link", "lang", "category", "priority", "task", "case"})
"""Members of the message that are not constant."""
MOST_NAME, MOST_MEMBERS = 60, 1000
"""Characters of a field's name, and of the constant members as JSON."""

ANYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))
"""Any network: addresses are checked at each call, since `manage.py up` allows more of them than other commands."""


@dataclass(frozen=True)
class Gateway:
    """The settings of a gateway, all options but `url` and `key`. `user`: the attribute of a person that is the user
    name at the gateway.

    `members` are constant members of every message.
    """

    url: str
    key: str = field(repr=False)
    path: str = "/gateway/v2/notifications"
    key_field: str = "key"
    message_field: str = "message"
    users_field: str = "users"
    user: str = "ref"
    members: dict[str, Any] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return self.url + self.path


def read(env: Environment, base_url: str) -> dict[str, Any]:
    """Return the setting APPWORKS_GATEWAY: None if nothing is set.

    Raise ImproperlyConfigured, which names the setting and its remedy, without any part of the key.
    """
    url, key = env.text("APPWORKS_GATEWAY_URL", default=""), env.text("APPWORKS_GATEWAY_KEY", default="")
    return {"APPWORKS_GATEWAY": _gateway(url, key, env.text("APPWORKS_GATEWAY_OPTIONS", default=""))}


def _gateway(url: str, key: str, options: str) -> Gateway | None:
    if not url and not key and not options:
        return None
    if not url:
        raise ImproperlyConfigured(f"{URL} is not set, and other settings of the gateway are. Set it, or remove them.")
    if not key.isprintable() or not key:
        raise ImproperlyConfigured(
            f"{KEY} is missing or unreadable. Write the key that the gateway gave this trusted server."
        )
    gateway = Gateway(url.rstrip("/"), key, **_options(options))
    if not gateway.path.startswith("/") or any(mark in gateway.address for mark in "?#"):
        raise ImproperlyConfigured(f"{URL} and the path in {OPTIONS}, which begins with /, have neither ? nor #.")
    try:
        check_url(gateway.address, ANYWHERE)
    except OutboundError as fault:
        raise ImproperlyConfigured(f"{URL}: {fault.detail}") from fault
    return gateway


def _options(text: str) -> dict[str, Any]:
    try:
        options = json.loads(text) if text else {}
    except (ValueError, RecursionError) as fault:
        raise ImproperlyConfigured(f"{OPTIONS} is not JSON: {fault}.") from fault
    types = {each.name: each.type for each in fields(Gateway) if each.name not in ("url", "key")}
    if not isinstance(options, dict) or options.keys() - types.keys():
        raise ImproperlyConfigured(f"{OPTIONS} is a JSON object of {', '.join(types)}.")
    members = options.get("members", {})
    for name, value in options.items():
        if name != "members" and not (isinstance(value, str) and value.isprintable() and value):
            raise ImproperlyConfigured(f"{OPTIONS}: {name} is text.")
    _check_names(options)
    _check_members(members)
    return options


def _check_names(options: dict[str, Any]) -> None:
    if options.get("user", USERS[0]) not in USERS:
        raise ImproperlyConfigured(f"{OPTIONS}: user is one of {', '.join(USERS)}.")
    names = [options.get(f"{name}_field", name) for name in ("key", "message", "users")]
    if len(set(names)) < len(names) or any(len(name) > MOST_NAME for name in names):
        raise ImproperlyConfigured(f"{OPTIONS}: the three fields have three names, of at most {MOST_NAME} characters.")


def _check_members(members: Any) -> None:
    if not isinstance(members, dict) or members.keys() & OURS:
        raise ImproperlyConfigured(f"{OPTIONS}: members is a JSON object with none of {', '.join(sorted(OURS))}.")
    if not all(isinstance(members.get(name, ""), str) for name in ("type", "displayType")):
        raise ImproperlyConfigured(f"{OPTIONS}: type and displayType among the members are text.")
    try:
        size = len(json.dumps(members, allow_nan=False))
    except ValueError as fault:
        raise ImproperlyConfigured(f"{OPTIONS}: members holds a number that JSON does not know.") from fault
    if size > MOST_MEMBERS:
        raise ImproperlyConfigured(f"{OPTIONS}: members has more than {MOST_MEMBERS} characters.")
