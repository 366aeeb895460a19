"""A dispatcher is killed while it sends one mail with what waited for a person: before the mail server has it, and when
the server has taken it and nothing is written down yet. Nothing is lost, and nobody gets two mails of it: what is sent
again is the same mail, with the same Message-ID."""

import re
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.soak.installation import Installation, installed, task_assigned
from tests.soak.proof import proved
from tests.support.mailserver import Mailbox, mail_server
from tests.support.waiting import eventually, soon

pytestmark = pytest.mark.processes

TASKS = 12
EMAILS = "SELECT state, attempts, count(*) FROM notifications_delivery WHERE channel = 'email' GROUP BY 1, 2"


@dataclass
class Stopping(Mailbox):
    """A mail server that says when it has come to a moment of the next mail: `RCPT`, where it waits until the gate
    opens, or `DATA`, where it has the mail and calls `taken` before it says so."""

    at: str = ""
    there: threading.Event = field(default_factory=threading.Event)
    taken: Callable[[], None] = lambda: None

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.at == "RCPT":
            self.at = ""
            self.there.set()
            await soon(self.gate.is_set, "the gate opens")
        return await super().handle_RCPT(server, session, envelope, address, options)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        said = await super().handle_DATA(server, session, envelope)
        if self.at == "DATA":
            self.at = ""
            self.taken()
            self.there.set()
        return said


@pytest.fixture
def mailbox() -> Iterator[Stopping]:
    with mail_server(Stopping) as started:
        assert isinstance(started, Stopping)
        yield started


@pytest.fixture
def installation(mailbox: Stopping) -> Iterator[Installation]:
    """Bob is told by e-mail."""
    url = f"smtp://127.0.0.1:{mailbox.port}"
    with installed(Installation, EMAIL_URL=url, EVENT_BATCH="100") as made:
        made.house.change("UPDATE notifications_category SET channels = ARRAY['live', 'email']")
        made.put_person("bob", email="bob@example.org")
        yield made


@pytest.mark.parametrize(("moment", "mails"), [("RCPT", 1), ("DATA", 2)])
def test_what_goes_together_is_neither_lost_nor_torn_apart(
    installation: Installation, mailbox: Stopping, moment: str, mails: int
) -> None:
    wait_together(installation)
    mailbox.at, mailbox.taken = moment, lambda: dispatcher(installation).suspend()
    installation.start_worker()
    eventually(mailbox.there.is_set, "the dispatcher sends", within=90)

    dispatcher(installation).send_signal(signal.SIGKILL)

    mailbox.gate.set()
    eventually(lambda: states(installation) == {("delivered", 2): TASKS}, "all are sent", within=90)
    assert len(mailbox.mails) == mails
    assert len({str(each["Message-ID"]) for each in mailbox.mails}) == 1
    for mail in mailbox.mails:
        assert mail["Subject"] == f"{TASKS} tasks wait for you"
        named = re.findall(r"Approve invoice (\d+)", str(mail.get_body(("plain",))))
        assert sorted(set(map(int, named))) == list(range(TASKS))
    again = "the same mail once more" if moment == "DATA" else "one mail"
    proved(f"a dispatcher killed at {moment} of a mail with {TASKS} messages: {again}, 0 lost")


def wait_together(installation: Installation) -> None:
    """All of it is due before anything is sent."""
    installation.worker.signal(signal.SIGKILL)
    installation.worker.ends()
    for number in range(TASKS):
        assert installation.engine.insist("POST", "/api/v1/events", task_assigned(number))[0] == 202


def dispatcher(installation: Installation) -> Any:
    (running,) = installation.house.named("dispatcher")
    return running


def states(installation: Installation) -> dict[tuple[str, int], int]:
    rows = installation.house.rows(EMAILS)
    return {(str(state), int(str(attempts))): int(str(count)) for state, attempts, count in rows}
