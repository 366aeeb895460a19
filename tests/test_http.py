"""The outbound door against real servers on loopback: engines that are slow, broken, greedy or not what they seem."""

import asyncio
import gzip
import ipaddress
import ssl
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientConnectorError, web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.test import override_settings

from wfpush.http import Outbound, OutboundError, outbound_from_settings, parse_retry_after

LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def engine(
    handler: Handler, host: str = "127.0.0.1", port: int | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[TestServer]:
    """An engine that speaks HTTP as it should."""
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", handler)
    server = TestServer(application, host=host, port=port)
    await server.start_server(ssl=tls)
    try:
        yield server
    finally:
        await server.close()


@asynccontextmanager
async def rude_engine(conversation: Conversation) -> AsyncIterator[str]:
    """An engine that does with its connections what the conversation says; gives its address."""
    talks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        try:
            await reader.readuntil(b"\r\n\r\n")
            await conversation(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


async def answer(request: web.Request) -> web.StreamResponse:
    return web.Response(text="advanced", headers={"Retry-After": "7"})


async def failure_of(awaitable: Awaitable[object]) -> OutboundError:
    with pytest.raises(OutboundError) as caught:
        await awaitable
    return caught.value


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


async def test_an_address_inside_is_refused_without_a_connection() -> None:
    calls = []

    async def count(request: web.Request) -> web.StreamResponse:
        calls.append(request.path)
        return web.Response()

    async with engine(count) as server, Outbound() as outbound:
        for host in ("127.0.0.1", "127.1", "2130706433", "[::ffff:127.0.0.1]", "localhost"):
            error = await failure_of(outbound.request("POST", f"http://{host}:{server.port}/"))
            assert (error.code, error.permanent, error.may_have_arrived) == ("refused_address", True, False), host

    assert calls == []


async def test_a_name_that_leads_inside_is_refused_but_may_change_its_mind() -> None:
    async def lookup(host: str) -> Sequence[str]:
        return ["10.0.0.7", "::1"]

    async with Outbound(lookup=lookup) as outbound:
        error = await failure_of(outbound.request("POST", "https://engine.example/callback"))

    assert (error.code, error.permanent, error.may_have_arrived) == ("refused_address", False, False)
    assert "engine.example (::1) is a loopback address" in error.detail


async def test_a_name_is_looked_up_by_the_system_unless_told_otherwise() -> None:
    async with engine(answer) as server, Outbound(LOOPBACK) as outbound:
        response = await outbound.request("GET", f"http://localhost:{server.port}/")

    assert response.body == b"advanced"


async def test_of_a_mixed_answer_only_the_public_address_is_called() -> None:
    async def outside(request: web.Request) -> web.StreamResponse:
        return web.Response(text="outside")

    async def inside(request: web.Request) -> web.StreamResponse:
        return web.Response(text="inside")

    async def lookup(host: str) -> Sequence[str]:
        return ["127.0.0.1", "127.0.0.2"]

    allowed = [ipaddress.ip_network("127.0.0.2/32")]
    async with (
        engine(outside, "127.0.0.2") as server,
        engine(inside, port=server.port),
        Outbound(allowed, lookup=lookup) as outbound,
    ):
        response = await outbound.request("GET", f"http://engine.example:{server.port}/")

    assert response.body == b"outside"


async def test_a_name_that_is_rebound_between_check_and_connection_leads_nowhere() -> None:
    """The first answer is outside, every later one inside. What was checked is what is connected to."""
    answers = [["127.0.0.2"]]
    calls = []

    async def lookup(host: str) -> Sequence[str]:
        return answers.pop() if answers else ["127.0.0.1"]

    async def outside(request: web.Request) -> web.StreamResponse:
        return web.Response(text="outside", headers={"Connection": "close"})

    async def inside(request: web.Request) -> web.StreamResponse:
        calls.append(request.path)
        return web.Response(text="inside")

    allowed = [ipaddress.ip_network("127.0.0.2/32")]
    async with engine(outside, "127.0.0.2") as server, engine(inside, port=server.port):
        url = f"http://engine.example:{server.port}/"
        async with Outbound(allowed, lookup=lookup) as outbound:
            first = await outbound.request("GET", url)
            second = await outbound.request("GET", url)
        async with Outbound(allowed, lookup=lookup) as later:
            error = await failure_of(later.request("GET", url))

    assert (first.body, second.body) == (b"outside", b"outside")
    assert error.code == "refused_address"
    assert calls == []


async def test_no_socket_is_made_for_an_inside_address_even_if_the_first_check_is_passed_by() -> None:
    async with engine(answer) as server, Outbound() as outbound:
        with pytest.raises(ClientConnectorError) as caught:
            await outbound._open().get(server.make_url("/"))

    assert "127.0.0.1 is a loopback address" in str(caught.value.os_error)


async def test_a_name_that_does_not_exist_says_so() -> None:
    async def nothing(host: str) -> Sequence[str]:
        return []

    async with Outbound() as outbound, Outbound(lookup=nothing) as nowhere:
        unknown = await failure_of(outbound.request("GET", "https://engine.invalid/"))
        empty = await failure_of(nowhere.request("GET", "https://engine.example/"))

    for error in (unknown, empty):
        assert (error.code, error.permanent, error.may_have_arrived) == ("dns", False, False)


async def test_an_engine_that_drips_its_answer_is_left_at_the_deadline() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(1000):
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.02)

    await assert_deadline_holds(drip)


async def test_an_engine_that_drips_its_headers_is_left_at_the_deadline() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"." * 1000:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.02)

    await assert_deadline_holds(drip)


