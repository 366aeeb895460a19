"""What one engine, mail domain, gateway or token server makes others wait for: nothing, as long as it likes.

The slow side takes what it is sent and answers when the test says so; everybody else is done before that.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone
from pytest_django import Settings

from notifications.answers.respond import respond
from notifications.answers.submission import Answer
from notifications.channels import registry
from notifications.connectors.access import EngineClient
from notifications.connectors.signatures import new_secret
from notifications.delivery import engine
from notifications.engines import callback, poll
from notifications.models import (
    Callback,
    CallbackState,
    Category,
    Delivery,
    DeliveryState,
    Engine,
    EngineAccess,
    Notification,
    Poll,
    SigningSecret,
)
from notifications.routing import pipeline
from tests.factories import EngineFactory, RecipientFactory
from tests.support.appworks_gateway import gateway_on_loopback
from tests.support.mailserver import Mailbox, mail_server
from tests.support.receiver import Receiver
from tests.support.shelf import shelved
from tests.support.story import Story
from tests.support.waiting import PATIENCE_SECONDS, soon
from wfpush.concurrency.threads import in_database_thread
from wfpush.net.http import Outbound
from wfpush.queue import outbox

pytestmark = pytest.mark.django_db(transaction=True)

LOOPBACK = [ip_network("127.0.0.0/8")]


@pytest.fixture(autouse=True)
def inside(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are looked at in small lots, so that those of the slow fill one after the other."""
    settings.OUTBOUND_ALLOWED_CIDRS = LOOPBACK
    monkeypatch.setattr(outbox, "ROWS_CHECKED", 20)


def meanwhile(sends: Any, happens: Callable[[], Awaitable[None]], let_go: Callable[[], None]) -> None:
    """The dispatcher drains; `happens` looks on while somebody is slow; then that one answers, too."""

    async def turn() -> None:
        draining = asyncio.ensure_future(sends.drain())
        try:
            await happens()
        finally:
            let_go()
        await draining
        await sends.drained()
        await sends.close()

    async_to_sync(turn)()


# --- engines ----------------------------------------------------------------------------------------------------------
def answered(story: Story, many: int) -> None:
    """So many tasks of Bob's, each of which he approves."""
    for number in range(many):
        task = {"id": f"{story.engine.slug}-{number}", "name": "Approve", "assignee": "bob"}
        story.send("task.assigned", {"task": task})
    pipeline.drain()
    for copy in Notification.objects.filter(task__engine=story.engine).select_related("recipient"):
        respond(copy, Answer("approve"), now=timezone.now())


def beside(story: Story, **fields: str) -> Story:
    """Another engine with the same people."""
    engine = EngineFactory(**fields)
    SigningSecret.objects.create(engine=engine, secret=new_secret())
    return replace(story, engine=engine)


@pytest.fixture
def two(receiver: Receiver) -> tuple[Story, Story]:
    """One is slow, and its answers are older; both have the same host."""
    slow = Story.begin()
    quick = beside(slow, slug="claims", callback_url=f"{receiver.url}/quick")
    receiver.held = "/callback/slow"
    Engine.objects.filter(pk=slow.engine.pk).update(callback_url=f"{receiver.url}/slow")
    return slow, quick


def patient() -> None:
    """Calls are given up after a minute and not after 10 seconds: what hangs, hangs until the test says otherwise."""
    callback._door._line = EngineClient(Outbound(LOOPBACK, deadline=60.0, per_host=0))


async def quick_has(receiver: Receiver, many: int) -> None:
    await soon(lambda: len(receiver.at("/callback/quick")) == many, "all answers of the quick one are told")


def leased(engine: Engine) -> int:
    return Callback.objects.filter(engine=engine, lease_token__isnull=False).count()


def test_answers_reach_an_engine_while_sixty_older_ones_wait_for_a_slow_one(
    two: tuple[Story, Story], receiver: Receiver
) -> None:
    slow, quick = two
    answered(slow, 60)
    answered(quick, 40)
    patient()
    under_way = []

    async def others_are_done() -> None:
        await quick_has(receiver, 40)
        under_way.append(await in_database_thread(leased, slow.engine))

    meanwhile(callback._door, others_are_done, receiver.gate.set)

    assert under_way == [callback.MAX_CALLS_PER_ENGINE], (
        "what has no place is not claimed, so that its lease cannot run out"
    )
    assert len(receiver.calls) == 100, "each is told once"
    assert not Callback.objects.exclude(state=CallbackState.DELIVERED).exists()


