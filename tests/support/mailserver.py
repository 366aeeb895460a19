"""A real mail server on loopback that answers as a test tells it to."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from tests.support.waiting import soon


@dataclass
class Mailbox:
    """What arrived, and the replies to give instead of taking it. `hang_up`: end the connection in place of a reply."""

    port: int = 0
    sender_reply: str = "250 OK"
    recipient_reply: str = "250 OK"
    data_reply: str = "250 OK"
    hang_up: bool = False
    refuses: str = ""
    """Mails whose subject begins so are refused for good."""
    held: str = "nothing"
    """Recipients of this domain get no reply until the gate opens."""
    waiting: int = 0
    gate: threading.Event = field(default_factory=threading.Event)
    mails: list[EmailMessage] = field(default_factory=list)

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        envelope.mail_from = address
        return self.sender_reply

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        envelope.rcpt_tos.append(address)
        if address.endswith(f"@{self.held}"):
            self.waiting += 1
            await soon(self.gate.is_set, "the gate opens")
        return self.recipient_reply

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.hang_up:
            server.transport.abort()
        if self.refuses and f"Subject: {self.refuses}".encode() in envelope.content:
            return "554 5.7.1 We do not like it"
        if self.data_reply.startswith("2"):
            mail = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
        return self.data_reply

    def to(self, who: str) -> list[EmailMessage]:
        """The mails to an address that begins so."""
        return [mail for mail in self.mails if str(mail["To"]).startswith(f"{who}@")]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def mail_server(kind: type[Mailbox] = Mailbox, *, password_is_wrong: bool = False) -> Iterator[Mailbox]:
    mailbox = kind(port=free_port())
    wrong = AuthResult(success=False, handled=False)
    refuse = {"authenticator": lambda *_: wrong, "auth_require_tls": False, "auth_required": True}
    how: dict[str, Any] = refuse if password_is_wrong else {}
    controller = Controller(mailbox, hostname="127.0.0.1", port=mailbox.port, ready_timeout=10, **how)
    controller.start()
    try:
        yield mailbox
    finally:
        mailbox.gate.set()
        controller.stop()


@contextmanager
def silent_server() -> Iterator[int]:
    """Takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]
