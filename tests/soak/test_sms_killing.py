"""A dispatcher is killed while text messages wait for their answer: none is sent twice, and the rest follow."""

import signal
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.soak.installation import Installation
from tests.support.processes import House
from tests.support.receiver import receiving
from tests.support.smsc import PASSWORD, SILENCE, USER, Smsc, smsc_on_loopback
from tests.support.waiting import eventually

pytestmark = pytest.mark.processes

MESSAGES, WINDOW = 15, 4


class SmsInstallation(Installation):
    """Bob is told by text messages."""

    smsc: Smsc

    def start_web(self) -> None:
        self.web = self.house.start("web", "--port", str(self.port), **self.settings())

    def start_worker(self) -> None:
        self.worker = self.house.start("worker", "--grace", "3", **self.settings())
        self.worker.says("dispatcher_runs")

    def settings(self) -> dict[str, str]:
        return {
            "OUTBOUND_ALLOWED_CIDRS": "127.0.0.0/8",
            "SMS_URL": f"smpp://127.0.0.1:{self.smsc.port}",
            "SMS_USER": USER,
            "SMS_PASSWORD": PASSWORD,
            "SMS_SENDER": "Acme",
            "SMS_MOST_AN_HOUR": "100",
            "SMS_OPTIONS": f'{{"window": {WINDOW}}}',
        }


@pytest.fixture
def smsc() -> Iterator[Smsc]:
    with smsc_on_loopback() as started:
        yield started


@pytest.fixture
def installation(smsc: Smsc) -> Iterator[SmsInstallation]:
    house = House()
    SmsInstallation.smsc = smsc
    try:
        with receiving() as receiver:
            made = SmsInstallation(house, receiver)
            house.change("UPDATE notifications_category SET channels = ARRAY['live', 'sms']")
            status, _ = made.engine.insist("PUT", "/api/v1/recipients/bob", {"phone": "+49 89 5550 1234"})
            assert status == 200
            yield made
    finally:
        house.clear()


def test_no_message_is_sent_twice(installation: SmsInstallation, smsc: Smsc) -> None:
    smsc.statuses = [SILENCE] * WINDOW
    for number in range(MESSAGES):
        task = {"id": f"T-{number}", "name": f"Task {number};", "assignee": "bob"}
        event = {
            "specversion": "1.0",
            "id": f"e-{number}",
            "source": "x",
            "type": "task.assigned",
            "data": {"task": task},
        }
        assert installation.engine.insist("POST", "/api/v1/events", event)[0] == 202
    smsc.until(lambda: len(smsc.taken) == WINDOW, seconds=90)
    (killed,) = installation.house.named("dispatcher")

    killed.send_signal(signal.SIGKILL)

    states = (
        "SELECT state, reason_fact->>'code', count(*) FROM notifications_delivery WHERE channel = 'sms' GROUP BY 1, 2"
    )
    eventually(
        lambda: (
            "pending" not in {state for state, *_ in installation.house.rows(states)}
            and sum(int(str(count)) for *_, count in installation.house.rows(states)) == MESSAGES
        ),
        "all have ended",
    )
    ended = {(state, reason): count for state, reason, count in installation.house.rows(states)}
    sent = Counter(part.text.partition(";")[0] for part in smsc.taken)
    assert set(sent.values()) == {1}
    unknown = ended[("dead", "may_have_arrived")]
    assert WINDOW <= int(str(unknown)) <= 10  # as many as had been begun
    assert ended[("delivered", None)] == MESSAGES - int(str(unknown)) <= len(sent) <= MESSAGES
