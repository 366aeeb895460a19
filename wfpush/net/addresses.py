"""The network addresses that outbound HTTP may connect to."""

import re
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

THIS_MACHINE = IPv4Network("127.0.0.0/8")

_ALSO_REFUSED: Sequence[Network] = (
    IPv4Network("168.63.129.16/32"),  # a cloud's metadata
    IPv4Network("192.0.0.0/24"),  # two of them are answered by one's own NAT (RFC 7723, RFC 8155)
    IPv4Network("192.88.99.0/24"),  # 6to4 relays
    IPv6Network("2001::/23"),  # Teredo, ORCHID, benchmarking, anycast services
    IPv6Network("2002::/16"),  # 6to4
    IPv6Network("3fff::/20"),  # documentation, unknown to older versions of Python
)
"""Networks with addresses that Python calls global, though no server elsewhere has them."""
_GLOBAL_V6 = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_LOCALHOST = re.compile(r"(.+\.)?localhost")  # RFC 6761 section 6.3: always this machine
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


def kind_of_refused_address(address: Address, allowed: Sequence[Network]) -> str | None:
    """Return the kind of a refused address ("a loopback address"), or None for an address that may be called.

    `allowed` admits addresses that would be refused. An IPv6 address that stands for an IPv4 one is judged as both.
    """
    if any(address in network for network in allowed):
        return None
    if (embedded := _embedded(address)) is not None:
        return kind_of_refused_address(embedded, allowed)
    if address.is_loopback:
        return "a loopback address"
    if address.is_link_local:
        return "a link-local or metadata address"
    if address.is_multicast:
        return "a multicast address"
    return None if _is_public(address) else "a private or reserved address"


def _is_public(address: Address) -> bool:
    """Return whether the address is global by IANA's special registries (RFC 6890) in Python, and by ours."""
    if isinstance(address, IPv6Address) and (address.scope_id is not None or address not in _GLOBAL_V6):
        return False
    return address.is_global and not any(address in network for network in _ALSO_REFUSED)


def literal(host: str) -> Address | None:
    """Return the address that a host spells out, or None for a name that DNS must answer.

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


def _embedded(address: Address) -> IPv4Address | None:
    """Return the IPv4 address that answers: mapped (RFC 4291 section 2.5.5.2) or behind NAT64 (RFC 6052)."""
    if isinstance(address, IPv4Address) or address.scope_id is not None:
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped
