"""Browsers by the names that people know them by."""

import pytest
from django.utils import translation

from notifications.people.useragent import name_of

MOZILLA = "Mozilla/5.0"
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (f"{MOZILLA} (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on Linux"),
        (f"{MOZILLA} (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on Windows"),
        (f"{MOZILLA} (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0", "Firefox on Android"),
        (f"{MOZILLA} (Linux; Android 10; K) {WEBKIT} Chrome/142.0.0.0 Mobile Safari/537.36", "Chrome on Android"),
        (f"{MOZILLA} (X11; Linux x86_64) {WEBKIT} HeadlessChrome/142.0.0.0 Safari/537.36", "Chrome on Linux"),
        (f"{MOZILLA} (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/142.0.0.0 Safari/537.36", "Chrome on ChromeOS"),
        (
            f"{MOZILLA} (Linux; Android 13; SM-S901B) {WEBKIT} SamsungBrowser/28.0 Chrome/130.0 Mobile Safari/537.36",
            "Samsung Internet on Android",
        ),
        (
            f"{MOZILLA} (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
            "Edge on Windows",
        ),
        (
            f"{MOZILLA} (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/142.0.0.0 Safari/537.36 OPR/126.0.0.0",
            "Opera on Windows",
        ),
        (
            f"{MOZILLA} (iPhone; CPU iPhone OS 18_6 like Mac OS X) {APPLE} Version/18.6 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            f"{MOZILLA} (iPad; CPU OS 18_6 like Mac OS X) {APPLE} CriOS/142.0 Mobile/15E148 Safari/604.1",
            "Chrome on iPad",
        ),
        (f"{MOZILLA} (Macintosh; Intel Mac OS X 10_15_7) {APPLE} Version/18.6 Safari/605.1.15", "Safari on Mac"),
        ("Firefox/145.0", "Firefox"),
        ("Firefox/<b>\r\nSet-Cookie: a=b (Linux\u202e)", "Firefox on Linux"),
    ],
)
def test_a_browser_is_called_what_people_call_it(header: str, name: str) -> None:
    assert name_of(header) == name


@pytest.mark.parametrize(
    "header",
    ["", "curl/8.5.0", "okhttp/4.12.0", "<script>alert(1)</script>", "Fire\x00fox", "x" * 100_000 + " Firefox/145.0"],
)
def test_whatever_else_it_is_it_is_a_browser(header: str) -> None:
    assert name_of(header) == "A browser"


def test_it_is_said_in_the_persons_language() -> None:
    with translation.override("de"):
        assert name_of("(X11; Linux x86_64) Firefox/145.0") == "Firefox auf Linux"
        assert name_of("") == "Ein Browser"
