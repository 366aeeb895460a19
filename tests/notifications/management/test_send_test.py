"""`manage.py send_test` tells per device what became of a test message, and what to do where nothing did."""

from collections.abc import Callable, Iterator
from io import StringIO
from threading import Event, Thread
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from notifications.delivery.claims import asked_tests
from notifications.models import Device, Recipient
from notifications.people import devices
from notifications.reasons import said
from notifications.types import NewAddress
from tests.factories import EngineFactory, RecipientFactory
from wfpush.queue import outbox

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alice() -> Recipient:
    return RecipientFactory(ref="alice", name="Alice")


def device(person: Recipient, name: str) -> Device:
    new = NewAddress("webpush", f"https://push.example/{name}", "endpoint", "BSender")
    return devices.register(person, new, name=name, now=timezone.now())[0]


def send_test(ref: str = "alice", **options: Any) -> list[str]:
    out = StringIO()
    try:
        call_command("send_test", ref, stdout=out, **options)
    except CommandError as fault:
        return [*out.getvalue().splitlines(), str(fault)]
    return out.getvalue().splitlines()


@pytest.fixture
def dispatcher() -> Iterator[dict[str, Callable[[Device], object]]]:
    """Takes tests as the push dispatcher does; what comes of them is said by device, and arrival is what it is else."""
    said: dict[str, Callable[[Device], object]] = {}
    stop = Event()

    def arrived(taken: Device) -> object:
        return outbox.finish(taken, last_sent_at=timezone.now(), last_fault_fact=None)

    def run() -> None:
        while not stop.wait(0.02):
            for taken in outbox.claim(asked_tests(), limit=9, lease=devices.USE_NOTED_EVERY, now=timezone.now()):
                said.get(taken.name, arrived)(taken)
        connection.close()

    thread = Thread(target=run)
    thread.start()
    yield said
    stop.set()
    thread.join()


def test_it_tells_of_each_device_whether_the_message_arrived(
    alice: Recipient, dispatcher: dict[str, Callable[[Device], object]]
) -> None:
    fine, broken = device(alice, "Firefox on Linux"), device(alice, "Chrome on Android")
    dispatcher[broken.name] = lambda taken: outbox.finish(
        taken, last_fault_fact=said("404: it is unknown there").as_json()
    )

    assert send_test() == [
        f"Firefox on Linux ({fine.pk}): its push service has the message",
        f"Chrome on Android ({broken.pk}): 404: it is unknown there",
        "1 of 2 did not get the message.",
    ]


def test_one_device_alone_can_be_meant(alice: Recipient, dispatcher: dict[str, Callable[[Device], object]]) -> None:
    device(alice, "Firefox on Linux")
    phone = device(alice, "Chrome on Android")

    assert send_test(device=phone.pk) == [f"Chrome on Android ({phone.pk}): its push service has the message"]
    assert Device.objects.filter(last_sent_at=None).count() == 1


def test_a_device_that_turns_out_to_be_gone_is_told_of(
    alice: Recipient, dispatcher: dict[str, Callable[[Device], object]]
) -> None:
    gone = device(alice, "Firefox on Linux")
    dispatcher[gone.name] = lambda taken: devices.remove([taken], said("410 Gone"), timezone.now())

    assert "the subscription has ended" in send_test()[0]


def test_a_service_that_does_not_answer_in_time_is_told_of(
    alice: Recipient, dispatcher: dict[str, Callable[[Device], object]]
) -> None:
    slow = device(alice, "Firefox on Linux")
    dispatcher[slow.name] = lambda taken: None

    assert "its push service has not answered" in send_test(wait=1)[0]


def test_without_a_worker_it_says_so_and_does_not_wait_for_ever(alice: Recipient) -> None:
    device(alice, "Firefox on Linux")

    said = send_test(wait=0.3)
    assert "does `manage.py worker` run" in said[0]
    assert said[1] == "1 of 1 did not get the message."


def test_who_has_no_device_or_is_nobody_is_said_plainly(alice: Recipient) -> None:
    assert send_test() == [
        "Alice has no device. Notifications are turned on at /devices, in the browser that is to show them."
    ]
    assert send_test("zoe") == ["Nobody is called 'zoe'."]
    theirs = device(alice, "Firefox on Linux")
    other = device(RecipientFactory(ref="bob", name="Bob"), "Chrome on Android")
    assert send_test(device=other.pk) == [f"Alice has no such device. There are: Firefox on Linux ({theirs.pk})"]
    Recipient.objects.filter(ref="alice").update(active=False)
    assert send_test() == ["Alice is not active, and is told nothing."]


def test_an_external_person_is_found_unless_two_engines_have_such(
    dispatcher: dict[str, Callable[[Device], object]],
) -> None:
    erin = RecipientFactory(ref="C-9", name="Erin", engine=EngineFactory(name="Invoices"))
    device(erin, "Firefox on Linux")
    assert "its push service has the message" in send_test("C-9")[0]

    RecipientFactory(ref="C-9", engine=EngineFactory(name="Claims"))
    assert "Several engines have somebody called 'C-9'" in send_test("C-9")[0]


def test_an_id_that_is_none_is_refused(alice: Recipient) -> None:
    with pytest.raises(CommandError, match="no id of a device"):
        call_command("send_test", "alice", "--device", "seven")
