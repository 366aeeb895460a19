"""Outbound HTTP never reaches a private address, however a name is written and however often it resolves anew."""

import ipaddress
from collections.abc import Sequence

import pytest
from aiohttp import ClientConnectorError, web

from tests.support.engines import LOOPBACK, answer, engine, failure_of
from wfpush.net.http import Outbound


@pytest.mark.row_16
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


@pytest.mark.row_16
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


@pytest.mark.row_16
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
