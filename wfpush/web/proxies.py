"""Finds the address of the client behind our own proxies."""

from collections.abc import Callable, Mapping
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse


class ClientAddressMiddleware:
    """Sets REMOTE_ADDR to the address that the outermost of PROXY_COUNT trusted proxies saw.

    Each proxy appends the address of its caller to X-Forwarded-For, so only the last PROXY_COUNT entries can be
    trusted: the caller may have written those before. With no proxies the header is ignored.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        seen = address_seen(request.META.get("HTTP_X_FORWARDED_FOR", ""), settings.PROXY_COUNT)
        if seen:
            request.META["REMOTE_ADDR"] = seen
        return self.get_response(request)


def address_seen(forwarded_for: str, proxies: int) -> str:
    """Return the entry of the outermost trusted proxy; empty when there is none, or it is no address."""
    entries = [entry.strip() for entry in forwarded_for.split(",")]
    if proxies < 1 or len(entries) < proxies:
        return ""
    try:
        return str(ip_address(entries[-proxies]))
    except ValueError:
        return ""


def address_of(seen: str) -> str:
    """Return the key of an address for limits. For IPv6 it is the /64: each customer has one or more (RFC 6177)."""
    try:
        address = ip_address(seen)
    except ValueError:  # a socket of the machine itself
        return "0.0.0.0"
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or ip_network((address, 64), strict=False).network_address)


def address_of_scope(scope: Mapping[str, Any], proxies: int) -> str:
    """Return the key of the address from which a request of ASGI comes."""
    forwarded = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
    host, _port = scope.get("client") or ("", 0)
    return address_of(address_seen(forwarded.decode("latin-1"), proxies) or host)
