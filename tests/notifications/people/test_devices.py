"""Browsers and apps come, move to who uses them now, and go with everything that could still answer there."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from notifications.answers import respond
from notifications.answers.submission import Answer
from notifications.delivery import device_test
from notifications.errors import Expired
from notifications.housekeeping import prune
from notifications.models import ActionToken, Delivery, DeliveryState, Device, Notification, Recipient
from notifications.people import device_removal, devices, recipient_tokens
from notifications.reasons import said
from notifications.types import NewAddress
from tests.factories import BrandFactory, NotificationFactory, RecipientFactory, action_token
from tests.support.at_once import at_once
from wfpush.crypto import digest_of

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.fixture
def alice(db: None) -> Recipient:
    return RecipientFactory(ref="alice", name="Alice")


@pytest.fixture
def bob(db: None) -> Recipient:
    return RecipientFactory(ref="bob", name="Bob")


def browser(number: int = 1, **fields: Any) -> NewAddress:
    address = f"https://push.example/{number}"
    return NewAddress("webpush", address, "endpoint", "BSender", p256dh="BKey", auth="secret", **fields)


def test_a_session_is_found_by_its_digest_without_hashing_all_there_are(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # which a few rows would rather be found by
        cursor.execute(f"EXPLAIN {devices.ENDED_SESSIONS}", [[devices.session_digest("abc")]])
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "session_by_digest" in plan
    assert "Seq Scan" not in plan


def register(person: Recipient, number: int = 1, *, name: str = "Firefox on Linux", **how: Any) -> tuple[Device, bool]:
    return devices.register(person, browser(number), name=name, **{"now": NOON, **how})


def message_on(device: Device, **fields: Any) -> tuple[Delivery, str]:
    """A message that a device got, and the token with which it may be answered there."""
    copy = NotificationFactory(recipient=device.recipient)
    token = action_token(copy, expires_at=timezone.now() + timedelta(days=30))
    delivery = Delivery.objects.get(notification=copy)
    for name, value in {"channel": "webpush", "device": device, "state": DeliveryState.DELIVERED, **fields}.items():
        setattr(delivery, name, value)
    delivery.save()
    return delivery, token


def answer(token: str) -> Any:
    return respond.take_with_token(token, Answer("approve"), now=timezone.now())


# --- coming -------------------------------------------------------------------------------------------------------
def test_a_browser_is_registered_once_however_often_it_comes(alice: Recipient) -> None:
    first, created = register(alice, language="de", session="one")
    again, created_again = register(alice, name="Firefox on Windows", session="two", now=NOON + timedelta(days=1))

    assert (created, created_again) == (True, False)
    assert first.pk == again.pk
    device = Device.objects.get()
    assert (device.name, device.language, device.session) == ("Firefox on Windows", "", "two")
    assert (device.created_at, device.last_used_at) == (NOON, NOON + timedelta(days=1))
    assert device_removal.address_of(device).address == "https://push.example/1"
    assert device_removal.address_of(device).auth == "secret"


def test_history_is_told_of_changes_and_not_of_every_visit(alice: Recipient) -> None:
    register(alice, session="one")
    for day in range(1, 4):
        register(alice, session=f"session {day}", now=NOON + timedelta(days=day))
    assert Device.history.count() == 1

    register(alice, name="Firefox on Windows", now=NOON)
    assert Device.history.count() == 2


def test_history_holds_no_address_and_no_key(alice: Recipient) -> None:
    register(alice, session="one")
    kept = str(Device.history.values().get())

    assert "push.example" not in kept
    assert "BKey" not in kept
    assert "secret" not in kept


def test_a_person_may_have_64_and_the_one_unused_for_longest_goes(alice: Recipient, bob: Recipient) -> None:
    register(bob, 1000, now=NOON - timedelta(days=9))
    for number in range(devices.MAX_DEVICES):
        register(alice, number, now=NOON + timedelta(minutes=number))
    devices.used(Device.objects.get(digest=browser(0).digest).pk, NOON + timedelta(days=1))
    register(alice, 999, now=NOON + timedelta(days=2))

    assert Device.objects.filter(recipient=alice).count() == devices.MAX_DEVICES
    gone = {number for number in range(devices.MAX_DEVICES) if not Device.objects.filter(digest=browser(number).digest)}
    assert gone == {1}
    assert Device.objects.filter(recipient=bob).count() == 1
    assert Device.history.get(history_type="-").history_change_reason == "More than 64 devices"


def test_use_is_noted_at_most_once_a_minute(alice: Recipient) -> None:
    device, _ = register(alice)
    for seconds, noted in ((30, 0), (61, 61), (90, 61)):
        devices.used(device.pk, NOON + timedelta(seconds=seconds))
        device.refresh_from_db()
        assert device.last_used_at == NOON + timedelta(seconds=noted)


# --- a shared browser ---------------------------------------------------------------------------------------------
def test_whoever_signs_in_on_a_shared_browser_takes_it_over(alice: Recipient, bob: Recipient) -> None:
    hers, _ = register(alice)
    his, created = register(bob)

    assert created
    assert Device.objects.get() == his
    assert (his.recipient, his.pk != hers.pk) == (bob, True)
    gone, came = Device.history.filter(history_type="-").get(), Device.history.get(id=his.pk)
    assert (gone.recipient, gone.history_change_reason) == (alice, "The device has a new owner")
    assert (came.recipient, came.history_change_reason) == (bob, "Taken over from alice")


def test_what_the_one_before_was_shown_there_is_answered_no_more(alice: Recipient, bob: Recipient) -> None:
    hers, _ = register(alice)
    elsewhere, _ = register(alice, 2)
    _, on_shared = message_on(hers)
    _, on_own = message_on(elsewhere)
    register(bob)

    with pytest.raises(Expired, match="The device has a new owner"):
        answer(on_shared)
    assert answer(on_own).created


def test_what_waited_for_the_one_before_ends_with_the_reason(alice: Recipient, bob: Recipient) -> None:
    hers, _ = register(alice)
    waiting, _ = message_on(hers, state=DeliveryState.PENDING, due_at=NOON)
    shown, _ = message_on(hers, outdated=True, due_at=NOON)
    register(bob)

    waiting.refresh_from_db()
    assert (waiting.state, waiting.reason) == (DeliveryState.SUPPRESSED, "The device has a new owner")
    assert (waiting.due_at, waiting.device) == (None, None)
    shown.refresh_from_db()
    assert (shown.state, shown.outdated, shown.due_at) == (DeliveryState.DELIVERED, False, None)


# --- going --------------------------------------------------------------------------------------------------------
def test_a_removed_device_leaves_nothing_to_answer_and_a_line_in_history(alice: Recipient) -> None:
    device, _ = register(alice)
    _, token = message_on(device)

    assert devices.remove([device], devices.REMOVED, NOON) == 1
    assert devices.remove([device], devices.REMOVED, NOON) == 0

    assert not Device.objects.exists()
    voided = ActionToken.objects.get(digest=digest_of(token))
    assert (voided.voided_at, voided.void_reason) == (NOON, "The device was removed")
    assert Device.history.get(history_type="-").history_change_reason == "The device was removed"


def test_a_session_ends_with_its_own_devices_only(alice: Recipient) -> None:
    _here, _ = register(alice, 1, session=devices.session_digest("here"))
    there, _ = register(alice, 2, session=devices.session_digest("there"))
    app, _ = register(alice, 3)

    assert devices.sign_out_session("here", NOON) == 1
    assert devices.sign_out_session("", NOON) == 0
    assert devices.sign_out_session(None, NOON) == 0
    assert set(Device.objects.all()) == {there, app}


def test_revoked_tokens_take_their_devices_along(alice: Recipient) -> None:
    phone, _ = recipient_tokens.new_token(alice, label="phone", now=NOON)
    tablet, _ = recipient_tokens.new_token(alice, label="tablet", now=NOON)
    register(alice, 1, token=phone)
    kept, _ = register(alice, 2, token=tablet)

    mine = type(phone).objects.filter(pk=phone.pk)
    assert devices.revoke_tokens(mine, NOON) == 1
    assert devices.revoke_tokens(mine, NOON) == 0
    assert Device.objects.get() == kept
    phone.refresh_from_db()
    assert phone.revoked_at == NOON


def test_a_subscription_past_its_time_is_removed_and_others_are_not(alice: Recipient) -> None:
    for number, end in enumerate((NOON - timedelta(seconds=1), NOON + timedelta(days=1), None)):
        devices.register(alice, browser(number, expires_at=end), name="Firefox on Linux", now=NOON)

    assert prune(NOON)["devices"] == 1
    assert not Device.objects.filter(digest=browser(0).digest).exists()
    assert Device.history.get(history_type="-").history_change_reason == "The subscription expired"


# --- at the same moment -------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_the_same_address_twice_at_once_is_one_device() -> None:
    person = RecipientFactory()
    for number in range(10):
        made = at_once(*[lambda number=number: register(person, number)] * 4)
        assert len({device.pk for device, _ in made}) == 1
        assert sum(created for _, created in made) == 1
    assert Device.objects.count() == 10


@pytest.mark.django_db(transaction=True)
def test_two_people_at_once_leave_the_address_with_one_of_them() -> None:
    one, other = RecipientFactory(), RecipientFactory()
    for number in range(10):
        at_once(lambda number=number: register(one, number), lambda number=number: register(other, number))
        assert Device.objects.filter(digest=browser(number).digest).count() == 1


@pytest.mark.django_db(transaction=True)
def test_nobody_gets_more_than_64_by_being_quick() -> None:
    person = RecipientFactory()
    for number in range(devices.MAX_DEVICES - 1):
        register(person, number, now=NOON - timedelta(hours=1))
    at_once(*[lambda number=number: register(person, number) for number in range(100, 104)])

    assert Device.objects.filter(recipient=person).count() == devices.MAX_DEVICES


@pytest.mark.django_db(transaction=True)
def test_a_device_removed_twice_at_once_is_removed_once() -> None:
    device, _ = register(RecipientFactory())
    assert sorted(at_once(*[lambda: devices.remove([device], devices.REMOVED, NOON)] * 3)) == [0, 0, 1]


# --- a test message -----------------------------------------------------------------------------------------------
def test_a_test_message_is_due_at_once_and_forgets_what_went_wrong_before(alice: Recipient) -> None:
    device, _ = register(alice)
    Device.objects.update(last_fault_fact=said("410 Gone").as_json(), attempts=3)
    device_test.ask(device, NOON)

    device.refresh_from_db()
    assert (device.due_at, device.attempts, device.last_fault) == (NOON, 0, "")
    assert device_test.still_waiting([device]) == [device]


def test_a_test_message_says_whose_it_is_in_the_devices_language(alice: Recipient) -> None:
    alice.brand = BrandFactory(name="Acme")
    alice.save()
    device, _ = register(alice, language="de")
    NotificationFactory(recipient=alice)
    said = device_test.message(device, NOON)

    assert said.kind == "test"
    assert said.message.body == "Das ist ein Test von Acme. Es ist nichts zu tun."
    assert (said.token, said.message.actions, said.state, said.device) == ("", (), "info", str(device.pk))
    assert said.unread == Notification.objects.count() == 1

    device.language = ""
    assert device_test.message(device, NOON).message.title == "Notifications work here"
