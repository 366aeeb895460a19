"""Slow, broken or greedy engines meet deadlines and limits, and nobody else waits for them."""

import asyncio
import gzip
import time

import pytest
from aiohttp import web

from tests.support.engines import LOOPBACK, Conversation, answer, engine, failure_of, rude_engine
from wfpush.net.http import Outbound


@pytest.mark.row_17
async def test_an_engine_that_drips_its_answer_is_left_at_the_deadline() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(1000):
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.02)

    await assert_deadline_holds(drip)


@pytest.mark.row_17
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
    assert elapsed < 15, "neither the other deadline nor the end of the engine's patience"


@pytest.mark.row_17
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
        await asyncio.wait_for(cut_off.wait(), 60)

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
        await asyncio.wait_for(gone.wait(), 60)
