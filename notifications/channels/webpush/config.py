"""The settings of web push (docs/settings.md)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from wfpush.config.env import Environment

HTTPS = 443

_ENTRY = re.compile(r"(?P<below>\*\.)?(?P<name>[a-z0-9-]+(?:\.[a-z0-9-]+)*)(?::(?P<port>[0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class PushHost:
    """A push service's host. `below`: any host below `name`, and not that host itself."""

    name: str
    below: bool
    port: int

    def admits(self, host: str, port: int) -> bool:
        is_same_name = host.endswith(f".{self.name}") if self.below else host == self.name
        return is_same_name and port == self.port


def parse(entry: str) -> PushHost:
    """Raise ValueError for text that is no host, and for entries like `*.com`, under which anybody may have a host."""
    parts = _ENTRY.fullmatch(entry.lower())
    port = int(parts["port"] or HTTPS) if parts else 0
    if parts is None or not 0 < port < 65536:
        raise ValueError(
            f"{entry[:60]!r} is not a host, such as web.push.apple.com, *.push.apple.com or push.example:8443"
        )
    if parts["below"] and "." not in parts["name"]:
        raise ValueError(f"{entry[:60]!r} is any host whatever. Name the push service's own, such as *.push.apple.com")
    return PushHost(parts["name"], bool(parts["below"]), port)


def admits(entries: Sequence[str], host: str, port: int) -> bool:
    """Return whether one of the entries allows the host and port."""
    return any(each.admits(host, port) for each in _parsed(tuple(entries)))


@lru_cache(maxsize=16)
def _parsed(entries: tuple[str, ...]) -> tuple[PushHost, ...]:
    return tuple(map(parse, entries))


def read(env: Environment, base_url: str) -> dict[str, Any]:
    """Return the settings. Raise ImproperlyConfigured."""
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
            parse(word)
        except ValueError as fault:
            raise ImproperlyConfigured(f"PUSH_ALLOWED_HOSTS: {fault}.") from fault
    return words
