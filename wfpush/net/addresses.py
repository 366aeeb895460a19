"""Which network addresses outbound HTTP may connect to."""

import re
import socket
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# IANA's special-purpose registries for IPv4 (RFC 6890 and later), with what a cloud adds of its own.
_SPECIAL_V4 = tuple(
    (IPv4Network(network), what)
    for network, what in (
        ("0.0.0.0/8", "an unspecified address"),
        ("10.0.0.0/8", "a private address"),
        ("100.64.0.0/10", "a carrier's shared address"),
        ("127.0.0.0/8", "a loopback address"),
        ("168.63.129.16/32", "a cloud's metadata address"),
        ("169.254.0.0/16", "a link-local or metadata address"),
        ("172.16.0.0/12", "a private address"),
        ("192.0.0.0/24", "a reserved address"),
        ("192.0.2.0/24", "a documentation address"),
        ("192.88.99.0/24", "a reserved address"),
        ("192.168.0.0/16", "a private address"),
        ("198.18.0.0/15", "a benchmarking address"),
        ("198.51.100.0/24", "a documentation address"),
        ("203.0.113.0/24", "a documentation address"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved address"),
    )
)
# Named for the sentence that a person reads. Everything outside 2000::/3 is refused, listed or not.
_SPECIAL_V6 = tuple(
    (IPv6Network(network), what)
    for network, what in (
        ("::1/128", "a loopback address"),
        ("::/128", "an unspecified address"),
        ("::/96", "a reserved address"),
        ("64:ff9b:1::/48", "a private address"),
        ("2001::/23", "a reserved address"),  # Teredo, ORCHID, benchmarking, anycast services
        ("2001:db8::/32", "a documentation address"),
        ("2002::/16", "a 6to4 address"),
        ("3fff::/20", "a documentation address"),
        ("fc00::/7", "a private address"),
        ("fe80::/10", "a link-local address"),
        ("fec0::/10", "a private address"),
        ("ff00::/8", "a multicast address"),
    )
)
_GLOBAL_V6 = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_LOCALHOST = re.compile(r"(.+\.)?localhost")  # RFC 6761 section 6.3: always this machine
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


def kind_of_refused_address(address: Address, allowed: Sequence[Network]) -> str | None:
    """What kind of address this is if it may not be called ("a loopback address"), else None.

    `allowed` admits what would be refused. An IPv6 address that stands for an IPv4 one is judged as both.
    """
    if any(address in network for network in allowed):
        return None
    if isinstance(address, IPv4Address):
        return _first(what for network, what in _SPECIAL_V4 if address in network)
    if address.scope_id is not None:
        return "a link-local address"
    embedded = _embedded(address)
    if embedded is not None:
        return kind_of_refused_address(embedded, allowed)
    named = _first(what for network, what in _SPECIAL_V6 if address in network)
    return named or (None if address in _GLOBAL_V6 else "a reserved address")


def literal(host: str) -> Address | None:
    """The address that a host spells out, or None for a name that DNS must answer.

    Lenient on purpose, as the system's resolver is: `127.1`, `0x7f.1`, `2130706433` and a trailing dot count, and
    `localhost` is an address too. Raises ValueError for a host that ends in a number and is no address.
    """
    bare = host.removesuffix(".")
    if _LOCALHOST.fullmatch(bare):
        return IPv4Address("127.0.0.1")
    if ":" in bare:
        return ip_address(bare)
    if not _NUMBER.fullmatch(bare.rpartition(".")[2]):
        return None
    try:
        return IPv4Address(socket.inet_aton(bare))
    except OSError:
        raise ValueError(f"{host} ends in a number but is not an IP address") from None


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that really answers: mapped (RFC 4291 section 2.5.5.2) or behind NAT64 (RFC 6052)."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None


def _first(found: Iterator[str]) -> str | None:
    return next(found, None)
