"""A dispatcher is killed while text messages wait for their answer: none is sent twice, and the rest follow."""

import signal
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.soak.installation import Installation, installed, task_assigned
from tests.support.smsc import PASSWORD, SILENCE, USER, Smsc, smsc_on_loopback
from tests.support.waiting import eventually

pytestmark = pytest.mark.processes

MESSAGES, WINDOW = 15, 4


@pytest.fixture
def smsc() -> Iterator[Smsc]:
    with smsc_on_loopback() as started:
        yield started


@pytest.fixture
def installation(smsc: Smsc) -> Iterator[Installation]:
    """Bob is told by text messages."""
    settings = {
        "SMS_URL": f"smpp://127.0.0.1:{smsc.port}",
        "SMS_USER": USER,
        "SMS_PASSWORD": PASSWORD,
        "SMS_SENDER": "Acme",
        "SMS_MOST_AN_HOUR": "100",
        "SMS_OPTIONS": f'{{"window": {WINDOW}}}',
    }
    with installed(Installation, **settings) as made:
        made.house.change("UPDATE notifications_category SET channels = ARRAY['live', 'sms']")
        made.put_person("bob", phone="+49 89 5550 1234")
        yield made


def test_no_message_is_sent_twice(installation: Installation, smsc: Smsc) -> None:
    smsc.statuses = [SILENCE] * WINDOW
    for number in range(MESSAGES):
        event = task_assigned(number, name=f"Task {number};")
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
