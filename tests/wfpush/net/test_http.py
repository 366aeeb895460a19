"""The outbound door against real servers on loopback: what goes out, what comes back, and the settings."""

import asyncio
import ssl
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.test import override_settings

from tests.support.engines import LOOPBACK, answer, engine, failure_of, rude_engine
from wfpush.net.http import Outbound, outbound_from_settings, parse_retry_after, push_door_from_settings


async def test_an_engine_receives_what_was_sent_and_its_answer_comes_back() -> None:
    seen: dict[str, Any] = {}

    async def receive(request: web.Request) -> web.StreamResponse:
        seen.update(method=request.method, path=request.path_qs, headers=request.headers, body=await request.read())
        return web.Response(status=202, text="advanced", headers={"Retry-After": "7"})

    async with engine(receive) as server, Outbound(LOOPBACK) as outbound:
        response = await outbound.request(
            "POST", str(server.make_url("/callback?x=1")), body=b'{"a":1}', headers={"webhook-id": "r-1"}
        )

    assert (response.status, response.body, response.truncated) == (202, b"advanced", False)
    assert response.headers["retry-after"] == "7"
    assert 0 < response.elapsed < 10
    assert (seen["method"], seen["path"], seen["body"]) == ("POST", "/callback?x=1", b'{"a":1}')
    assert seen["headers"]["webhook-id"] == "r-1"
    assert seen["headers"]["Accept-Encoding"] == "identity"


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    paths = []

    async def redirect(request: web.Request) -> web.StreamResponse:
        paths.append(request.path)
        raise web.HTTPFound("/inside")

    async with engine(redirect) as server, Outbound(LOOPBACK) as outbound:
        response = await outbound.request("POST", str(server.make_url("/callback")), body=b"x")

    assert (response.status, response.headers["Location"]) == (302, "/inside")
    assert paths == ["/callback"]


async def test_no_cookie_comes_back_and_no_proxy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    cookies = []

    async def give(request: web.Request) -> web.StreamResponse:
        cookies.append(request.headers.get("Cookie"))
        return web.Response(headers={"Set-Cookie": "session=bob"})

    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with engine(give) as server, Outbound(LOOPBACK) as outbound:
        for _ in range(2):
            assert (await outbound.request("GET", str(server.make_url("/")))).status == 200

    assert cookies == [None, None]


@pytest.mark.parametrize(
    ("method", "headers", "hint"),
    [
        ("POST", {"X-Static": "a\r\nX-Injected: 1"}, "line breaks"),
        ("POST", {"X-Static": "a\n"}, "line breaks"),
        ("POST", {"X-Static": "a\x00"}, "control characters"),
        ("POST", {"X-Static": "grün"}, "outside ASCII"),
        ("POST", {"X Static": "a"}, "name of a header"),
        ("POST", {"X-Static: a\r\nX-Injected": "1"}, "name of a header"),
        ("POST", {"": "a"}, "name of a header"),
        ("POST", {"Host": "inside.example"}, "Host is set by"),
        ("POST", {"transfer-encoding": "chunked"}, "transfer-encoding is set by"),
        ("POST", {"Content-Length": "0"}, "Content-Length is set by"),
        ("CONNECT", {}, "method must be one of"),
        ("post", {}, "method must be one of"),
        ("GET / HTTP/1.1\r\nX:", {}, "method must be one of"),
    ],
)
async def test_nothing_can_be_smuggled_into_a_request(method: str, headers: dict[str, str], hint: str) -> None:
    async with engine(answer) as server, Outbound(LOOPBACK) as outbound:
        error = await failure_of(outbound.request(method, str(server.make_url("/")), headers=headers))

    assert hint in error.detail
    assert (error.code, error.permanent) == ("bad_request", True)


async def test_no_error_repeats_the_secrets_of_its_url() -> None:
    async def garble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"garbage\r\n\r\n")

    async with rude_engine(garble) as url, Outbound(LOOPBACK) as outbound:
        error = await failure_of(outbound.request("POST", f"{url}/hooks/geheim?token=geheim"))

    assert error.code == "bad_response"
    assert "geheim" not in "".join(traceback.format_exception(error))
    assert error.__context__ is None


