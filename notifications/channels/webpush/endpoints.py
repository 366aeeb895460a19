"""Checks of browsers' push subscriptions before they are stored; and the parts of endpoints.

The address of an endpoint's host is checked again at each connection (wfpush/net/http.py).
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from django.conf import settings
from yarl import URL

from notifications.channels.webpush import config, facts
from notifications.reasons import NOTHING, Reason
from wfpush.net.addresses import Network, literal
from wfpush.net.http import OutboundError, check_url
from wfpush.security import vapid_keys

_AUTH_BYTES = 16
_MOST_ENDPOINT = 2048
_BEGINNING = re.compile(r"[^:/?#]*://[^/?#]*")
_ORIGINS_KEPT = 1024
"""Number of parsed origins that are cached: push services are few, and looked up for every message."""


class BadSubscription(ValueError):
    """Raised for a wrong subscription. `pointer`: JSON pointer to the fault; `detail` is for the caller."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(detail)
        self.pointer = pointer
        self.detail = detail


def check_subscription(endpoint: str, p256dh: str, auth: str) -> None:
    """Refuse a subscription to which no message could be sent. Raise BadSubscription."""
    _check_endpoint(endpoint)
    try:
        vapid_keys.check_public_key(p256dh)
    except ValueError as fault:
        raise BadSubscription("/keys/p256dh", f"The key {fault}.") from None
    try:
        secret = vapid_keys.decode(auth)
    except ValueError as fault:
        raise BadSubscription("/keys/auth", f"The secret {fault}.") from None
    if len(secret) != _AUTH_BYTES:
        raise BadSubscription("/keys/auth", f"The secret has {len(secret)} bytes instead of {_AUTH_BYTES}.")


def origin_of(endpoint: str) -> str:
    """Return scheme, host and port, for which a VAPID token is valid."""
    return _origin(_beginning(endpoint))


def service_of(endpoint: str) -> str:
    """Return the push service's host, with its port if that is not 443."""
    return origin_of(endpoint).partition("://")[2]


def _check_endpoint(endpoint: str) -> None:
    if len(endpoint) > _MOST_ENDPOINT:
        raise _bad_endpoint(f"The endpoint is longer than {_MOST_ENDPOINT} characters.")
    try:
        check_url(endpoint, settings.PUSH_ALLOWED_CIDRS)
    except OutboundError as fault:
        if fault.code == "refused_address":
            raise _bad_endpoint("The endpoint's address is not a public one.") from None
        raise _bad_endpoint(fault.detail) from None
    why_not = objection(endpoint)
    if why_not:
        raise _bad_endpoint(str(why_not))


def objection(endpoint: str) -> Reason:
    """Return the reason why the settings do not allow this endpoint; NOTHING if they do."""
    hosts, networks = tuple(settings.PUSH_ALLOWED_HOSTS), tuple(settings.PUSH_ALLOWED_CIDRS)
    return _objection(_beginning(endpoint), hosts, networks)


def _beginning(endpoint: str) -> str:
    """Return scheme and authority, as they are written; the whole text if it has none."""
    beginning = _BEGINNING.match(endpoint)
    return beginning[0] if beginning else endpoint


@lru_cache(maxsize=_ORIGINS_KEPT)
def _origin(beginning: str) -> str:
    return str(URL(beginning).origin())


@lru_cache(maxsize=_ORIGINS_KEPT)
def _objection(beginning: str, hosts: Sequence[str], networks: Sequence[Network]) -> Reason:
    target = URL(beginning)
    host = (target.raw_host or "").removesuffix(".")
    if target.scheme == "https" and config.admits(hosts, host, target.port or config.HTTPS):
        return NOTHING
    address = literal(host)
    if address is not None and any(address in network for network in networks):
        return NOTHING
    if target.scheme != "https":
        return facts.NOT_HTTPS()
    return facts.NOT_ADMITTED(service=_origin(beginning).partition("://")[2])


def _bad_endpoint(detail: str) -> BadSubscription:
    return BadSubscription("/endpoint", detail)
