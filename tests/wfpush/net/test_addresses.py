"""What may be called: literal addresses in every spelling, and the URLs people type."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfpush.net.addresses import kind_of_refused_address, literal
from wfpush.net.http import OutboundError, check_url
from wfpush.net.http_checks import parse_url

REFUSED = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.9",
    "192.0.0.10",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:10.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001:0:1::1",
    "2001:1::1",
    "2001:3::1",
    "2001:4:112::1",
    "2001:20::1",
    "2001:30::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:808:808::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "::ffff:8.8.8.8%eth0",
    "2606:4700::1111%eth0",
    "fec0::1",
    "ff02::1",
]
CALLED = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1",
    "64:ff9b::8.8.8.8",
    "::ffff:8.8.8.8",
]
everyone = st.integers(min_value=0, max_value=2**32 - 1).map(IPv4Address)


@pytest.mark.parametrize("text", REFUSED)
def test_special_addresses_are_refused_by_name(text: str) -> None:
    what = kind_of_refused_address(ip_address(text), [])

    assert what is not None
    assert what.startswith(("a ", "an "))


@pytest.mark.parametrize("text", CALLED)
def test_public_addresses_may_be_called(text: str) -> None:
    assert kind_of_refused_address(ip_address(text), []) is None


@given(address=everyone)
def test_an_address_in_ipv6_clothes_is_judged_as_itself(address: IPv4Address) -> None:
    verdict = kind_of_refused_address(address, [])

    assert kind_of_refused_address(IPv6Address(f"::ffff:{address}"), []) == verdict
    assert kind_of_refused_address(IPv6Address(f"64:ff9b::{address}"), []) == verdict


@given(address=everyone)
def test_the_ranges_that_hide_an_ipv4_address_otherwise_are_closed(address: IPv4Address) -> None:
    high, low = divmod(int(address), 1 << 16)

    assert kind_of_refused_address(IPv6Address(f"2002:{high:x}:{low:x}::1"), [])  # 6to4
    assert kind_of_refused_address(IPv6Address(f"2001::{high:x}:{low:x}"), [])  # Teredo
    assert kind_of_refused_address(IPv6Address(f"::{address}"), [])  # IPv4-compatible
    assert kind_of_refused_address(IPv6Address(f"::ffff:0:{address}"), [])  # IPv4-translated


def test_an_allowed_network_admits_its_addresses_in_every_form_and_no_others() -> None:
    allowed = [ip_network("10.1.0.0/16"), ip_network("fd00:1::/32")]

    for text in ("10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "fd00:1::5"):
        assert kind_of_refused_address(ip_address(text), allowed) is None, text
    for text in ("10.2.0.1", "::ffff:10.2.0.1", "fd00:2::5", "127.0.0.1", "::1"):
        assert kind_of_refused_address(ip_address(text), allowed), text


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("localhost", "127.0.0.1"),
        ("engine.localhost.", "127.0.0.1"),
        ("::1", "::1"),
    ],
)
def test_every_spelling_of_an_address_is_understood(host: str, address: str) -> None:
    assert literal(host) == ip_address(address)


@pytest.mark.parametrize(
    "host", ["engine.example", "1.engine.example", "localhost.example", "0x7f.example", "notlocalhost"]
)
def test_a_name_is_not_an_address(host: str) -> None:
    assert literal(host) is None


@pytest.mark.parametrize("host", ["1.2.3.4.5", "08.1.1.1", "engine.1", "300.1.1.1", "0x", "12345678901"])
def test_a_name_that_ends_in_a_number_is_nothing_at_all(host: str) -> None:
    with pytest.raises(ValueError, match="ends in a number"):
        literal(host)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://0x7f.1:8080/",
        "http://2130706433/",
        "http://127.0.0.1./",
        "http://①②⑦.⓪.⓪.①/",
        "http://127。0。0。1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[0:0:0:0:0:ffff:7f00:1]/",
        "http://[fe80::1%25eth0]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[fd00:ec2::254]/",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://ⅼocalhost/",
        "https://engine.localhost/",
    ],
)
def test_an_inside_address_is_refused_when_it_is_typed(url: str) -> None:
    with pytest.raises(OutboundError) as caught:
        check_url(url, [])

    assert caught.value.code == "refused_address"
    assert caught.value.permanent
    assert "OUTBOUND_ALLOWED_CIDRS" in caught.value.detail


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("", "must begin with"),
        ("engine.example/x", "must begin with"),
        ("ftp://engine.example/", "must begin with"),
        ("file:///etc/passwd", "must begin with"),
        ("gopher://engine.example/", "must begin with"),
        ("//engine.example/x", "must begin with"),
        ("https:///x", "names no host"),
        ("https:engine.example", "names no host"),
        ("https://bob:geheim@engine.example/", "user name or password"),
        ("https://@engine.example/", "user name or password"),
        ("https://engine.example:0/", "Port 0"),
        ("https://engine.example:99999/", "not an address"),
        ("https://engine.example\\@evil.example/", "backslash"),
        ("https://engine .example/", "space"),
        ("https://engine.example/\r\nX-Injected: 1", "control character"),
        ("https://engine.example/\x00", "control character"),
        ("https://engine.example/\u202e", "control character"),
        ("https://%31%32%37.0.0.1.example/", "not a valid name"),
        ("https://engine..example/", "not a valid name"),
        ("https://-engine.example/", "not a valid name"),
        ("https://" + "a" * 64 + ".example/", "not a valid name"),
        ("https://" + "a.b" * 90 + "/", "not a valid name"),
        ("https://1.2.3.4.5/", "not a valid IP address"),
        ("https://[::1::]/", "not a valid IP address"),
        ("https://8.8.2056/", "usual form: 8.8.8.8"),
        ("https://engine.example/" + "x" * 5000, "longer than"),
    ],
)
def test_what_is_no_address_is_refused_with_a_hint(url: str, hint: str) -> None:
    with pytest.raises(OutboundError, match=hint) as caught:
        check_url(url, [])

    assert caught.value.code == "bad_url"
    assert caught.value.permanent
    assert "geheim" not in caught.value.detail


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://engine.example/callback?x=a@b", "engine.example"),
        ("https://engine.example?mail=a@b", "engine.example"),
        ("http://engine:8080/", "engine"),
        ("http://workflow_engine.internal./x#y", "workflow_engine.internal."),
        ("https://münchen.example/", "münchen.example"),
        ("https://8.8.8.8/", "8.8.8.8"),
        ("https://[2606:4700:4700::1111]:8443/", "2606:4700:4700::1111"),
        ("HTTPS://Engine.Example/", "engine.example"),
    ],
)
def test_ordinary_addresses_are_taken_and_lead_to_their_hosts(url: str, host: str) -> None:
    check_url(url, [])
    assert parse_url(url, []).host == host


def test_an_engine_inside_is_taken_where_its_network_is_allowed() -> None:
    for url in ("http://127.0.0.1:8001/", "http://localhost:8001/", "http://[::ffff:127.0.0.1]/"):
        check_url(url, [ip_network("127.0.0.0/8")])
    with pytest.raises(OutboundError, match=r"usual form: 127\.0\.0\.1"):
        check_url("http://127.1:8001/", [ip_network("127.0.0.0/8")])
