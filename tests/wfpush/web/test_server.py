"""`manage.py web` on the wire: bounded heads and bodies."""

import json
import os
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.processes import free_ports
from tests.support.waiting import eventually
from tests.support.wire import ROOT, SERVER, Wire, answers, has_ipv6, head, served, server_at
from wfpush.web.bodylimit import BATCH_LIMIT, BODY_LIMIT

pytestmark = pytest.mark.processes

HEAD_LIMIT = 16 * 1024
"""Twisted's."""


def test_a_form_with_too_many_files_gets_a_page(port: int) -> None:
    about = ("Content-Type: multipart/form-data; boundary=x", "Accept: text/html", f"Content-Length: {17 * 2**20}")
    status, body = Wire(port).send(head(*about) + b"x" * 17 * 2**20).answer()
    assert status == 413 and b"send less" in body and "senden Sie weniger" in body.decode()


FORM, KNOWN = "Content-Type: multipart/form-data; boundary=x", "Authorization: Bearer known"


@pytest.mark.parametrize(
    ("path", "status"), [("/api/v1/attachments?name=a.pdf", 200), ("/sign-in?next=/api/v1/attachments", 413)]
)
def test_files_go_to_where_files_are_sent(path: str, status: int, port: int) -> None:
    wire = Wire(port).send(head(FORM, KNOWN, f"Content-Length: {2 * BODY_LIMIT}", path=path))
    assert wire.send(b"x" * 2 * BODY_LIMIT).answer()[0] == status


@pytest.mark.ci
@pytest.mark.parametrize(
    ("length", "body"),
    [
        (f"Content-Length: {2 * BODY_LIMIT}", b"x" * 2 * BODY_LIMIT),
        ("Transfer-Encoding: chunked", b"4\r\nnone\r\n0\r\n\r\n"),
    ],
)
def test_large_files_of_strangers_are_refused(length: str, body: bytes, port: int) -> None:
    wire = Wire(port).send(head(FORM, length, path="/api/v1/attachments") + body)
    status, body = wire.answer()
    assert (status, json.loads(body)["code"]) == (401, "unauthenticated")
    assert wire.is_closed_by_the_server()


@pytest.mark.ci
def test_a_form_with_large_files_gets_a_page_when_nobody_is_signed_in(port: int) -> None:
    about = (FORM, "Accept: text/html", f"Content-Length: {2 * BODY_LIMIT}")
    status, body = Wire(port).send(head(*about, path="/a/token") + b"x" * 2 * BODY_LIMIT).answer()
    assert status == 401 and b"load the page again" in body and "Laden Sie".lower() in body.decode().lower()


def test_files_in_chunks_are_read_of_those_who_are_known(port: int) -> None:
    wire = Wire(port).send(head(FORM, KNOWN, "Transfer-Encoding: chunked", path="/api/v1/attachments"))
    for _ in range(3):
        wire.send(b"%x\r\n" % BODY_LIMIT + b"x" * BODY_LIMIT + b"\r\n")
    wire.send(b"0\r\n\r\n")
    assert wire.answer() == (200, str(3 * BODY_LIMIT).encode())


def test_what_comes_whole_with_its_head_is_answered_once(port: int) -> None:
    """A body in chunks may have ended before it is known who sends it: the application answers, or nobody is read."""
    wire = Wire(port).send(head(FORM, KNOWN, "Transfer-Encoding: chunked", path="/a/x") + b"4\r\nnone\r\n0\r\n\r\n")
    assert wire.answer() == (200, b"4")
    assert wire.send(head("Content-Length: 2") + b"me").answer() == (200, b"2")


def test_small_forms_of_strangers_reach_the_application(port: int) -> None:
    wire = Wire(port).send(head(FORM, "Content-Length: 4", path="/a/token") + b"none")
    assert wire.answer() == (200, b"4")


@pytest.mark.parametrize("type", ["multipart/form-data", "multipart/form-data; boundary=x"])
def test_a_form_of_which_only_the_name_is_one_reaches_the_application(type: str, port: int) -> None:
    """What it is, and what is wrong with it, is said by the application."""
    wire = Wire(port).send(head(f"Content-Type: {type}", "Content-Length: 4") + b"none")
    assert wire.answer() == (200, b"4")