async def test_an_engine_that_never_gets_beyond_100_continue_is_left_at_the_deadline() -> None:
    async def go_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(1000):
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            await writer.drain()
            await asyncio.sleep(0.02)

    await assert_deadline_holds(go_on)


@pytest.mark.filterwarnings("ignore:Sending a large body")
async def test_an_engine_that_does_not_take_the_body_is_left_at_the_deadline() -> None:
    async def sit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(60)

    await assert_deadline_holds(sit, body=b"x" * 50_000_000)


async def assert_deadline_holds(conversation: Conversation, body: bytes = b"{}") -> None:
    started = time.monotonic()
    async with rude_engine(conversation) as url, Outbound(LOOPBACK, deadline=30) as outbound:
        error = await failure_of(outbound.request("POST", url, body=body, timeout=0.3))
        elapsed = time.monotonic() - started

    assert (error.code, error.permanent, error.may_have_arrived) == ("timeout", False, True)
    assert "0.3 seconds" in error.detail
    assert elapsed < 3


async def test_a_gigabyte_costs_64_kilobytes() -> None:
    sent = 0
    cut_off = asyncio.Event()

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        try:
            while sent < 1_000_000_000:
                writer.write(b"x" * 65536)
                await writer.drain()
                sent += 65536
        except ConnectionError:
            cut_off.set()

    async with rude_engine(pour) as url, Outbound(LOOPBACK) as outbound:
        response = await outbound.request("POST", url)
        await asyncio.wait_for(cut_off.wait(), 5)

    assert (response.status, len(response.body), response.truncated) == (200, 64 * 1024, True)
    assert sent < 50_000_000  # what fits into the sockets' buffers


async def test_an_answer_of_exactly_the_limit_is_whole() -> None:
    async def fill(request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"x" * int(request.query["n"]))

    async with engine(fill) as server, Outbound(LOOPBACK, max_body=1000) as outbound:
        exact = await outbound.request("GET", str(server.make_url("/?n=1000")))
        over = await outbound.request("GET", str(server.make_url("/?n=1001")))

    assert (len(exact.body), exact.truncated) == (1000, False)
    assert (len(over.body), over.truncated) == (1000, True)


