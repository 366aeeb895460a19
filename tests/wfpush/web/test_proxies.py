"""Behind proxies, callers are told apart by the address the outermost of ours saw, not by what they say."""

import pytest
import structlog
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from pytest_django import Settings

from wfpush.web.middleware import RequestLogMiddleware
from wfpush.web.proxies import ClientAddressMiddleware, address_of


def seen(header: str | None, settings: Settings, proxies: int) -> str:
    settings.PROXY_COUNT = proxies
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": header} if header else {})
    passed: list[str] = []

    def view(request: HttpRequest) -> HttpResponse:
        passed.append(request.META["REMOTE_ADDR"])
        return HttpResponse()

    ClientAddressMiddleware(view)(request)
    return passed[0]


def test_log_lines_have_the_address_that_was_seen_and_not_what_the_client_says() -> None:
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": "203.0.113.7"})
    with structlog.contextvars.bound_contextvars(ip=""):
        RequestLogMiddleware.bind_ip(request)
        assert structlog.contextvars.get_contextvars()["ip"] == "10.0.0.1"


@pytest.mark.parametrize(
    ("proxies", "header", "address"),
    [
        (0, "203.0.113.7", "10.0.0.1"),
        (1, None, "10.0.0.1"),
        (1, "203.0.113.7", "203.0.113.7"),
        (1, "1.1.1.1, 203.0.113.7", "203.0.113.7"),
        (2, "1.1.1.1, 203.0.113.7, 192.0.2.9", "203.0.113.7"),
        (2, "203.0.113.7", "10.0.0.1"),
        (1, "2001:db8::7", "2001:db8::7"),
        (1, "not an address", "10.0.0.1"),
        (1, "203.0.113.7,", "10.0.0.1"),
    ],
)
def test_only_what_our_own_proxies_wrote_counts(
    settings: Settings, proxies: int, header: str | None, address: str
) -> None:
    assert seen(header, settings, proxies) == address


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:203.0.113.7", "203.0.113.7", True),
        ("203.0.113.7", "203.0.113.8", False),
        ("", "unix:", True),
    ],
)
def test_what_counts_as_one_address(one: str, other: str, same: bool) -> None:
    assert (address_of(one) == address_of(other)) is same
