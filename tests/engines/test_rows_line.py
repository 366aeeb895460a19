"""What a network may do to answers, for every kind of engine.

| Row | What happens | What must come of it |
|---|---|---|
| 16 | engines and token servers at addresses of ours, however these are written, looked up or pointed to | refused |
| 17 | bytes that drip, answers of a gigabyte | left at the deadline, cut at the limit; tried again |
| 18 | 429 with any `Retry-After`; 401, 409, 410, 422, 500 | what the kind's own contract says; nothing is lost |

`pytest -k row_16` and so on; tests elsewhere that belong to a row bear its mark.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from ipaddress import ip_network
from typing import Any

import pytest
from aiohttp import web
from django.utils import timezone
from django.utils.http import http_date
from pytest_django import Settings

from notifications.engines import callback, requeue
from notifications.models import Callback, CallbackAttempt, CallbackState, Engine, EngineAccess
from tests.engines.demo import Side
from tests.engines.pairs import paired
from tests.engines.server import Fault
from tests.engines.sides import Answered
from tests.engines.world import KINDS, Kind
from tests.pushlab.background import Background
from tests.soak.installation import LONG
from tests.support.engines import engine, rude_engine
from wfpush.net.http import Outbound, outbound_from_settings

pytestmark = pytest.mark.django_db(transaction=True)

ENGINES = [ip_network("127.0.0.1/32")]
"""Where engines may be. 127.0.0.2 is inside."""
INSIDE = ["127.0.0.2", "127.2", "2130706434", "[::ffff:127.0.0.2]", "169.254.169.254"]
APPROVED = [Answered("bob", "approved")]

with_tokens = pytest.mark.parametrize("side", KINDS, indirect=True, ids=lambda kind: kind.name)


@dataclass
class Line:
    """Where the engine and its token server are said to be."""

    side: Side
    background: Background
    servers: list[AbstractAsyncContextManager[Any]] = field(default_factory=list)
    address: str = ""
    access: dict[str, Any] = field(default_factory=dict)

    def open(self, server: AbstractAsyncContextManager[Any]) -> Any:
        self.servers.append(server)
        return self.background.run(server.__aenter__())

    def engine_at(self, origin: str) -> None:
        """The same path elsewhere."""
        path = self.address.split("/", 3)[3]
        Engine.objects.update(callback_url=f"{origin}/{path}")

    def tokens_at(self, url: str) -> None:
        EngineAccess.objects.update(auth="oauth2", token_url=url)

    def mend(self) -> None:
        self.side.mend()
        Engine.objects.update(callback_url=self.address)
        EngineAccess.objects.update(**self.access)


@pytest.fixture
def line(side: Side, background: Background) -> Iterator[Line]:
    access = EngineAccess.objects.values("auth", "token_url").first() or {}
    made = Line(side, background, address=Engine.objects.get().callback_url, access=access)
    yield made
    for server in made.servers:
        background.run(server.__aexit__(None, None, None))


def assert_waits_and_arrives(line: Line, *, unsure: bool = False, alert: bool | None = None) -> None:
    """The first try has come to nothing and the second one, on a mended line, has done it."""
    row = Callback.objects.get()
    assert (row.state, line.side.engine_says("bob")) == (CallbackState.WAITING, "waiting")
    assert row.due_at is not None
    assert CallbackAttempt.objects.latest("pk").unsure == unsure
    assert alert is None or bool(row.alert) == alert
    line.mend()
    line.side.again()
    assert line.side.engine_says("bob") == "delivered"


# --- row 16 -------------------------------------------------------------------------------------------------------
@pytest.fixture
def inside(line: Line, settings: Settings) -> "Inside":
    settings.OUTBOUND_ALLOWED_CIDRS = ENGINES
    made = Inside()
    made.port = line.open(engine(made.take, "127.0.0.2")).port
    return made


@dataclass
class Inside:
    """A server that nobody outside may reach."""

    port: int = 0
    calls: int = 0

    async def take(self, request: web.Request) -> web.StreamResponse:
        self.calls += 1
        return web.json_response({"access_token": "t", "token_type": "Bearer", "expires_in": 60})


async def elsewhere(request: web.Request, *, port: int) -> web.StreamResponse:
    return web.Response(status=307, headers={"Location": f"http://127.0.0.2:{port}/"})


def assert_refused(line: Line, inside: Inside, words: str = "") -> None:
    assert words in Callback.objects.get().detail
    assert (inside.calls, line.side.commands) == (0, 0)


@paired("host", INSIDE)
def test_row_16_an_engines_address_inside(line: Line, inside: Inside, host: str) -> None:
    theirs = line.side.assign("bob", "carol")
    line.engine_at(f"http://{host}:{inside.port}")
    line.side.world.respond("bob", "approve")
    assert_refused(line, inside, "address")
    assert_waits_and_arrives(line, alert=True)
    assert theirs.answers == APPROVED


@paired("host", INSIDE, KINDS)
def test_row_16_a_token_address_inside(line: Line, inside: Inside, host: str) -> None:
    theirs = line.side.assign("bob", "carol")
    line.tokens_at(f"http://{host}:{inside.port}/token")
    line.side.world.respond("bob", "approve")
    assert_refused(line, inside, "No token:")
    assert_waits_and_arrives(line, alert=True)
    assert theirs.answers == APPROVED


def test_row_16_an_engine_that_points_inside(line: Line, inside: Inside) -> None:
    theirs = line.side.assign("bob", "carol")
    line.side.break_next(Fault(307, b"", headers={"Location": f"http://127.0.0.2:{inside.port}/"}))
    line.side.world.respond("bob", "approve")
    assert inside.calls == 0
    assert_waits_and_arrives(line, alert=True)
    assert theirs.answers == APPROVED


@with_tokens
def test_row_16_a_token_server_that_points_inside(line: Line, inside: Inside) -> None:
    theirs = line.side.assign("bob", "carol")
    line.tokens_at(str(line.open(engine(partial(elsewhere, port=inside.port))).make_url("/token")))
    line.side.world.respond("bob", "approve")
    assert_refused(line, inside, "token")
    assert_waits_and_arrives(line, alert=True)
    assert theirs.answers == APPROVED


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Where the names of this test lead, try by try; the last address stays."""
    addresses: list[str] = []

    async def lookup(host: str) -> Sequence[str]:
        return [addresses.pop(0) if len(addresses) > 1 else addresses[0]]

    monkeypatch.setattr(callback, "outbound_from_settings", lambda **more: Outbound(ENGINES, lookup=lookup, **more))
    return addresses


