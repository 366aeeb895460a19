"""Text messages by SMPP: one session with the SMSC, in a thread of its own, for all messages of a dispatcher."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from typing import Any

import structlog
from django.conf import settings

from notifications.channels.sms import facts, pdu, statuses
from notifications.channels.sms.alphabet import is_gsm, parts_of
from notifications.channels.sms.config import Smpp
from notifications.channels.sms.pdu import Address, Command, DeliverSm, Tag
from notifications.channels.sms.smpp_link import Link, NotSent, Unanswered
from notifications.channels.sms.statuses import receipt_of, reference_of_answer
from notifications.errors import ServiceRefuses, TransportError
from notifications.reasons import NOTHING, crashed
from notifications.types import Receipt

log = structlog.get_logger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds before the next try to connect, doubled each time. After a refused password the longest pause comes at once:
some gateways lock accounts that try too often."""
DEADLINE = 90.0
"""Seconds for all parts of a message. Below the lease of its row."""
RETRY_SECONDS = 1.0
"""Seconds before a part after the first is tried again. The first part is not: the outbox tries the whole message."""


class Smsc:
    """The SMSC, for any thread. It is connected when it is first needed, and stays connected."""

    def __init__(self, gateway: Smpp) -> None:
        self.gateway = gateway
        self.keep: Callable[[Sequence[Receipt]], None] | None = None
        """Stores receipts. Until it is set, receipts are left to the SMSC, which sends them again."""
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._keeper = ThreadPoolExecutor(1, thread_name_prefix="sms-receipts")
                self._session = Session(self.gateway, self._receive)
                self._thread = threading.Thread(target=self._live, args=[self._loop], name="sms", daemon=True)
                self._thread.start()
            return self._loop

    def send(self, number: str, text: str, sender: str, mark: int) -> list[str]:
        """Return the SMSC's names for the parts. `mark` is the same for all parts. Raise TransportError."""
        loop = self.start()
        sent = asyncio.run_coroutine_threadsafe(self._session.send(number, text, sender, mark), loop)
        try:
            return sent.result(DEADLINE + 30)
        except FutureTimeout:
            sent.cancel()
            raise Unanswered from None
        except CancelledError:  # the process stops; a message that was written is Unanswered before that
            raise NotSent(facts.CLOSED()) from None

    def close(self) -> None:
        with self._lock:
            loop, self._loop = self._loop, None
        if loop is not None:
            with suppress(FutureTimeout):
                asyncio.run_coroutine_threadsafe(self._session.close(), loop).result(5)
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join(5)
            self._keeper.shutdown(wait=False)

    def _live(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        self._session.begin(loop)
        loop.run_forever()
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.close()

    async def _receive(self, incoming: DeliverSm) -> int:
        """Return the status of the answer. A receipt is acknowledged once it is stored; otherwise it comes again."""
        receipt = receipt_of(incoming, self.gateway.ids)
        if receipt is None:
            return statuses.OK
        if self.keep is None:
            return statuses.TRY_LATER
        try:
            await asyncio.get_running_loop().run_in_executor(self._keeper, self.keep, [receipt])
        except Exception:  # any error: the database may be away
            log.exception("sms_receipt_not_kept")
            return statuses.TRY_LATER
        return statuses.OK


class Session:
    """Connects again whenever the connection ends. Belongs to one event loop."""

    def __init__(self, gateway: Smpp, receive: Callable[[DeliverSm], Coroutine[Any, Any, int]]) -> None:
        self._gateway = gateway
        self._receive = receive
        self._link: Link | None = None
        self._tried = asyncio.Event()
        self._fault: TransportError = NotSent(facts.LOST())
        self._window = asyncio.Semaphore(gateway.window)
        self._quiet_until = 0.0
        self._busy = NOTHING

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._life = loop.create_task(self._stay())

    async def _stay(self) -> None:
        loop, pause = asyncio.get_running_loop(), 0.0
        while True:
            link, began = Link(self._gateway, self._receive), loop.time()
            try:
                await self._live_with(link)
                fault: TransportError = NotSent(facts.LOST())
            except TransportError as refused:
                fault = refused
            except Exception as mistake:  # a mistake of ours must not end the session for good
                log.exception("sms_session_failed")
                fault = NotSent(crashed(mistake))
            self._is_away(fault)
            pause = pause_after(fault, loop.time() - began, pause)
            await asyncio.sleep(pause)

    async def _live_with(self, link: Link) -> None:
        """Open the link and wait until it ends. Raise NotSent or ServiceRefuses where there is no connection."""
        await link.open(settings.OUTBOUND_ALLOWED_CIDRS)
        log.info("sms_gateway_connected", gateway=self._gateway.address)
        self._link = link
        self._tried.set()
        await link.until_closed()

    def _is_away(self, fault: TransportError) -> None:
        if fault.detail != self._fault.detail or not self._tried.is_set():
            log.warning("sms_gateway_away", gateway=self._gateway.address, fault=fault.detail)
        self._fault = fault
        self._tried.set()

    async def close(self) -> None:
        self._life.cancel()
        if self._link is not None and not self._link.closed:
            await self._link.close()

    # --- messages -----------------------------------------------------------------------------------------------------
    async def send(self, number: str, text: str, sender: str, mark: int) -> list[str]:
        parts = parts_of(text)
        coding = pdu.DEFAULT_ALPHABET if is_gsm(text) else pdu.UCS2
        taken: list[str] = []
        end = asyncio.get_running_loop().time() + DEADLINE
        for at in range(len(parts)):
            body = self._body(number, sender, parts, at, mark, coding)
            try:
                taken.append(await (self._submit_first(body) if at == 0 else self._submit_next(body, end)))
            except (TransportError, asyncio.CancelledError) as fault:
                raise _of_part(fault, len(taken), len(parts)) from fault
        return taken

    async def _submit_first(self, body: bytes) -> str:
        """Submit the first part. Where it fails, nothing was taken, and the outbox may try the whole message again."""
        wait = self._quiet_until - asyncio.get_running_loop().time()
        if wait > 0:
            raise TransportError(self._busy, retry_after=wait)
        return await self._submit(body)

    async def _submit_next(self, body: bytes, end: float) -> str:
        """Submit a later part until it is taken or refused, or DEADLINE: taken parts cannot be taken back."""
        while True:
            try:
                return await self._submit(body)
            except TransportError as fault:
                if fault.permanent or asyncio.get_running_loop().time() >= end:
                    raise
            await asyncio.sleep(RETRY_SECONDS)

    async def _submit(self, body: bytes) -> str:
        link = await self._linked()
        async with self._window:
            answer = await link.ask(Command.SUBMIT_SM, body)
        fault = statuses.fault_of(answer.status)
        if fault is not None and fault.busy:
            self._busy, self._quiet_until = fault.reason, asyncio.get_running_loop().time() + statuses.WAIT
        if fault is not None:
            raise fault
        return reference_of_answer(pdu.message_id(answer.body), self._gateway.ids)

    async def _linked(self) -> Link:
        """Return the link. Wait for the first try to connect, and for no other. Raise NotSent or ServiceRefuses."""
        with suppress(TimeoutError):
            async with asyncio.timeout(2 * self._gateway.patience):
                await self._tried.wait()
        if self._link is None or self._link.closed:
            raise self._fault
        return self._link

    def _body(self, number: str, sender: str, parts: list[bytes], at: int, mark: int, coding: int) -> bytes:
        text = parts[at]
        options: dict[int, bytes] = {}
        together = len(parts) > 1
        header = together and self._gateway.parts == "udh"
        if header:
            text = bytes([5, 0, 3, mark % 256, len(parts), at + 1]) + text  # TS 23.040, 9.2.3.24.1
        elif together:
            options = {
                Tag.SAR_MSG_REF_NUM: (mark % 65536).to_bytes(2),
                Tag.SAR_TOTAL_SEGMENTS: bytes([len(parts)]),
                Tag.SAR_SEGMENT_SEQNUM: bytes([at + 1]),
            }
        target = Address(1, 1, number.lstrip("+"))
        return pdu.submit_sm(address_of(sender), target, text, coding=coding, has_header=header, options=options)


def pause_after(fault: TransportError, lived: float, last: float) -> float:
    """Return the seconds before the next try to connect. A connection that lived for a while resets the pause."""
    if isinstance(fault, ServiceRefuses):
        return LONGEST_PAUSE
    return FIRST_PAUSE if lived > LONGEST_PAUSE or not last else min(2 * last, LONGEST_PAUSE)


def address_of(sender: str) -> Address:
    """Return the sender's address: an international number, short code, or letters (5.2.5)."""
    digits = sender.removeprefix("+")
    if not digits.isdecimal():
        return Address(5, 0, sender)
    return Address(1, 1, digits) if len(digits) > 6 else Address(3, 0, digits)


def _of_part(fault: TransportError | asyncio.CancelledError, taken: int, parts: int) -> TransportError:
    """Return the error of a message. Once a part was taken, the message is not tried again from its beginning."""
    why = fault if isinstance(fault, TransportError) else NotSent(facts.CLOSED())
    if not taken:
        return why
    return TransportError(facts.PARTLY(taken=taken, parts=parts, why=why.reason), permanent=True)
