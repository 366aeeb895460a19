"""One engine sends for all channels: services that refuse us or do not work are left alone, whatever their channel."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_network

import pytest
import time_machine
from asgiref.sync import async_to_sync
from django.utils import timezone
from pytest_django import Settings

from notifications.channels import registry
from notifications.delivery import circuit_breaker, device_lane, service_pauses
from notifications.delivery.circuit_breaker import ALONE_FIRST, DOWN_PARTIES, Services
from notifications.delivery.engine import Engine
from notifications.models import Category, Delivery, DeliveryState, PausedService
from notifications.routing import pipeline
from tests.factories import RecipientFactory
from tests.support.appworks_gateway import Answer, FakeGateway, gateway_on_loopback
from tests.support.devices import drain_after
from tests.support.mailserver import Mailbox, free_port, mail_server
from tests.support.seconds import Seconds
from tests.support.story import Story
from tests.support.waiting import soon
from wfpush.concurrency.threads import in_database_thread

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def story(settings: Settings) -> Story:
    settings.OUTBOUND_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_TIMEOUT = "127.0.0.1", 10
    return Story.begin()


@pytest.fixture
def gateway(settings: Settings) -> Iterator[FakeGateway]:
    with gateway_on_loopback() as started:
        settings.APPWORKS_GATEWAY = started.settings()
        yield started


def told(story: Story, name: str, many: int, *channels: str) -> None:
    """A message for each of so many people, by these channels."""
    Category.objects.update(channels=["live", *channels])
    for number in range(many):
        person = RecipientFactory(ref=f"{name}-{number}", email=f"{name}-{number}@acme.example")
        story.send("task.assigned", {"task": {"id": person.ref, "name": "Approve", "assignee": person.ref}})
    pipeline.drain()


def states(name: str) -> set[tuple[str, str, int]]:
    """Channel, state and attempts of these people's messages."""
    rows = Delivery.objects.filter(recipient__ref__startswith=f"{name}-").exclude(channel="live")
    return set(rows.values_list("channel", "state", "attempts"))


def one_after_the_other(*steps: Callable[[], object], services: Services | None = None) -> None:
    drain_after(registry.person_channels(), *steps, services=services)


# --- our credentials ----------------------------------------------------------------------------------------------
@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_a_mail_server_that_refuses_our_password_is_paused_and_all_mail_goes_when_it_is_mended(
    story: Story, settings: Settings, clock: time_machine.Traveller
) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "wfpush", "wrong"
    with mail_server(password_is_wrong=True) as server:
        settings.EMAIL_PORT = server.port
        told(story, "first", 1, "email")
        one_after_the_other(lambda: None, lambda: told(story, "second", 3, "email"))
    paused = PausedService.objects.get()
    assert (paused.channel, paused.service, paused.until) == ("email", "127.0.0.1", NOON + service_pauses.FIRST)
    assert states("first") == {("email", "pending", 1)}
    assert states("second") == {("email", "pending", 0)}, "it is not asked again for each mail"

    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "", ""
    clock.shift(service_pauses.FIRST + timedelta(seconds=1))
    with mail_server() as server:
        settings.EMAIL_PORT = server.port
        one_after_the_other(lambda: None, lambda: None)
        assert len(server.mails) == 4
    assert not PausedService.objects.exists()


def test_each_try_in_vain_doubles_the_pause_but_not_for_hours(
    story: Story, gateway: FakeGateway, clock: time_machine.Traveller
) -> None:
    gateway.answers = [Answer(403)]
    told(story, "apps", 1, "appworks")
    spans = []
    for _ in range(6):
        one_after_the_other(lambda: None)
        spans.append((PausedService.objects.get().until - timezone.now()).total_seconds())
        clock.move_to(PausedService.objects.get().until + timedelta(seconds=1))

    assert spans[0] == 30 and spans == sorted(spans) and spans[-1] == 300
    assert len(gateway.asked) == 6


def test_who_has_another_channel_is_told_there_while_the_gateway_is_paused(
    story: Story, gateway: FakeGateway, settings: Settings
) -> None:
    gateway.answers = [Answer(401)]
    with mail_server() as server:
        settings.EMAIL_PORT = server.port
        told(story, "first", 1, "appworks", "email")
        one_after_the_other(lambda: None, lambda: told(story, "second", 2, "appworks", "email"), lambda: None)
        assert len(server.mails) == 3
    assert len(gateway.asked) == 1
    dead = Delivery.objects.filter(channel="appworks", state=DeliveryState.DEAD)
    assert dead.filter(recipient__ref__startswith="second", attempts=1).count() == 2