def test_a_body_at_the_limit_reaches_the_application(port: int) -> None:
    wire = Wire(port).send(head(f"Content-Length: {BODY_LIMIT}") + b"x" * BODY_LIMIT)
    assert wire.answer() == (200, str(BODY_LIMIT).encode())


@pytest.mark.parametrize("size", [5_000_000, 2 * BATCH_LIMIT])
def test_a_large_body_is_refused_and_the_client_can_read_why(size: int, port: int) -> None:
    wire = Wire(port).send(head(f"Content-Length: {size}") + b"x" * size)
    status, body = wire.answer()
    assert (status, json.loads(body)["code"]) == (413, "too_large")
    assert wire.is_closed_by_the_server()


def test_an_endless_chunked_body_is_cut(port: int) -> None:
    wire = Wire(port).send(head("Transfer-Encoding: chunked"))
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    sent = 0
    with suppress(OSError):  # the server hangs up before the bound is reached
        while sent < 200 * 1024 * 1024:
            wire.send(chunk)
            sent += 65536
    assert BODY_LIMIT < sent < 100 * 1024 * 1024


def test_a_chunked_body_over_the_limit_gets_its_answer(port: int) -> None:
    wire = Wire(port).send(head("Transfer-Encoding: chunked"))
    for _ in range(20):
        wire.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
    assert wire.send(b"0\r\n\r\n").answer()[0] == 413


def test_a_batch_of_events_may_have_5_mb(port: int) -> None:
    kind = "Content-Type: application/cloudevents-batch+json"
    wire = Wire(port).send(head("Content-Length: 5000000", kind) + b"x" * 5_000_000)
    assert wire.answer() == (200, b"5000000")


def test_one_connection_carries_many_requests(port: int) -> None:
    wire = Wire(port)
    for size in (3, 0, 70_000):
        wire.send(head(f"Content-Length: {size}") + b"x" * size)
        assert wire.answer() == (200, str(size).encode())


def test_a_head_without_an_end_is_cut(port: int) -> None:
    wire = Wire(port).send(head()[:-2])
    sent = 0
    with suppress(OSError):  # the server hangs up before the bound is reached
        while sent < 100 * 2**20:
            wire.send(b"X-More: " + b"x" * 65536)
            sent += 65536
    assert HEAD_LIMIT <= sent < 10 * 2**20, "but for what is on its way"


def test_who_sends_too_long_a_head_is_told_so(port: int) -> None:
    wire = Wire(port).send(head(*[f"X-More: {'x' * 1000}"] * 17))
    assert wire.answer()[0] == 400
    assert wire.is_closed_by_the_server()


CHUNKED = "Transfer-Encoding: chunked"
ENDLESS = {"trailers": b"0\r\n", "one trailer": b"0\r\nX-More: ", "an extension of a chunk": b"3;more="}


@pytest.mark.parametrize("begun", ENDLESS)
def test_what_has_no_end_beside_a_body_is_cut(begun: str, port: int) -> None:
    wire = Wire(port).send(head(CHUNKED) + ENDLESS[begun])
    sent, more = 0, b"a: b\r\n" * 2**13 if begun == "trailers" else b"x" * 2**16
    with suppress(OSError):
        while sent < 100 * 2**20:
            wire.send(more)
            sent += len(more)
    assert HEAD_LIMIT <= sent < 10 * 2**20, "but for what is on its way"


@pytest.mark.ci
def test_trailers_and_names_with_underscores_are_no_headers(port: int) -> None:
    """Proxies remove or extend what they know by its right name, in the head of a request."""
    wire = Wire(port).send(head(CHUNKED, "X_Forwarded_For: 192.0.2.1", path="/names") + b"4\r\nbody\r\n0\r\n")
    wire.send(b"X-Forwarded-For: 192.0.2.1\r\nAuthorization: Bearer known\r\n\r\n")
    assert wire.answer() == (200, b"host transfer-encoding")


HTTP2 = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQ")


