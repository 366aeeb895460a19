"""The engine and the mail server of the table, which fail as a row wants it."""

import re
import time
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.controller import Controller

from tests.support.mailserver import Mailbox, free_port
from tests.support.receiver import Call, Receiver, serve

EVERYTHING = "/"
DOMAIN = "example.org"
"""Of the people who get e-mail."""


@dataclass
class Engine(Receiver):
    """A callback address that can go away. `told`: when it has taken an answer, by task and by the answer's id."""

    told: dict[str, dict[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._server = serve(self)

    def take(self, call: Call) -> tuple[int, dict[str, str], bytes]:
        answer = super().take(call)
        if answer[0] < 300:
            self.told.setdefault(call.data["task_id"], {}).setdefault(call.id, time.monotonic())
        return answer

    def refuse(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def listen(self) -> None:
        self._server = serve(self, self._server.server_port)

    def hang(self) -> None:
        self.gate.clear()
        self.held = EVERYTHING

    def go_on(self) -> None:
        self.held = "nothing"
        self.gate.set()


@dataclass
class MailServer(Mailbox):
    """`arrived`: when it has taken a mail, by task and by Message-ID."""

    arrived: dict[str, dict[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.port = free_port()
        self.listen()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        reply = await super().handle_DATA(server, session, envelope)
        if reply.startswith("2"):
            mail = self.mails[-1]
            for task in set(re.findall(r"Approve invoice (M-\d+)", str(mail.get_body(("plain",))) + mail["Subject"])):
                self.arrived.setdefault(task, {}).setdefault(str(mail["Message-ID"]), time.monotonic())
        return reply

    def refuse(self) -> None:
        self._controller.stop()

    def listen(self) -> None:
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, ready_timeout=10)
        self._controller.start()

    def hang(self) -> None:
        self.gate.clear()
        self.held = DOMAIN

    def go_on(self) -> None:
        self.held = "nothing"
        self.gate.set()