async def test_a_compressed_bomb_stays_packed() -> None:
    bomb = gzip.compress(b"\0" * 10_000_000)

    async def explode(request: web.Request) -> web.StreamResponse:
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    async with engine(explode) as server, Outbound(LOOPBACK) as outbound:
        response = await outbound.request("GET", str(server.make_url("/")))

    assert response.body == bomb


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100_000 + b"\r\n\r\n", "bad_response"),
        (b"HTTP/1.1 200 OK\r\n" + b"X-Many: x\r\n" * 5000 + b"\r\n", "bad_response"),
        (b"SSH-2.0-OpenSSH_9.7\r\n", "bad_response"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "connection"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "bad_response"),
        (b"", "connection"),
    ],
    ids=["long header", "many headers", "not HTTP", "half a body", "broken chunk", "hung up"],
)
async def test_an_engine_that_answers_badly_may_have_acted(wire: bytes, code: str) -> None:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(wire)
        await writer.drain()

    async with rude_engine(say) as url, Outbound(LOOPBACK) as outbound:
        error = await failure_of(outbound.request("POST", url, body=b"{}"))

    assert (error.code, error.permanent, error.may_have_arrived) == (code, False, True)


async def test_an_engine_that_is_down_cannot_have_acted() -> None:
    async with engine(answer) as server:
        url = str(server.make_url("/"))
    async with Outbound(LOOPBACK) as outbound:
        error = await failure_of(outbound.request("POST", url, body=b"{}"))

    assert (error.code, error.permanent, error.may_have_arrived) == ("connection", False, False)
    assert error.detail == "No connection to 127.0.0.1: connection refused."


async def test_connections_are_kept_and_one_whose_answer_was_cut_is_not() -> None:
    async def who(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        port = request.transport.get_extra_info("peername")[1]
        return web.Response(text=f"{port} ".ljust(int(request.query.get("n", "10"))))

    async with engine(who) as server, Outbound(LOOPBACK, max_body=100) as outbound:
        ports = []
        for query in ("", "", "?n=100000", "", ""):
            response = await outbound.request("POST", str(server.make_url("/" + query)), body=b"{}")
            ports.append(response.body.split()[0])

    assert ports[0] == ports[1] == ports[2]
    assert ports[2] != ports[3] == ports[4]


@pytest.mark.parametrize("limit", [2, 8])
async def test_one_engine_gets_no_more_connections_than_its_share(limit: int) -> None:
    inside = peak = 0

    async def crowd(request: web.Request) -> web.StreamResponse:
        nonlocal inside, peak
        inside += 1
        peak = max(peak, inside)
        for _ in range(100):  # give every other request the chance to come in
            await asyncio.sleep(0)
        inside -= 1
        return web.Response()

    async with engine(crowd) as server, Outbound(LOOPBACK, per_host=limit) as outbound:
        await asyncio.gather(*(outbound.request("POST", str(server.make_url("/"))) for _ in range(12)))

    assert peak == limit


async def test_waiting_for_a_free_connection_counts_and_nothing_has_been_sent() -> None:
    arrived, release = asyncio.Event(), asyncio.Event()

    async def hold(request: web.Request) -> web.StreamResponse:
        arrived.set()
        await release.wait()
        return web.Response()

    async with engine(hold) as server, Outbound(LOOPBACK, per_host=1) as outbound:
        first = asyncio.create_task(outbound.request("POST", str(server.make_url("/"))))
        await arrived.wait()
        error = await failure_of(outbound.request("POST", str(server.make_url("/")), timeout=0.1))
        release.set()
        assert (await first).status == 200

    assert (error.code, error.may_have_arrived) == ("timeout", False)


async def test_a_cancelled_request_stays_cancelled_and_frees_its_connection() -> None:
    arrived, gone = asyncio.Event(), asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await reader.read()
        gone.set()

    async with rude_engine(hold) as url, Outbound(LOOPBACK) as outbound:
        task = asyncio.create_task(outbound.request("POST", url))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(gone.wait(), 5)


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
