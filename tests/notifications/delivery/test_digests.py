"""Messages that go together in one mail: what the mail server says of it is true of each, and none is sent twice."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from notifications.channels import registry
from notifications.delivery import claims, device_lane, results
from notifications.delivery.attempts import Result
from notifications.delivery.claims import Busy
from notifications.items import ledger, ledger_audit
from notifications.models import Category, Delivery, DeliveryAttempt, Held, Notification, Preferences
from notifications.routing import pipeline
from tests.factories import RecipientFactory
from tests.notifications.delivery.test_claims import device_of
from tests.support.devices import drain_after
from tests.support.mailserver import Mailbox, mail_server
from tests.support.story import Story
from wfpush.concurrency.keyed_limits import FreePlaces
from wfpush.queue import outbox

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def server(settings: Settings) -> Iterator[Mailbox]:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_TIMEOUT = "127.0.0.1", 10
    with mail_server() as mailbox:
        settings.EMAIL_PORT = mailbox.port
        yield mailbox


@pytest.fixture
def story(server: Mailbox, clock: time_machine.Traveller) -> Story:
    Category.objects.update(channels=["live", "email"])
    return Story.begin()


def pile_up(story: Story, many: int, first: int = 0) -> None:
    for number in range(first, first + many):
        story.send("task.assigned", {"task": {"id": f"T-{number}", "name": f"Approve {number}", "assignee": "bob"}})
    pipeline.drain()


def send() -> None:
    drain_after(registry.person_channels(), lambda: None)


def rows() -> list[tuple[str, str]]:
    return [(each.state, each.reason) for each in Delivery.objects.filter(channel="email").order_by("pk")]


TOGETHER = "in a digest of 5"


def test_what_the_server_does_not_take_now_is_tried_again_together(
    story: Story, server: Mailbox, clock: time_machine.Traveller
) -> None:
    pile_up(story, 5)
    server.data_reply = "451 4.3.0 Later"
    send()
    assert rows() == [("pending", "The mail server did not accept it: 4.3.0 Later")] * 5
    assert len(set(Delivery.objects.filter(channel="email").values_list("due_at", flat=True))) == 1
    pile_up(story, 2, first=5)  # do not join them
    server.data_reply = "250 OK"
    clock.shift(timedelta(minutes=1))
    send()
    assert sorted(str(each["Subject"]) for each in server.mails) == ["5 tasks wait for you", "Approve 5", "Approve 6"]
    assert rows()[:5] == [("delivered", TOGETHER)] * 5
    assert DeliveryAttempt.objects.filter(succeeded=False).count() == 5
    assert ledger_audit.faults_since(NOON - timedelta(hours=1), timezone.now()) == []


def test_a_mail_that_may_have_arrived_comes_again_under_the_same_name(
    story: Story, server: Mailbox, clock: time_machine.Traveller
) -> None:
    """The connection ends after the data, or the dispatcher is killed before it has written the result."""
    pile_up(story, 5)
    server.hang_up = True
    send()
    assert [state for state, _ in rows()] == ["pending"] * 5
    server.hang_up = False
    DeliveryAttempt.objects.update(ended_at=None, succeeded=None)
    pile_up(story, 4, first=5)
    outbox.release(Delivery.objects.filter(channel="email"))
    clock.shift(timedelta(minutes=1))
    send()
    first, *others = [str(each["Message-ID"]) for each in server.mails]
    assert len(server.mails) == 3 and others.count(first) == 1
    assert [state for state, _ in rows()] == ["delivered"] * 9


def test_what_the_server_refuses_for_good_is_tried_one_by_one(story: Story, server: Mailbox) -> None:
    pile_up(story, 5)
    server.refuses = "5 tasks"
    with time_machine.travel(NOON + timedelta(seconds=1)):
        send()
    assert sorted(str(each["Subject"]) for each in server.mails) == [f"Approve {number}" for number in range(5)]
    assert rows() == [("delivered", "")] * 5
    assert DeliveryAttempt.objects.filter(succeeded=False).count() == 5


def test_an_address_that_does_not_exist_is_asked_once(story: Story, server: Mailbox) -> None:
    pile_up(story, 5)
    server.recipient_reply = "550 5.1.1 No such user"
    send()
    assert [state for state, _ in rows()] == ["dead"] * 5
    assert DeliveryAttempt.objects.count() == 5


def test_one_that_cannot_be_written_costs_only_itself(story: Story, server: Mailbox) -> None:
    pile_up(story, 6)
    poison = Notification.objects.order_by("pk")[2]
    Notification.objects.filter(pk=poison.pk).update(actions=[{"none": "of ours"}])
    send()
    assert [str(each["Subject"]) for each in server.mails] == ["5 tasks wait for you"]
    states = [state for state, _ in rows()]
    assert (states.count("delivered"), states.count("pending")) == (5, 1)
    assert Delivery.objects.get(channel="email", notification=poison).state == "pending"


def test_what_is_said_twice_of_an_item_is_told_once(story: Story, server: Mailbox) -> None:
    pile_up(story, 5)
    first = Delivery.objects.filter(channel="email").order_by("pk")[0]
    other = story.happen("task.assigned", {"task": {"id": "C-1", "name": "Approve", "assignee": "carol"}})
    Delivery.objects.create(
        notification=first.notification,
        event=other,
        recipient=story.bob,
        channel="email",
        address=first.address,
        turn=0,
        due_at=first.due_at,
        created_at=NOON,
        expires_at=first.expires_at,
    )
    send()
    (mail,) = [each for each in server.mails if each["To"] == "bob@example.org"]
    text = mail.get_body(("plain",))
    assert mail["Subject"] == "5 tasks wait for you" and text is not None
    assert text.get_content().count("Approve 0\r\n") == 1
    assert ledger.sums(Delivery.objects.filter(channel="email", recipient=story.bob)) == {("email", "delivered"): 6}


def test_a_claim_looks_no_further_where_nothing_goes_together(story: Story) -> None:
    for number in range(100):
        person = RecipientFactory(ref=f"p-{number}", email=f"p-{number}@acme.example")
        story.send("task.assigned", {"task": {"id": person.ref, "name": "Approve", "assignee": person.ref}})
    pipeline.drain()
    channel = registry.channels()["email"]
    rows, room = claims.waiting(["email"]), FreePlaces(left=16, each=8, taken={})

    def claimed(*, may_go_together: bool) -> tuple[int, int]:
        with CaptureQueriesContext(connection) as asked:
            found = claims.for_places(
                rows,
                room,
                channel.places,
                timezone.now(),
                may_go_together=may_go_together,  # type: ignore[attr-defined]
            )
        return len(found), len(asked)

    assert claimed(may_go_together=True) == claimed(may_go_together=False)


# --- devices --------------------------------------------------------------------------------------------------------
def test_what_was_held_back_for_a_device_is_one_message_that_opens_the_inbox(story: Story) -> None:
    Category.objects.update(channels=["live", "webpush"])
    phone, laptop = device_of(story.bob, "phone"), device_of(story.bob, "laptop")
    pile_up(story, 5)
    rows = Delivery.objects.filter(device__isnull=False).order_by("pk")
    rows.filter(device=phone).update(held=Held.QUIET)

    attempts = device_lane._claim(Busy(), timezone.now()).attempts

    (one,) = [each for each in attempts if each.device == phone.pk]
    assert len([each for each in attempts if each.device == laptop.pk]) == 5
    assert (one.message.message.title, one.message.message.body) == ("5 messages came", "5 of them wait for you")
    assert (one.message.link, one.message.token, one.message.state) == ("http://127.0.0.1:8000/", "", "info")

    results.write([Result(each) for each in attempts], timezone.now())
    assert {(each.state, each.reason) for each in rows.filter(device=phone)} == {("delivered", TOGETHER)}
    assert {(each.state, each.reason) for each in rows.filter(device=laptop)} == {("delivered", "")}
    assert DeliveryAttempt.objects.filter(succeeded=True).count() == 10

    story.happen("task.completed", {"task": {"id": "T-0"}})  # the phone does not show it, and is told nothing
    assert set(rows.filter(outdated=True).values_list("device", flat=True)) == {laptop.pk}


def test_a_device_gets_no_more_an_hour_than_its_person_wants(story: Story, clock: time_machine.Traveller) -> None:
    Category.objects.update(channels=["live", "webpush"])
    Preferences.objects.create(recipient=story.bob, most_an_hour=2)
    device_of(story.bob, "phone")
    pile_up(story, 7)
    first = device_lane._claim(Busy(), timezone.now()).attempts
    results.write([Result(each) for each in first], timezone.now())
    assert len(first) == 2
    clock.shift(timedelta(minutes=61))
    (one,) = device_lane._claim(Busy(), timezone.now()).attempts
    assert one.message.message.title == "5 messages came"