def test_row_16_an_engines_name_that_is_bound_anew(line: Line, inside: Inside, names: list[str]) -> None:
    """The first try goes to the engine, which is busy; the next one would go inside."""
    theirs = line.side.assign("bob", "carol")
    names[:] = ["127.0.0.1", "127.0.0.2"]
    port = line.address.split(":")[2].split("/")[0]
    line.engine_at(f"http://engine.example:{port}")
    line.side.break_next(Fault(429))
    line.side.world.respond("bob", "approve")
    asked = line.side.commands
    line.side.again()
    assert (asked, line.side.commands, inside.calls) == (1, 1, 0)
    assert "(127.0.0.2) is a loopback address" in Callback.objects.get().detail
    assert_waits_and_arrives(line)
    assert theirs.answers == APPROVED


@with_tokens
def test_row_16_a_token_servers_name_that_leads_inside(line: Line, inside: Inside, names: list[str]) -> None:
    theirs = line.side.assign("bob", "carol")
    names[:] = ["127.0.0.2"]
    line.tokens_at(f"http://tokens.example:{inside.port}/token")
    line.side.world.respond("bob", "approve")
    assert_refused(line, inside, "(127.0.0.2) is a loopback address")
    assert_waits_and_arrives(line)
    assert theirs.answers == APPROVED


# --- row 17 -------------------------------------------------------------------------------------------------------
async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(2000):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callback, "outbound_from_settings", partial(outbound_from_settings, deadline=1.5))


@pytest.mark.ci
@pytest.mark.parametrize("reads", [True, False], ids=["the task", "the reply"])
def test_row_17_bytes_that_drip(line: Line, impatient: None, reads: bool) -> None:
    Engine.objects.update(reads_before_answers=reads)
    theirs = line.side.assign("bob", "carol")
    line.engine_at(line.open(rude_engine(drip)))
    started = time.monotonic()
    line.side.world.respond("bob", "approve")
    assert time.monotonic() - started < 20, "the engine would have gone on for 40 seconds"
    assert_waits_and_arrives(line, unsure=not (reads and line.side.readable), alert=False)  # or it was not even told
    assert theirs.answers == APPROVED


@pytest.mark.long
@with_tokens
def test_row_17_a_token_that_drips(line: Line, impatient: None) -> None:
    theirs = line.side.assign("bob", "carol")
    line.tokens_at(f"{line.open(rude_engine(drip))}/token")
    started = time.monotonic()
    line.side.world.respond("bob", "approve")
    assert time.monotonic() - started < 20
    assert_waits_and_arrives(line, alert=False)
    assert theirs.answers == APPROVED


class Pouring:
    """An engine that answers with a gigabyte."""

    def __init__(self, status: int) -> None:
        self.status, self.sent, self.cut = status, 0, False

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {self.status} Status\r\nContent-Length: 1000000000\r\n\r\n".encode())
        try:
            while self.sent < 1_000_000_000:
                writer.write(b"x" * 65536)
                await writer.drain()
                self.sent += 65536
        except ConnectionError:
            self.cut = True


def test_row_17_a_gigabyte_of_an_engine_in_trouble(line: Line) -> None:
    pouring, theirs = Pouring(503), line.side.assign("bob", "carol")
    line.engine_at(line.open(rude_engine(pouring)))
    line.side.world.respond("bob", "approve")
    assert pouring.sent < 50_000_000, "more than fits into the sockets' buffers"
    assert_waits_and_arrives(line, unsure=not line.side.readable, alert=False)  # or else it was not even told
    assert theirs.answers == APPROVED