# --- what does not work -------------------------------------------------------------------------------------------
def test_a_gateway_that_does_not_work_is_left_alone_until_one_message_arrives(
    story: Story, gateway: FakeGateway, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(circuit_breaker, "DOWN_AFTER", 0.0)
    seconds = Seconds()
    gateway.answers = [Answer(503)]
    asked: list[int] = []

    def a_while_later() -> None:
        asked.append(len(gateway.asked))
        seconds.now += 2 * ALONE_FIRST
        clock.shift(timedelta(seconds=2 * ALONE_FIRST))

    def is_repaired() -> None:
        a_while_later()
        gateway.answers = []

    def others_are_told() -> None:
        asked.append(len(gateway.asked))
        told(story, "second", 3, "appworks")

    def the_others_were_left_alone() -> None:
        asked.append(len(gateway.asked))
        assert states("second") == {("appworks", "pending", 0)}
        reasons = Delivery.objects.filter(channel="appworks", recipient__ref__startswith="second")
        assert {row.reason for row in reasons} == {str(service_pauses.left_alone("127.0.0.1"))}

    def first_are_told() -> None:
        told(story, "first", DOWN_PARTIES, "appworks")

    one_after_the_other(
        first_are_told,
        others_are_told,
        the_others_were_left_alone,
        a_while_later,
        is_repaired,
        lambda: None,
        services=Services(seconds),
    )

    assert asked == [DOWN_PARTIES, DOWN_PARTIES, DOWN_PARTIES, DOWN_PARTIES + 1], "one message tries it"
    assert len(gateway.taken) == DOWN_PARTIES + 3, "all others follow at once"
    assert not PausedService.objects.exists(), "its credentials are accepted"


def test_a_gateway_that_refuses_messages_works(
    story: Story, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(circuit_breaker, "DOWN_AFTER", 0.0)
    gateway.answers = [Answer(400)]
    told(story, "apps", DOWN_PARTIES + 2, "appworks")
    one_after_the_other(lambda: None, services=Services(Seconds()))

    assert len(gateway.asked) == DOWN_PARTIES + 2


def test_a_mail_server_that_takes_no_mail_for_some_works_and_one_that_is_not_there_does_not(
    story: Story, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(circuit_breaker, "DOWN_AFTER", 0.0)
    with mail_server() as server:
        settings.EMAIL_PORT, server.recipient_reply = server.port, "451 4.7.1 Greylisted, try again later"
        told(story, "grey", DOWN_PARTIES + 2, "email")
        one_after_the_other(lambda: None, services=Services(Seconds()))
    assert states("grey") == {("email", "pending", 1)}, "each was tried"

    settings.EMAIL_PORT = free_port()
    first, second = (lambda: told(story, "first", DOWN_PARTIES, "email")), (lambda: told(story, "second", 3, "email"))
    one_after_the_other(first, second, services=Services(Seconds()))
    assert states("second") == {("email", "pending", 0)}


def arrived(server: Mailbox, wanted: int) -> bool:
    return len(server.mails) == wanted


# --- lanes --------------------------------------------------------------------------------------------------------
def test_however_much_is_due_for_devices_the_mail_goes_meanwhile(
    story: Story, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is due for devices never ends; mail that comes later is taken at its own wake-up."""
    endless = device_lane.ClaimedBatch(1, [], {})
    monkeypatch.setattr(device_lane, "_claim", lambda _busy, _now: endless)

    async def turn() -> None:
        engine = Engine(list(registry.channels().values()))
        try:
            for name in ("first", "second"):
                await in_database_thread(told, story, name, 2, "email")
                wanted = len(server.mails) + 2
                await engine.drain()
                await soon(partial(arrived, server, wanted), "the mail arrives")
        finally:
            await engine.close()

    with mail_server() as server:
        settings.EMAIL_PORT = server.port
        async_to_sync(turn)()
        assert len(server.mails) == 4


def test_rows_of_a_channel_that_was_taken_out_end_with_a_reason(
    story: Story, settings: Settings, gateway: FakeGateway
) -> None:
    told(story, "apps", 2, "appworks")
    settings.CHANNELS = [each for each in settings.CHANNELS if not each.endswith("appworks")]
    one_after_the_other(lambda: None)

    assert states("apps") == {("appworks", "dead", 1)}
    assert {row.reason for row in Delivery.objects.filter(channel="appworks")} == {"this channel is not available"}
    assert gateway.asked == []