@pytest.mark.long
def test_a_token_server_that_hangs_holds_up_its_own_engine_alone(two: tuple[Story, Story], receiver: Receiver) -> None:
    slow, quick = two
    Engine.objects.filter(pk=slow.engine.pk).update(kind="flowable")
    token_url = f"{receiver.url}/slow/token"
    EngineAccess.objects.create(engine=slow.engine, auth="oauth2", name="a", secret="b", token_url=token_url)
    answered(slow, 60)
    answered(quick, 40)
    patient()

    meanwhile(callback._door, lambda: quick_has(receiver, 40), receiver.gate.set)

    assert len(receiver.at("/callback/slow")) >= 1
    assert Callback.objects.filter(engine=quick.engine, state=CallbackState.DELIVERED).count() == 40


def test_many_slow_engines_leave_places_for_the_others(two: tuple[Story, Story], receiver: Receiver) -> None:
    """More answers wait for slow engines than there are places at all."""
    slow, quick = two
    door = callback._door
    door.places = type(door.places)(callback._claim, callback._send, most=24, each=12)
    for number in range(3):
        answered(beside(slow, slug=f"slow-{number}", callback_url=f"{receiver.url}/slow"), 13)
    answered(quick, 10)
    patient()

    meanwhile(callback._door, lambda: quick_has(receiver, 10), receiver.gate.set)

    assert not Callback.objects.exclude(state=CallbackState.DELIVERED).exists()


def test_an_engine_whose_lists_take_long_holds_up_no_others_list(receiver: Receiver) -> None:
    with shelved() as (slow, slow_address), shelved() as (quick, quick_address):
        story = Story.begin()
        for slug, address in (("slow", slow_address), ("quick", quick_address)):
            engine = beside(story, slug=slug, kind="flowable", callback_url=address).engine
            Poll.objects.create(engine=engine, due_at=timezone.now(), swept_at=timezone.now())
        slow.asked = lambda _number: held(receiver)
        quick.put("T-1", timedelta())

        async def others_are_asked_again_and_again() -> None:
            for _ in range(3):
                quick.lists.clear()
                await in_database_thread(make_due, "quick")
                await poll._door.drain()
                await soon(lambda: quick.lists and not quick_is_asked(), "the quick one is asked, and answers")

        meanwhile(poll._door, others_are_asked_again_and_again, receiver.gate.set)

    assert len(slow.lists) == 1
    assert Poll.objects.get(engine__slug="quick").error == ""


def held(receiver: Receiver) -> None:
    receiver.gate.wait(PATIENCE_SECONDS)


def quick_is_asked() -> bool:
    return len(poll._door.places.room.taken) > 1


def make_due(slug: str) -> None:
    Poll.objects.filter(engine__slug=slug).update(due_at=timezone.now())


# --- mail -------------------------------------------------------------------------------------------------------------
@pytest.fixture
def mailbox(settings: Settings) -> Iterator[Mailbox]:
    with mail_server() as mailbox:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", mailbox.port, 60
        yield mailbox


def told_at(story: Story, domain: str, many: int) -> None:
    """A message for each of so many people there."""
    for number in range(many):
        person = RecipientFactory(ref=f"{domain}-{number}", email=f"p{number}@{domain}")
        story.send("task.assigned", {"task": {"id": person.ref, "name": "Approve", "assignee": person.ref}})
    pipeline.drain()


def delivered(channel: str) -> int:
    return Delivery.objects.filter(channel=channel, state=DeliveryState.DELIVERED).count()


def test_mail_reaches_others_while_one_domain_gets_no_reply(mailbox: Mailbox) -> None:
    story = Story.begin()
    mailbox.held = "slow.example"
    told_at(story, "slow.example", 30)
    told_at(story, "quick.example", 20)

    async def others_are_done() -> None:
        await soon(lambda: len(mailbox.mails) == 20, "all mail for the other domain is there")
        assert mailbox.waiting == registry.person_channels()[0].places.each

    sends = engine.Engine(registry.person_channels())
    meanwhile(sends, others_are_done, mailbox.gate.set)

    assert {mail["To"].split("@")[1] for mail in mailbox.mails[:20]} == {"quick.example"}
    assert (len(mailbox.mails), delivered("email")) == (50, 50)


def test_a_mail_server_that_hangs_keeps_nothing_from_the_gateway_nor_the_gateway_from_the_mail(
    mailbox: Mailbox, settings: Settings
) -> None:
    story = Story.begin()
    mailbox.held = "acme.example"
    told_at(story, "acme.example", 30)
    with gateway_on_loopback() as gateway:
        settings.APPWORKS_GATEWAY = gateway.settings()
        Category.objects.update(channels=["live", "appworks"])
        told_at(story, "apps.example", 10)

        async def the_gateway_has_all() -> None:
            await soon(lambda: len(gateway.taken) == 10, "the gateway has its messages")
            assert mailbox.mails == []

        sends = engine.Engine(registry.person_channels())
        meanwhile(sends, the_gateway_has_all, mailbox.gate.set)

    assert (delivered("email"), delivered("appworks")) == (30, 10)