def test_row_17_a_gigabyte_instead_of_the_engines_word(line: Line) -> None:
    """For a webhook 200 is the word, whatever comes with it. Interfaces have words of their own."""
    pouring, theirs = Pouring(200), line.side.assign("bob", "carol")
    line.engine_at(line.open(rude_engine(pouring)))
    line.side.world.respond("bob", "approve")
    assert pouring.sent < 50_000_000
    if line.side.readable:
        assert_waits_and_arrives(line, unsure=True, alert=True)
        assert theirs.answers == APPROVED
    else:
        assert line.side.engine_says("bob") == "delivered"


# --- row 18 -------------------------------------------------------------------------------------------------------
LATER, ALERT, DISABLED, HANDLED, REFUSED = "later", "alert", "disabled", "handled", "refused"
OTHERWISE = {401: ALERT, 409: LATER, 410: ALERT, 422: ALERT, 429: LATER, 500: LATER}
"""Kept, and tried again; with an alert where an operator must look."""
CONTRACTS = {
    "webhook": {409: HANDLED, 410: DISABLED, 422: REFUSED},
    "camunda7": {409: ALERT},  # no word of its interface
}
WORDS = (
    b'{"type":"RestException","title":"No","status":0,"message":"The budget is closed.",'
    b'"detail":"The budget is closed.","exception":"The budget is closed."}'
)


MEANINGS: list[tuple[int, Kind | None]] = [
    *((status, None) for status in OTHERWISE),
    *((status, kind) for kind in KINDS for status in CONTRACTS.get(kind.name, ())),
    *((status, kind) for n, status in enumerate(OTHERWISE) for kind in (KINDS if LONG else [KINDS[n % len(KINDS)]])),
]
"""Each status with the demo's webhook, whatever a kind means in its own way, and each status with one other kind; with
all of them in `make soak`."""


def became() -> str:
    row, engine = Callback.objects.get(), Engine.objects.get()
    if row.state != CallbackState.WAITING:
        return row.state
    assert row.due_at is not None
    if engine.callback_disabled_at is not None:
        return DISABLED
    assert row.due_at > timezone.now() - timedelta(seconds=20)
    return ALERT if row.alert else LATER


@pytest.mark.parametrize(
    ("status", "side"),
    MEANINGS,
    indirect=["side"],
    ids=lambda value: getattr(value, "name", None) or (str(value) if value else "demo"),
)
def test_row_18_what_an_answer_means(line: Line, status: int) -> None:
    side, theirs = line.side, line.side.assign("bob", "carol")
    side.break_next(*[Fault(status, WORDS, "application/json")] * 2)  # a token is renewed and tried once more
    side.world.respond("bob", "approve")
    means = CONTRACTS.get(Engine.objects.get().kind, {}).get(status, OTHERWISE[status])
    assert became() == means
    if means in (LATER, ALERT):
        assert_waits_and_arrives(line, unsure=status == 500)
        assert theirs.answers == APPROVED
    else:
        AFTERWARDS[means](line)
        assert theirs.answers == ([] if means == HANDLED else APPROVED)


def _handled(line: Line) -> None:
    assert line.side.engine_says("bob") == line.side.engine_says("carol") == "handled"
    line.side.again()
    assert line.side.commands == 1


def _disabled(line: Line) -> None:
    assert "410" in Engine.objects.get().callback_disabled_reason
    line.side.again()
    assert (line.side.commands, line.side.engine_says("bob")) == (1, "waiting")
    line.mend()
    requeue.enable_answers(Engine.objects.get(), timezone.now())
    line.side.world.run()
    assert line.side.engine_says("bob") == "delivered"


def _refused(line: Line) -> None:
    for person in ("bob", "carol"):
        copy = line.side.world.inbox(person)[0]
        assert (copy["state"], copy["outcome"]["detail"]) == ("open", "The budget is closed.")
    line.mend()
    line.side.world.respond("bob", "approve")
    assert line.side.engine_says("carol") == "delivered"


AFTERWARDS: dict[str, Callable[[Line], None]] = {HANDLED: _handled, DISABLED: _disabled, REFUSED: _refused}

DAY = 24 * 3600


@paired(
    "header,at_least,at_most",
    [
        pytest.param(lambda: "120", 60, 121, id="seconds"),
        pytest.param(lambda: http_date(time.time() + 120), 60, 121, id="date"),
        pytest.param(lambda: "1000000000", DAY - 60, DAY, id="ages"),
        pytest.param(lambda: "-5", -60, 2, id="negative"),
    ],
)
def test_row_18_how_long_a_busy_engine_is_left_alone(
    line: Line, header: Callable[[], str], at_least: int, at_most: int
) -> None:
    line.side.assign("bob", "carol")
    line.side.break_next(Fault(429, headers={"Retry-After": header()}))
    line.side.world.respond("bob", "approve")
    due = Callback.objects.get().due_at
    assert due is not None
    assert at_least <= (due - timezone.now()).total_seconds() <= at_most
    assert_waits_and_arrives(line)