async def test_a_certificate_must_be_valid_for_the_name_that_was_asked_for(tmp_path: Path) -> None:
    certificate = self_signed("engine.example", tmp_path)
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=certificate)

    async def lookup(host: str) -> Sequence[str]:
        return ["127.0.0.1"]

    async with (
        engine(answer, tls=serving) as server,
        Outbound(LOOPBACK, lookup=lookup, tls=trusting) as trustful,
        Outbound(LOOPBACK, lookup=lookup) as wary,
    ):
        good = await trustful.request("GET", f"https://engine.example:{server.port}/")
        stranger = await failure_of(wary.request("GET", f"https://engine.example:{server.port}/"))
        impostor = await failure_of(trustful.request("GET", f"https://bank.example:{server.port}/"))

    assert good.status == 200
    assert (stranger.code, stranger.may_have_arrived) == ("tls", False)
    assert "self-signed certificate" in stranger.detail
    assert "bank.example" in impostor.detail
    assert (impostor.code, impostor.may_have_arrived) == ("tls", False)


async def test_a_server_without_tls_is_no_secure_connection() -> None:
    async with engine(answer) as server, Outbound(LOOPBACK) as outbound:
        error = await failure_of(outbound.request("GET", f"https://127.0.0.1:{server.port}/"))

    assert (error.code, error.may_have_arrived) == ("tls", False)


async def test_the_settings_say_which_networks_are_open() -> None:
    async with engine(answer) as server:
        url = str(server.make_url("/"))
        with override_settings(OUTBOUND_ALLOWED_CIDRS=LOOPBACK):
            async with outbound_from_settings() as outbound:
                assert (await outbound.request("GET", url)).status == 200
        with override_settings(OUTBOUND_ALLOWED_CIDRS=[]):
            async with outbound_from_settings() as outbound:
                assert (await failure_of(outbound.request("GET", url))).code == "refused_address"


async def test_the_door_to_push_services_has_networks_of_its_own_and_trusts_what_the_system_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = self_signed("localhost", tmp_path)
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with engine(answer, host="localhost", tls=serving) as server:
        url = f"https://localhost:{server.port}/"
        with override_settings(PUSH_ALLOWED_CIDRS=LOOPBACK):
            async with push_door_from_settings() as door:
                assert (await door.request("POST", url, body=b"x")).status == 200
        with override_settings(PUSH_ALLOWED_CIDRS=[], OUTBOUND_ALLOWED_CIDRS=LOOPBACK):
            async with push_door_from_settings() as door:
                assert (await failure_of(door.request("POST", url, body=b"x"))).code == "refused_address"


async def test_without_notes_of_arrival_a_failure_may_always_have_arrived() -> None:
    async with Outbound(LOOPBACK, notes_arrival=False) as outbound:
        error = await failure_of(outbound.request("POST", "http://127.0.0.1:9/", body=b"x"))

    assert (error.code, error.may_have_arrived) == ("connection", True)


NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 120 ", 120),
        ("1000000000", 86400),
        ("9" * 5000, 86400),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("٣", None),
        (format_datetime(NOW + timedelta(minutes=2), usegmt=True), 120),
        (format_datetime(NOW - timedelta(minutes=2), usegmt=True), 0),
        (format_datetime(NOW + timedelta(days=400), usegmt=True), 86400),
        ("Wednesday, 25-Nov-26 12:00:30 GMT", 30),
        ("Wed Nov 25 12:00:30 2026", 30),
        ("Wed, 99 Nov 2026 12:00:30 GMT", None),
        ("2026-11-25T12:00:30Z", None),
    ],
)
def test_retry_after_is_honoured_and_clamped(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW.timestamp()) == seconds


def self_signed(name: str, folder: Path) -> Path:
    """A certificate for `name` with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "engine.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path
