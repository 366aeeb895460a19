"""One connection to an SMSC: bound as a transceiver, kept alive, and every request matched with its answer."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

from notifications.channels.sms import facts, pdu, statuses
from notifications.channels.sms.config import Smpp
from notifications.channels.sms.pdu import Command, Pdu
from notifications.errors import ServiceRefuses, TransportError
from notifications.reasons import not_reached
from wfpush.net.addresses import Network, kind_of_refused_address
from wfpush.net.http_checks import refused
from wfpush.observability.services import AWAY

Receive = Callable[[pdu.DeliverSm], Awaitable[int]]
"""Takes an incoming deliver_sm, and returns the status of the answer."""

ANSWER_AFTER = 3
"""Number of times `patience` that a message may wait for its answer."""
LAST_ANSWERS = 2.0
"""Seconds for which `close` waits for the answers to messages under way."""


class NotSent(TransportError):
    """Raised for a message that was not written: it may be sent again."""


class Unanswered(TransportError):
    """Raised when the connection ended after a message was written, before its answer: the SMSC may have taken it."""

    def __init__(self) -> None:
        super().__init__(facts.UNANSWERED(), permanent=True, service_state=AWAY)


class Link:
    """A connection. Belongs to one event loop."""

    def __init__(self, gateway: Smpp, receive: Receive) -> None:
        self._gateway = gateway
        self._receive = receive
        self._waiting: dict[int, asyncio.Future[Pdu]] = {}
        self._sequence = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self.closed = True

    async def open(self, allowed: Sequence[Network]) -> None:
        """Connect and bind. Raise NotSent or ServiceRefuses."""
        gateway = self._gateway
        try:
            async with asyncio.timeout(gateway.patience):
                address = await _checked(gateway, allowed)
                tls = ssl.create_default_context(cafile=gateway.ca_file or None) if gateway.tls else None
                self._reader, self._writer = await asyncio.open_connection(
                    address, gateway.port, ssl=tls, server_hostname=gateway.host if tls else None, limit=pdu.LARGEST
                )
        except ssl.SSLError as fault:
            raise NotSent(facts.NOT_SECURE(words=fault.reason)) from fault
        except (OSError, TimeoutError) as fault:
            raise NotSent(facts.NOT_REACHED(words=str(fault) or type(fault).__name__)) from fault
        self.closed = False
        self._run(self._read())
        await self._bind()
        self._run(self._stay_awake())

    async def _bind(self) -> None:
        gateway = self._gateway
        body = pdu.bind_transceiver(gateway.user, gateway.password, gateway.system_type)
        try:
            answer = await self.ask(Command.BIND_TRANSCEIVER, body, gateway.patience)
        except TransportError as fault:
            raise NotSent(facts.NO_SIGN_IN()) from fault
        failure = statuses.fault_of(answer.status)
        if failure is not None:
            self.break_off()
            raise failure if isinstance(failure, ServiceRefuses) else NotSent(failure.reason)

    async def ask(self, command: Command, body: bytes = b"", patience: float | None = None) -> Pdu:
        """Send a request and wait for its answer. Raise NotSent or Unanswered."""
        if self.closed:
            raise NotSent(facts.LOST())
        self._sequence = self._sequence % 0x7FFFFFFF + 1
        sequence, answer = self._sequence, asyncio.get_running_loop().create_future()
        self._waiting[sequence] = answer
        self._write(Pdu(command, statuses.OK, sequence, body))
        try:
            async with asyncio.timeout(patience or ANSWER_AFTER * self._gateway.patience):
                response: Pdu = await answer
                return response
        except (TimeoutError, asyncio.CancelledError):
            self.break_off()  # nobody would read a later answer
            raise Unanswered from None
        finally:
            self._waiting.pop(sequence, None)

    async def until_closed(self) -> None:
        while not self.closed:
            await asyncio.wait(set(self._tasks), return_when=asyncio.FIRST_COMPLETED)

    async def close(self) -> None:
        """Unbind after messages under way were answered, or after LAST_ANSWERS."""
        if self._waiting:
            await asyncio.wait(self._waiting.values(), timeout=LAST_ANSWERS)
        with suppress(TransportError):
            await self.ask(Command.UNBIND, patience=1)
        self.break_off()

    def break_off(self) -> None:
        if self.closed:
            return
        self.closed = True
        self._writer.close()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(Unanswered())
        for task in self._tasks - {asyncio.current_task()}:
            task.cancel()

    # --- incoming PDUs ------------------------------------------------------------------------------------------------
    async def _read(self) -> None:
        try:
            while not self.closed:
                header = await self._reader.readexactly(pdu.HEADER.size)
                body = await self._reader.readexactly(pdu.length_of(header))
                self._take(pdu.decoded(header, body))
        except (OSError, EOFError, pdu.BadPdu):
            pass
        finally:
            self.break_off()

    def _take(self, came: Pdu) -> None:
        if came.is_response:
            answer = self._waiting.get(came.sequence)
            if answer is not None and not answer.done():
                answer.set_result(came)
        elif came.command == Command.ENQUIRE_LINK:
            self._answer(came)
        elif came.command == Command.DELIVER_SM:
            self._run(self._deliver(came))
        elif came.command == Command.UNBIND:
            self._answer(came)
            self.break_off()
        else:
            self._write(Pdu(Command.GENERIC_NACK, statuses.UNKNOWN_COMMAND, came.sequence))

    async def _deliver(self, came: Pdu) -> None:
        try:
            status = await self._receive(pdu.incoming(came.body))
        except pdu.BadPdu:
            status = 0x02  # ESME_RINVCMDLEN
        self._answer(came, status, b"\0")

    async def _stay_awake(self) -> None:
        """Send enquire_link. Routers drop idle connections silently: this keeps them alive, and finds dropped ones."""
        with suppress(TransportError):
            while True:
                await asyncio.sleep(self._gateway.enquire)
                await self.ask(Command.ENQUIRE_LINK, patience=self._gateway.patience)

    def _answer(self, came: Pdu, status: int = statuses.OK, body: bytes = b"") -> None:
        self._write(Pdu(came.command | pdu.RESPONSE, status, came.sequence, body))

    def _write(self, pdu: Pdu) -> None:
        if not self.closed:
            self._writer.write(pdu.encoded())

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _checked(gateway: Smpp, allowed: Sequence[Network]) -> str:
    """Return an address of the gateway that may be called. Raise NotSent or OSError."""
    addresses = await asyncio.get_running_loop().getaddrinfo(gateway.host, gateway.port, type=socket.SOCK_STREAM)
    reason = facts.NO_ADDRESS()
    for *_, address in addresses:
        what = kind_of_refused_address(ip_address(address[0]), allowed)
        if what is None:
            return str(address[0])
        reason = not_reached(refused(f"{gateway.host} ({address[0]})", what, permanent=False))
    raise NotSent(reason)
