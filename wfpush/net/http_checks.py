"""Checks of outbound HTTP before it connects: addresses, methods and headers, as people may have typed them."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal

from yarl import URL

from wfpush.net.addresses import Network, kind_of_refused_address, literal

_MAX_URL = 4096
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_][a-z0-9_-]{0,62}(\.[a-z0-9_][a-z0-9_-]{0,62})*\.?")
_AUTHORITY_END = re.compile(r"[/?#]")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
_URLS_KEPT = 4096  # a device gets many messages, and an engine many callbacks: their parsed addresses are kept
_NAMES_KEPT = 256
# aiohttp sets the headers that frame the message and name its receiver.
_OWN_HEADERS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)

Code = Literal[
    "refused_address",
    "bad_url",
    "bad_request",
    "dns",
    "connection",
    "tls",
    "timeout",
    "bad_response",
]


def _(text: str) -> str:
    """Mark a text for the catalogues. Django's own function needs the settings, and those import this module."""
    return text


NO_ANSWER = {
    "certificate": _("The certificate of %(host)s is not valid: %(words)s."),
    "no_tls": _("No secure connection to %(host)s could be made."),
    "no_name": _("The name %(host)s could not be resolved."),
    "no_connection": _("No connection to %(host)s: %(words)s."),
    "too_late": _("%(host)s did not answer completely within %(seconds)s seconds."),
    "not_http": _("%(host)s did not answer in HTTP, or with headers that are too large."),
    "broken_off": _("%(host)s closed the connection before its answer was complete."),
    "lost": _("The connection to %(host)s was lost."),
    "refused": _("%(host)s is %(words)s. wfpush does not call it unless OUTBOUND_ALLOWED_CIDRS allows its network."),
}
"""Sentences for an operator about failed exchanges, by the names that databases keep."""


class OutboundError(Exception):
    """Raised when no answer came. `detail` is a sentence for an operator, without the URL, which may hold secrets.

    `permanent`: the same request can never succeed. `may_have_arrived`: the other side may have acted on it. `why` and
    `arguments`: the name and the values of a sentence of NO_ANSWER, where `detail` is one.
    """

    def __init__(
        self,
        code: Code,
        detail: str,
        *,
        permanent: bool = False,
        may_have_arrived: bool = False,
        why: str = "",
        **arguments: str,
    ) -> None:
        super().__init__(detail)
        self.code: Code = code
        self.detail = detail
        self.permanent = permanent
        self.may_have_arrived = may_have_arrived
        self.why = why
        self.arguments = arguments


def no_answer(
    code: Code, why: str, *, permanent: bool = False, may_have_arrived: bool = False, **arguments: str
) -> OutboundError:
    """Return an error with a sentence of NO_ANSWER."""
    detail = NO_ANSWER[why] % arguments
    return OutboundError(code, detail, permanent=permanent, may_have_arrived=may_have_arrived, why=why, **arguments)


def check_url(url: str, allowed: Sequence[Network]) -> None:
    """Check an address as a person typed it, before it is saved. Raises OutboundError, always permanent.

    Names are not looked up here: their addresses are checked each time a connection is made.
    """
    parse_url(url, allowed)


def parse_url(url: str, allowed: Sequence[Network]) -> URL:
    """Parse a URL once, for the check and for the request, so that the two cannot read it differently."""
    return _parse(url, tuple(allowed))


@lru_cache(maxsize=_URLS_KEPT)
def _parse(url: str, allowed: Sequence[Network]) -> URL:
    if len(url) > _MAX_URL:
        raise _bad_url(f"The address is longer than {_MAX_URL} characters.")
    if "\\" in url or " " in url or not url.isprintable():
        raise _bad_url("The address contains a space, a backslash or a control character. Percent-encode it.")
    try:
        target = URL(url)
    except ValueError:
        raise _bad_url("This is not an address. Write it like https://engine.example.com/callback.") from None
    if target.scheme not in ("http", "https"):
        raise _bad_url("The address must begin with https:// or http://.")
    if not target.raw_host:
        raise _bad_url("The address names no host. Write it like https://engine.example.com/callback.")
    if "@" in _AUTHORITY_END.split(url.partition("://")[2])[0]:  # yarl forgets an empty user name
        raise _bad_url("The address contains a user name or password. Put credentials into a header instead.")
    if target.explicit_port == 0:
        raise _bad_url("Port 0 cannot be called.")
    _check_host(target.raw_host, allowed)
    return target


def check_request(method: str, headers: Mapping[str, str]) -> None:
    """Refuse a method or header that would change on the wire. Raises OutboundError, permanent."""
    if method not in _METHODS:
        raise OutboundError("bad_request", f"The method must be one of {', '.join(sorted(_METHODS))}.", permanent=True)
    for name, value in headers.items():
        detail = _fault_of_name(name)
        if not detail and not _HEADER_VALUE.fullmatch(value):
            detail = f"The header {name} contains line breaks, control characters or letters outside ASCII."
        if detail:
            raise OutboundError("bad_request", detail, permanent=True)


@lru_cache(maxsize=_NAMES_KEPT)
def _fault_of_name(name: str) -> str:
    if not _HEADER_NAME.fullmatch(name):
        return "The name of a header contains characters that no header name may have."
    if name.lower() in _OWN_HEADERS:
        return f"The header {name} is set by the connection itself. Remove it."
    return ""


def refused(host: str, what: str, *, permanent: bool) -> OutboundError:
    """Return the error for an address of the kind `what` ("a loopback address")."""
    return no_answer("refused_address", "refused", permanent=permanent, host=host, words=what)


def _check_host(host: str, allowed: Sequence[Network]) -> None:
    try:
        address = literal(host)
    except ValueError:
        raise _bad_url("The host is not a valid IP address. Write it like 192.0.2.1.") from None
    if address is None:
        if not _HOST.fullmatch(host):
            raise _bad_url("The host is not a valid name. Write it like engine.example.com.")
        return
    what = kind_of_refused_address(address, allowed)
    if what is not None:
        raise refused(host, what, permanent=True)
    is_usual = ":" in host or host == str(address) or host.removesuffix(".").endswith("localhost")
    if not is_usual:
        raise _bad_url(f"Write the IP address in its usual form: {address}.")


def _bad_url(detail: str) -> OutboundError:
    return OutboundError("bad_url", detail, permanent=True)
