"""Services that do not work are told within a minute, hold up nobody else, and are well again by themselves."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_network
from typing import Any

import pytest
import time_machine
from asgiref.sync import async_to_sync
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from notifications.answers.respond import respond
from notifications.answers.submission import Answer
from notifications.calendar_feeds import polling
from notifications.channels import registry
from notifications.channels.sms.config import Http, Sms
from notifications.delivery.engine import Engine as Sending
from notifications.engines import callback, callback_claims, calls, poll
from notifications.models import Callback, Category, Delivery, LinkMail, Notification, Poll
from notifications.people import link_mails
from notifications.rotas import feeds
from notifications.rotas.models import RotaFeed
from notifications.rotas.tests.rotas import rota_of
from notifications.routing import pipeline
from tests.factories import EngineFactory, RecipientFactory, TeamFactory
from tests.support.appworks_gateway import Answer as GatewayAnswer
from tests.support.appworks_gateway import gateway_on_loopback
from tests.support.devices import PushHost, push_host
from tests.support.doctor import doctor
from tests.support.engines import LOOPBACK
from tests.support.mailserver import free_port, mail_server, silent_server
from tests.support.receiver import Receiver, receiving
from tests.support.story import Story
from wfpush.models import ServiceState
from wfpush.net.breaker import Breaker
from wfpush.observability import service_watch, services
from wfpush.observability.service_watch import Watch
from wfpush.queue import lease_holder
from wfpush.tasks import beat

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
LATE = timedelta(seconds=130)


@dataclass
class Time:
    """The clock of the day, and that of breakers and of what the dispatcher sees."""

    traveller: time_machine.Traveller
    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def passes(self, seconds: float) -> None:
        """The dispatcher looks at its services; the worker lives."""
        self.seconds += seconds
        self.traveller.shift(timedelta(seconds=seconds))
        beat()
        service_watch.watch.look(timezone.now())


@pytest.fixture(autouse=True)
def time(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[Time]:
    monkeypatch.setenv(lease_holder.WORKER, "worker-1/0123456789ab")
    settings.OUTBOUND_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_TIMEOUT = "127.0.0.1", 10
    with time_machine.travel(NOON, tick=False) as traveller:
        clock = Time(traveller)
        monkeypatch.setattr(service_watch, "watch", Watch(clock))
        monkeypatch.setattr(calls, "new_breaker", lambda: Breaker(failures=3, pause=5.0, most=30.0, clock=clock))
        monkeypatch.setattr(callback._door, "breaker", calls.new_breaker())
        monkeypatch.setattr(callback, "MAX_CALLS_PER_ENGINE", 2)
        monkeypatch.setattr(callback._door, "places", callback._places())
        beat()
        yield clock


@pytest.fixture
def story(time: Time) -> Story:
    return Story.begin()


def send() -> None:
    """The dispatcher sends what is due by channels."""

    async def turn() -> None:
        sending = Sending(list(registry.channels().values()))
        try:
            await sending.drain()
            await sending.idle()
        finally:
            await sending.close()

    async_to_sync(turn)()


def call_engines() -> None:
    """The dispatcher tells engines what is due. Its connections end with the turn, and what it has seen stays."""

    async def turn() -> None:
        breaker = callback._door.breaker
        await callback._door.drained()
        await callback._door.close()
        callback._door.breaker = breaker

    async_to_sync(turn)()


def ask_engines() -> None:
    async def turn() -> None:
        await poll._door.drained()
        await poll._door.close()

    async_to_sync(turn)()


def states() -> dict[tuple[str, str], str]:
    return {(row.kind, row.name): row.state for row in services.troubled(timezone.now())}


def readiness() -> tuple[int, dict[str, str], str]:
    """Status, parts that are not well, and notes."""
    answer: Any = Client().get("/readyz")
    body = answer.json()
    faults = {name: reason for name, reason in body["checks"].items() if reason != "ok"}
    return answer.status_code, faults, "\n".join(body["notes"])


def sample(metric: str, *labels: str) -> float | None:
    shown = f"{metric}{{{','.join(labels)}}} "
    lines = Client().get("/metrics").content.decode().splitlines()
    return next((float(line.removeprefix(shown)) for line in lines if line.startswith(shown)), None)


def tell(story: Story, name: str, many: int, *channels: str) -> None:
    """A message for each of so many people, by these channels."""
    Category.objects.update(channels=["live", *channels])
    for number in range(many):
        person = RecipientFactory(ref=f"{name}-{number}", email=f"{name}-{number}@acme.example", phone="+4989123456")
        story.send("task.assigned", {"task": {"id": person.ref, "name": "Approve", "assignee": person.ref}})
    pipeline.drain()


def answer(story: Story, many: int) -> None:
    """Bob answers so many tasks."""
    for number in range(many):
        story.send("task.assigned", {"task": {"id": f"T-{number}", "name": "x", "assignee": "bob"}})
    pipeline.drain()
    for copy in Notification.objects.select_related("recipient"):
        respond(copy, Answer("approve"), now=timezone.now())


# --- an engine ----------------------------------------------------------------------------------------------------
@pytest.fixture
def receiver(story: Story) -> Iterator[Receiver]:
    with receiving() as receiver:
        story.engine.callback_url = receiver.url
        story.engine.save()
        yield receiver


def engine_stays_dead(time: Time, receiver: Receiver) -> None:
    receiver.answer(503)
    call_engines()
    for seconds in (1, 4, 6, 4, 30, 31, 31, 31):
        time.passes(seconds)
        call_engines()
    time.passes(2)


def test_answers_for_a_dead_engine_wait_for_it_and_none_is_late_before_or_after_it_is_back(
    time: Time, story: Story, receiver: Receiver
) -> None:
    answer(story, 24)
    engine_stays_dead(time, receiver)
    assert callback_claims.has_due(timezone.now() - timedelta(seconds=120)), "most have not been tried"

    status, faults, notes = readiness()
    assert (status, faults) == (200, {})
    assert notes.startswith("Invoices: It has not answered since 2026-11-25 11:59 UTC: ")
    assert "24 answers wait to be sent. Start the engine" in notes
    assert "Invoices: It has not answered since" in doctor()
    engine = 'kind="engine"', 'service="invoices"'
    assert sample("wfpush_service_trouble_seconds", *engine, 'state="away"') == pytest.approx(140, abs=2)
    assert sample("wfpush_service_waiting", *engine) == 24
    assert sample("wfpush_due", 'queue="callbacks"') == sample("wfpush_oldest_due_seconds", 'queue="callbacks"') == 0

    service_watch.watch.took(("engine", "invoices"), 0.1)
    time.passes(2)
    assert states() == {} and readiness()[:2] == (200, {}), "all are due, and none is late"
    receiver.answer(204)
    time.passes(30)
    call_engines()
    assert not Callback.objects.filter(state="waiting").exists()
    assert "All is well." in doctor()
    assert sample("wfpush_service_trouble_seconds", *engine, 'state="works"') == 0


def test_what_waits_for_workers_is_late_whatever_an_engine_does(time: Time, story: Story, receiver: Receiver) -> None:
    answer(story, 5)
    engine_stays_dead(time, receiver)
    other = EngineFactory(slug="orders", callback_url=receiver.url)
    Callback.objects.filter(pk=Callback.objects.latest("pk").pk).update(engine=other, due_at=timezone.now() - LATE)

    assert readiness()[:2] == (503, {"callbacks": "work has been due for over 120 s"})


def test_a_dead_engine_is_no_excuse_when_nobody_tries_it_any_more(time: Time, story: Story, receiver: Receiver) -> None:
    answer(story, 24)
    engine_stays_dead(time, receiver)
    time.traveller.shift(timedelta(minutes=4))
    beat()

    assert readiness()[:2] == (
        503,
        dict.fromkeys(("callbacks", "services"), "work has been due for over 120 s"),
    )


@pytest.mark.parametrize("field", [{"active": False}, {"callback_disabled_at": NOON}, {"callback_url": ""}])
def test_answers_for_an_engine_that_is_switched_off_are_not_late(story: Story, field: dict[str, Any]) -> None:
    answer(story, 1)
    Callback.objects.update(due_at=timezone.now() - LATE)
    type(story.engine).objects.update(**field)

    assert readiness()[:2] == (200, {})


def test_an_engine_that_answers_slowly_is_told(time: Time, story: Story, receiver: Receiver) -> None:
    answer(story, 3)
    for row in Callback.objects.all():
        calls.watch((callback_claims.KIND, row.engine.slug), callback.Result("done"), party=row.pk, seconds=8.0)
    time.passes(2)
    assert states() == {("engine", "invoices"): "slow"}
    assert "Invoices: It has been slow since 2026-11-25 11:59 UTC." in readiness()[2]

    call_engines()
    time.passes(2)
    assert states() == {}


def test_an_engine_that_cannot_be_asked_for_tasks_is_told(time: Time, story: Story, receiver: Receiver) -> None:
    story.engine.kind = "flowable"
    story.engine.save()
    Poll.objects.create(engine=story.engine)
    receiver.answer(503)
    for seconds in (0, 6, 8, 8):
        time.passes(seconds)
        ask_engines()
    time.passes(2)

    assert states() == {("poll", "invoices"): "away"}
    assert readiness()[:2] == (200, {})


# --- channels -----------------------------------------------------------------------------------------------------
def deliver(time: Time, *seconds: float) -> None:
    for each in seconds:
        time.passes(each)
        send()
    time.passes(2)


@pytest.mark.parametrize("many", [1, 5])
def test_a_mail_server_that_is_away_is_told_within_a_minute_and_well_within_one(
    time: Time, story: Story, settings: Settings, many: int
) -> None:
    settings.EMAIL_PORT = free_port()
    tell(story, "first", many, "email")
    deliver(time, 0)
    assert states() == {}, "a moment says nothing"
    deliver(time, 6, 12)

    assert states() == {("email", "127.0.0.1"): "away"}
    assert "E-mail 127.0.0.1 has not answered since 2026-11-25 11:59 UTC: " in readiness()[2]
    assert "All is well." not in doctor() and "E-mail 127.0.0.1 has not answered" in doctor()
    assert readiness()[:2] == (200, {})

    Delivery.objects.filter(channel="email", state="pending").update(due_at=timezone.now() + timedelta(minutes=5))
    with mail_server() as server:
        settings.EMAIL_PORT = server.port
        deliver(time, 30, 2)
        assert len(server.mails) == many, "one has tried it, and all follow"
    assert states() == {} and "All is well." in doctor()


@pytest.mark.parametrize(("reply", "many", "state"), [("451 4.3.2 Not now", 1, "pending"), ("554 5.7.1 No", 4, "dead")])
def test_a_mail_server_that_takes_nothing_is_told(
    time: Time, story: Story, settings: Settings, reply: str, many: int, state: str
) -> None:
    with mail_server() as server:
        settings.EMAIL_PORT, server.recipient_reply = server.port, reply
        tell(story, "first", many, "email")
        deliver(time, 0, 6, 11, 21)
        assert set(Delivery.objects.filter(channel="email").values_list("state", flat=True)) == {state}
        assert states() == {("email", "127.0.0.1"): "refuses"}
        assert "has refused everything since 2026-11-25 11:59 UTC: The mail server " in readiness()[2]

        server.recipient_reply = "250 OK"
        tell(story, "second", 1, "email")
        deliver(time, 1)
    assert states() == {}


def test_a_mail_server_that_hangs_is_told(time: Time, story: Story, settings: Settings) -> None:
    with silent_server() as port:
        settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = port, 0.2
        tell(story, "first", 3, "email")
        deliver(time, 0, 6, 12)
    assert states() == {("email", "127.0.0.1"): "away"}


def test_addresses_that_do_not_exist_say_nothing_of_the_mail_server(
    time: Time, story: Story, settings: Settings
) -> None:
    with mail_server() as server:
        settings.EMAIL_PORT, server.recipient_reply = server.port, "550 5.1.1 No such mailbox"
        tell(story, "first", 6, "email")
        deliver(time, 0, 20, 60)
    assert states() == {}


def test_sign_in_links_tell_of_the_mail_server_and_are_not_late_while_it_is_away(
    time: Time, story: Story, settings: Settings
) -> None:
    settings.EMAIL_PORT = free_port()
    person = RecipientFactory(ref="c-1", engine=story.engine, email="c-1@acme.example")
    for _ in range(3):
        link_mails.ask(person, "/", timezone.now(), by="root")
    for seconds in (0, 2, 4):
        time.passes(seconds)
        link_mails.drain()
    assert states() == {("email", "127.0.0.1"): "away"}
    assert LinkMail.objects.filter(attempts__gte=3).count() == 1, "the others wait for the one that tries"

    LinkMail.objects.update(due_at=timezone.now() - LATE)
    assert readiness()[:2] == (200, {})
    with mail_server() as server:
        settings.EMAIL_PORT = server.port
        time.passes(16)
        link_mails.drain()
        assert len(server.mails) == 3
    assert states() == {}


def test_text_messages_and_appworks_are_told_too(time: Time, story: Story, settings: Settings) -> None:
    settings.SMS = Sms(Http(f"http://127.0.0.1:{free_port()}", "", "", "", id="id"), "Acme", "49", 3, 10)
    tell(story, "text", 2, "sms")
    deliver(time, 0, 6, 12)
    assert states() == {("sms", "127.0.0.1"): "away"}

    with gateway_on_loopback() as gateway:
        settings.APPWORKS_GATEWAY = gateway.settings()
        gateway.answers = [GatewayAnswer(503)]
        tell(story, "app", 2, "appworks")
        deliver(time, 0, 6, 12)
    assert states() == {("sms", "127.0.0.1"): "away", ("appworks", "127.0.0.1"): "away"}


def test_credentials_that_are_refused_are_told_once_and_as_long_as_the_pause_lasts(
    time: Time, story: Story, settings: Settings
) -> None:
    with gateway_on_loopback() as gateway:
        settings.APPWORKS_GATEWAY = gateway.settings()
        gateway.answers = [GatewayAnswer(401)]
        tell(story, "app", 1, "appworks")
        deliver(time, 0)
        assert states() == {("appworks", "127.0.0.1"): "refuses"}
        assert readiness()[2].count("has refused everything since") == doctor().count("refuses us since") == 1
        assert "has refused everything since" not in doctor()

        gateway.answers = []
        deliver(time, 31)
    assert states() == {}


# --- push services ------------------------------------------------------------------------------------------------
@pytest.fixture
def hosts(story: Story, settings: Settings) -> Iterator[list[PushHost]]:
    settings.PUSH_ALLOWED_CIDRS, settings.PUSH_ALLOWED_HOSTS = LOOPBACK, []
    with push_host() as first, push_host() as second:
        yield [first, second]


def subscribe(host: PushHost, *names: str) -> None:
    for name in names:
        host.subscribe(RecipientFactory(ref=name, email=""), name)


def push(story: Story, *names: str) -> None:
    story.assign(f"T-{names}", assignee=None, candidates=list(names))


def test_a_dead_push_service_is_told_and_makes_nobody_elses_messages_late(
    time: Time, story: Story, hosts: list[PushHost]
) -> None:
    dead, alive = hosts
    subscribe(dead, "ann", "ben", "cat")
    subscribe(alive, "dan")
    for name in ("ann", "ben", "cat"):
        dead.answer(name, 500)
    push(story, "ann", "ben", "cat", "dan")
    deliver(time, 0, 6, 12)
    assert states() == {("webpush", dead.service): "away"}

    Delivery.objects.filter(state="pending", channel="webpush").update(due_at=timezone.now() - LATE)
    assert readiness()[:2] == (200, {})
    assert sample("wfpush_oldest_due_seconds", 'queue="deliveries"') == 0
    alive.answer("dan", 503)
    push(story, "dan")
    Delivery.objects.filter(state="pending", channel="webpush").update(due_at=timezone.now() - LATE)
    assert readiness()[:2] == (503, {"deliveries": "work has been due for over 120 s"})


def test_one_dead_device_of_several_says_nothing_of_its_service_and_the_only_one_does(
    time: Time, story: Story, hosts: list[PushHost]
) -> None:
    first, second = hosts
    subscribe(first, "ann", "ben")
    subscribe(second, "cat")
    first.answer("ann", 500)
    second.answer("cat", 500)
    push(story, "ann", "cat")
    deliver(time, 0, 6, 12, 20)
    assert states() == {("webpush", second.service): "away"}

    second.answer("cat", 201)
    Delivery.objects.filter(channel="webpush", state="pending").update(due_at=timezone.now() + timedelta(hours=1))
    deliver(time, 30)
    assert states() == {}


# --- calendars ----------------------------------------------------------------------------------------------------
def test_calendars_of_a_dead_server_are_left_alone_and_hold_up_no_other(
    time: Time, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[str] = []
    read = feeds._read

    def counted(feed: RotaFeed, now: datetime) -> None:
        fetched.append(feed.url)
        read(feed, now)

    monkeypatch.setattr(feeds, "_read", counted)
    dead = f"http://127.0.0.1:{free_port()}/"
    for number in range(5):
        rota = rota_of(TeamFactory(slug=f"t-{number}"), name=f"r-{number}")
        rota.feed_url = f"{dead}{number}"
        rota.save()
        feeds.settle(rota)
    feeds.drain()

    assert len(fetched) == 1, "the others would wait for it one after the other"
    assert states() == {("rota_feeds", "127.0.0.1"): "away"}
    assert "Calendar server 127.0.0.1 has not answered since" in readiness()[2]
    RotaFeed.objects.update(due_at=timezone.now() - LATE)
    assert readiness()[:2] == (200, {})

    RotaFeed.objects.update(due_at=timezone.now() + polling.LEFT_ALONE)
    calendar = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nEND:VCALENDAR\r\n"
    with receiving() as server:
        server.answer((200, {"Content-Type": "text/calendar"}, calendar))
        RotaFeed.objects.update(url=server.url)
        time.passes(30)
        feeds.drain()
    assert len(fetched) == 3 and states() == {}, "one tries it, and the one follows that had failed"


# --- several processes --------------------------------------------------------------------------------------------
MAIL = ("email", "mail.example")
NOT_NOW = {"reason": "451 Not now", "reason_fact": None}


def fail(watch: Watch, time: Time, *, seconds: tuple[float, ...] = (0, 6, 6)) -> None:
    for each in seconds:
        time.passes(each)
        watch.failed(MAIL, services.AWAY, NOT_NOW, party="a", seconds=0.1)
    watch.look(timezone.now())


def test_a_message_that_one_dispatcher_sends_ends_what_another_has_told(time: Time) -> None:
    one, other = Watch(time), Watch(time)
    fail(one, time)
    assert states() == {MAIL: "away"}

    other.look(timezone.now())
    time.passes(2)
    other.took(MAIL, 0.1)
    other.look(timezone.now())
    assert states() == {}
    one.failed(MAIL, services.AWAY, NOT_NOW, party="a", seconds=0.1)
    one.look(timezone.now())
    assert states() == {}, "it counts anew"


def test_two_dispatchers_tell_of_one_fault_together_since_the_first_saw_it(time: Time) -> None:
    one, other = Watch(time), Watch(time)
    fail(one, time)
    fail(other, time)

    row = ServiceState.objects.get()
    assert (row.since, row.seen_at) == (NOON - timedelta(seconds=0.1), timezone.now())


def test_a_message_on_its_way_before_the_fault_ends_nothing(time: Time) -> None:
    watch = Watch(time)
    fail(watch, time)
    time.passes(2)
    watch.took(MAIL, 30.0)
    watch.look(timezone.now())
    assert states() == {MAIL: "away"}


@pytest.mark.parametrize(
    ("seconds", "is_told"), [((0, 1, 1), False), ((0, 6, 6), True), ((0, 1300), False), ((0,), False)]
)
def test_moments_and_faults_that_are_long_apart_are_not_told(
    time: Time, seconds: tuple[float, ...], is_told: bool
) -> None:
    watch = Watch(time)
    fail(watch, time, seconds=seconds)
    assert bool(states()) is is_told


def test_a_service_that_nobody_has_used_for_a_day_is_not_away(time: Time) -> None:
    fail(Watch(time), time)
    time.traveller.shift(timedelta(hours=23))
    assert states() == {MAIL: "away"}
    time.traveller.shift(timedelta(hours=1))
    assert states() == {}
    service_watch.watch.look(timezone.now())
    assert not ServiceState.objects.exists()


@pytest.mark.parametrize(("state", "minutes"), [(services.AWAY, 1), (services.REFUSES, 15)])
def test_a_state_ends_soon_if_nothing_waits_for_the_service(
    time: Time, story: Story, settings: Settings, state: str, minutes: int
) -> None:
    settings.EMAIL_HOST = MAIL[1]
    services.report(MAIL, state, NOT_NOW, timezone.now(), since=timezone.now())
    time.passes(60 * minutes - 1)
    assert states() == {MAIL: state}
    tell(story, "first", 1, "email")
    time.passes(31)
    assert states() == {MAIL: state}, "a mail waits for it"
    settings.EMAIL_HOST = "another.example"
    time.passes(31)
    assert states() == {}, "none waits for it any more"


def test_calls_are_not_slow_when_it_is_this_process_that_is_late(time: Time) -> None:
    watch = Watch(time)
    for is_late in (True, False):
        for _ in range(3):
            watch.took(MAIL, 9.0)
        time.seconds += 20 if is_late else 2
        watch.look(timezone.now())
        assert states() == ({} if is_late else {MAIL: "slow"})


def test_a_message_that_arrives_costs_no_statement(time: Time, django_assert_num_queries: Callable[[int], Any]) -> None:
    watch = Watch(time)
    with django_assert_num_queries(0):
        for _ in range(1000):
            watch.took(MAIL, 0.1)
    with django_assert_num_queries(1):
        watch.look(timezone.now())


def test_a_service_has_one_row_tried_at_a_time(time: Time, story: Story, settings: Settings) -> None:
    settings.EMAIL_PORT = free_port()
    tell(story, "first", 5, "email")
    deliver(time, 0, 6, 12)
    Delivery.objects.filter(channel="email", state="pending").update(due_at=timezone.now() + timedelta(hours=1))
    time.seconds += 30
    time.traveller.shift(timedelta(seconds=30))
    for look in (partial(watch.look, timezone.now()) for watch in (Watch(time), Watch(time))):
        look()

    assert Delivery.objects.filter(channel="email", due_at__lte=timezone.now()).count() == 1