@pytest.mark.ci
def test_a_request_with_a_body_that_asks_for_another_protocol_is_answered_in_this_one(port: int) -> None:
    """Java's HttpClient asks for HTTP/2 with each first request to an http: address."""
    wire = Wire(port)
    for _ in range(2):
        wire.send(head(*HTTP2, "Content-Length: 4") + b"bo").send(b"dy" + head("Content-Length: 2") + b"ok")
        assert wire.answer() == (200, b"4")
        assert wire.answer() == (200, b"2")


@pytest.mark.ci
def test_a_request_with_a_longer_body_than_it_says_is_answered(port: int) -> None:
    wire = Wire(port).send(head("Content-Length: 2") + b"ok, and more\r\n")
    assert wire.answer() == (200, b"2")
    assert wire.is_closed_by_the_server()


def test_requests_may_be_sent_before_those_before_them_are_answered(port: int) -> None:
    size = 2 * HEAD_LIMIT
    wire = Wire(port).send((head(f"Content-Length: {size}") + b"x" * size) * 3 + head()[:10]).send(head()[10:])
    assert [wire.answer()[1] for _ in range(4)] == [str(size).encode()] * 3 + [b"0"]


@pytest.mark.long
def test_of_requests_that_wait_for_their_turn_there_are_not_many(port: int) -> None:
    wire, requests = Wire(port), head(path="/large") * 1000
    wire.socket.settimeout(5)
    sent = 0
    with suppress(OSError):  # the server reads no more before the bound is reached
        while sent < 100 * 2**20:
            wire.send(requests)
            sent += len(requests)
    assert sent < 10 * 2**20, "but for what is on its way"


def test_what_is_answered_to_whoever_is_gone_is_dropped_without_a_word(port: int) -> None:
    wire = Wire(port).send(head("Content-Length: 0", path="/large") + head("Content-Length: 0"))
    assert wire.socket.recv(12) == b"HTTP/1.1 200"
    wire.drop()
    assert Wire(port).send(head("Content-Length: 2") + b"ok").answer() == (200, b"2")


BEGUN = {
    "nothing": b"",
    "half a line": b"POST / HT",
    "half a head": head()[:-2],
    "half a body": head("Content-Length: 4") + b"no",
    "a request": head("Content-Length: 2") + b"ok",
}


@pytest.mark.parametrize("sent", BEGUN)
def test_a_connection_that_falls_silent_is_closed(sent: str, impatient: int) -> None:
    wire = Wire(impatient).send(BEGUN[sent])
    if sent == "a request":
        assert wire.answer() == (200, b"2")
    assert wire.is_closed_by_the_server()


@pytest.mark.ci
@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="for Linux")
def test_a_connection_that_takes_nothing_is_closed(impatient: int) -> None:
    wire, server = Wire(impatient).send(head("Content-Length: 0", path="/large")), server_at(impatient)
    assert wire.socket.recv(12) == b"HTTP/1.1 200"
    here = wire.socket.getsockname()
    eventually(lambda: here not in [each.raddr for each in server.net_connections()], "its connection is gone")


@pytest.mark.long
@pytest.mark.skipif(not has_ipv6(), reason="there is no IPv6 here")
def test_all_addresses_include_those_of_ipv4() -> None:
    for port in served(SERVER.replace('"127.0.0.1"', '"::"')):
        socket.create_connection(("::1", port), timeout=10).close()


def test_what_is_no_http_is_refused(port: int) -> None:
    wire = Wire(port).send(b"\x16\x03\x01 TLS?\r\n\r\n")
    assert wire.answer()[0] == 400
    assert wire.is_closed_by_the_server()


def test_an_error_of_the_server_itself_is_logged(tmp_path: Path) -> None:
    fails = "from wfpush.web.server import Request\nRequest.requestReceived = lambda *_: 1 / 0\n"
    port, log = free_ports(1), tmp_path / "log"
    with log.open("wb") as stderr:
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        program = SERVER.replace("\nserve(", f"\n{fails}serve(")
        server = subprocess.Popen([sys.executable, "-c", program, str(port)], cwd=ROOT, env=environment, stderr=stderr)
        eventually(lambda: answers(port), "the server answers")
        with suppress(AssertionError):
            Wire(port).send(head("Content-Length: 0")).answer()
        server.terminate()
        server.wait(30)
    assert "ZeroDivisionError" in log.read_text()
