"""Bob's phone gets a text message with a link that opens the item; the mail goes where that cannot."""

import asyncio
import json
import re
import socket
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from asgiref.sync import async_to_sync
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from escalations.forecast.dead_ends import dead_ends
from notifications.channel_facts import channel_name, channels_from_start, offered_channels
from notifications.channels import registry
from notifications.channels.sms.config import Http, Smpp, Sms, Status
from notifications.delivery import engine
from notifications.models import ActionToken, Category, Delivery, Limit, Recipient, Route, TemplateText
from notifications.routing import pipeline
from tests.flows.channels import channels, only_bob_is_told, told
from tests.flows.test_1_task_alert import INVOICE
from tests.support.devices import push_host
from tests.support.doctor import doctor
from tests.support.sms_gateway import STATUS_SECRET, Reply, SmsGateway, signed, sms_gateway_on_loopback
from tests.support.smsc import DROP, PASSWORD, USER, Smsc, smsc_on_loopback
from tests.support.waiting import soon
from tests.support.world import World
from wfpush.queue import outbox

UNKNOWN = "The SMS gateway may have accepted it: the connection ended before it replied. It is not sent twice."


@pytest.fixture
def chosen(world: World, settings: Settings) -> Iterator[World]:
    """Administrators put text messages before the mail; Bob's number is as he wrote it."""
    settings.OUTBOUND_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]
    channels("sms", "email")
    world.put("/api/v1/recipients/bob", {"phone": "089 / 5550-1234"})
    yield world
    engine.end()


@pytest.fixture
def smsc(chosen: World, settings: Settings) -> Iterator[Smsc]:
    with smsc_on_loopback() as started:
        smpp = Smpp("127.0.0.1", started.port, tls=False, user=USER, password=PASSWORD)
        settings.SMS = Sms(smpp, "Acme", "49", 3, 10)
        engine.begin()
        yield started


@pytest.fixture
def gateway(chosen: World, settings: Settings) -> Iterator[SmsGateway]:
    with sms_gateway_on_loopback() as started:
        http = Http(started.url, "", "", "", id="messages.0.id", status=Status(STATUS_SECRET))
        settings.SMS = Sms(http, "Acme", "49", 3, 10)
        yield started


def attempts(world: World, trace: str) -> list[Any]:
    (delivery,) = [each for each in world.get(trace)["deliveries"] if each["channel"] == "sms"]
    return [(each["succeeded"], each["detail"] or "") for each in delivery["attempts"]]


def task(number: int) -> Any:
    return {"task": {**INVOICE["task"], "id": f"T-{number}"}}


# --- what arrives -----------------------------------------------------------------------------------------------------
def test_bob_hears_once_and_the_receipt_is_in_the_trace(chosen: World, smsc: Smsc) -> None:
    trace = chosen.send("task.assigned", INVOICE)

    (part,) = smsc.taken
    assert part.target == (1, 1, "498955501234")
    assert re.fullmatch(r"[^\n]*Approve invoice 4711.*\nhttp://\S+/a/\S+", part.text, re.DOTALL)
    assert told(chosen, trace) == {
        "live": ("delivered", None),
        "sms": ("delivered", None),
        "email": ("suppressed", "Reached in another way"),
    }
    assert attempts(chosen, trace) == [(True, "")]

    assert smsc.receipt("1", "DELIVRD") == 0
    assert attempts(chosen, trace) == [(True, "The network has delivered it")]
    assert mail.outbox == []


def test_the_link_opens_the_page_and_an_answer_needs_bob_to_be_signed_in(chosen: World, smsc: Smsc) -> None:
    Route.objects.update(answer_from_email=True)  # says nothing of links that go elsewhere
    chosen.send("task.assigned", INVOICE)
    path = urlsplit(smsc.taken[0].text.rpartition("\n")[2]).path

    page = Client().get(path)
    assert page.status_code == 200 and b"Approve invoice 4711" in page.content
    for action in ("acknowledge", "approve"):
        Client().get(f"{path}?answer={action}")
        Client().post(path, {"action": action})
    assert chosen.get("/api/v1/tasks/T-42")["state"] == "open"
    assert ActionToken.objects.get().actions == []


def test_the_channel_may_have_words_of_its_own_and_never_says_the_long_body(chosen: World, smsc: Smsc) -> None:
    version = Route.objects.get(name="Tasks").template.versions.get()
    words = {"title": "Invoice 4711", "body": "The long body", "short_body": "“Shortly” – {{ variables.amount }}"}
    TemplateText.objects.create(version=version, language="en", channel="sms", **words)
    chosen.send("task.assigned", INVOICE)

    assert smsc.taken[0].text.startswith('Invoice 4711\n€1,200.50\n"Shortly" - 1200.5\nhttp')


def test_by_http_and_its_signed_status(chosen: World, gateway: SmsGateway) -> None:
    trace = chosen.send("task.assigned", INVOICE)
    assert [each["to"] for each in gateway.taken] == ["+498955501234"]

    body = json.dumps({"id": "m-1", "status": "failed", "error": "absent"}).encode()
    forged = Client().post(RECEIPTS, body, content_type="application/json", headers=signed(body, secret="guessed" * 3))
    assert (forged.status_code, told(chosen, trace)["sms"][0]) == (401, "delivered")
    for _ in range(2):
        status = Client().post(RECEIPTS, body, content_type="application/json", headers=signed(body))
        assert status.status_code == 204, status.content
        chosen.run()

    assert told(chosen, trace)["sms"] == ("dead", "The network has not delivered it: failed absent")
    assert told(chosen, trace)["email"][0] == "delivered"
    assert len(mail.outbox) == 1


RECEIPTS = "/api/v1/channels/sms/receipts"


# --- where it cannot go -----------------------------------------------------------------------------------------------
def test_a_phone_that_was_not_reached_leaves_it_to_the_mail(chosen: World, smsc: Smsc) -> None:
    trace = chosen.send("task.assigned", INVOICE)

    assert smsc.receipt("1", "UNDELIV", "011") == 0
    chosen.run()

    assert told(chosen, trace)["sms"] == ("dead", "The network has not delivered it: UNDELIV 011")
    assert told(chosen, trace)["email"][0] == "delivered"
    assert smsc.receipt("1", "DELIVRD") == 0  # too late
    assert told(chosen, trace)["sms"][0] == "dead"


def test_an_smsc_that_is_busy_gets_it_later(chosen: World, smsc: Smsc) -> None:
    channels("sms")
    smsc.statuses = [0x58]
    trace = chosen.send("task.assigned", INVOICE)
    state, reason = told(chosen, trace)["sms"]
    assert state == "pending" and "asks to wait: ESME_RTHROTTLED" in (reason or "")

    smsc.until(lambda: smsc.refused)
    engine.end()  # a new session knows nothing of the wait
    with time_machine.travel(timezone.now() + timedelta(minutes=1), tick=False):
        chosen.run()
    assert told(chosen, trace)["sms"] == ("delivered", None)
    assert len(smsc.taken) == 1


def test_a_refused_password_loses_nothing_and_the_doctor_says_so(chosen: World, smsc: Smsc, settings: Settings) -> None:
    channels("sms")
    engine.end()
    smsc.password = "changed by the provider"
    trace = chosen.send("task.assigned", INVOICE)
    state, reason = told(chosen, trace)["sms"]
    assert state == "pending"
    assert reason == "The SMS gateway refuses us (SMS_USER, SMS_PASSWORD, SMS_SENDER): ESME_RINVPASWD"
    assert "127.0.0.1 refuses us since" in doctor()

    engine.end()
    smsc.password = PASSWORD
    with time_machine.travel(timezone.now() + timedelta(minutes=10), tick=False):
        chosen.run()
        assert told(chosen, trace)["sms"] == ("delivered", None)
        assert "refuses us" not in doctor()


def test_a_number_that_does_not_exist_leaves_it_to_the_mail_at_once(chosen: World, smsc: Smsc) -> None:
    smsc.statuses = [0x0B]
    trace = chosen.send("task.assigned", INVOICE)
    chosen.run()

    assert told(chosen, trace)["sms"] == ("dead", "The SMS gateway knows no such number: ESME_RINVDSTADR")
    assert told(chosen, trace)["email"][0] == "delivered"


def test_a_connection_that_ends_in_the_middle_sends_nothing_twice_and_says_that_it_does_not_know(
    chosen: World, smsc: Smsc
) -> None:
    smsc.statuses = [DROP]
    trace = chosen.send("task.assigned", INVOICE)
    with time_machine.travel(timezone.now() + timedelta(minutes=10), tick=False):
        chosen.run()

    assert told(chosen, trace)["sms"] == ("dead", UNKNOWN)
    assert told(chosen, trace)["email"][0] == "delivered"
    assert len(smsc.taken) == 1


def test_a_dispatcher_that_is_killed_in_the_middle_sends_nothing_twice(chosen: World, smsc: Smsc) -> None:
    channels("sms")
    trace = chosen.send("task.assigned", INVOICE)
    row = Delivery.objects.get(channel="sms")
    row.attempt_log.update(ended_at=None, succeeded=None)  # it was sent, and nobody wrote down what came of it
    Delivery.objects.filter(pk=row.pk).update(state="pending", ended_at=None)
    outbox.make_due(Delivery.objects.filter(pk=row.pk), timezone.now())
    chosen.run()

    assert told(chosen, trace)["sms"] == (
        "dead",
        "An earlier attempt may have arrived, and it is not sent twice",
    )
    assert len(smsc.taken) == 1


@pytest.mark.parametrize("usual", [2, 10])
def test_more_than_some_an_hour_go_by_mail(chosen: World, smsc: Smsc, settings: Settings, usual: int) -> None:
    settings.SMS = Sms(settings.SMS.gateway, "Acme", "49", 3, usual)
    if usual != 2:
        Limit.objects.create(channel="sms", most=2)
    traces = [chosen.send("task.assigned", task(number)) for number in (1, 2, 3)]

    assert [told(chosen, trace)["sms"][0] for trace in traces] == ["delivered", "delivered", "suppressed"]
    assert told(chosen, traces[2])["sms"][1] == "This person has got 2 messages this way within an hour"
    assert len(smsc.taken) == 2 and len(mail.outbox) == 1


def test_a_gateway_that_hangs_keeps_nothing_from_mail_and_browsers(chosen: World, settings: Settings) -> None:
    """It takes connections and says nothing: 20 text messages wait for it, and everything else is sent as usual."""
    settings.PUSH_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]
    with push_host() as browsers, socket.create_server(("127.0.0.1", 0)) as hanging:
        smpp = Smpp("127.0.0.1", hanging.getsockname()[1], tls=False, user=USER, password=PASSWORD, patience=30)
        settings.SMS = Sms(smpp, "Acme", "49", 3, 100)
        browsers.subscribe(Recipient.objects.get(ref="carol"), "carols")
        channels("sms")
        plan(chosen, "bob", 20)
        channels("webpush", "email")
        plan(chosen, "alice", 5)
        plan(chosen, "carol", 5)

        async def turn() -> None:
            sends = engine.Engine(list(registry.channels().values()))
            await sends.drain()
            try:
                await soon(lambda: len(mail.outbox) == browsers.count == 5, "mail and browsers have theirs")
            finally:
                hanging.close()
                await asyncio.to_thread(engine.end)
            await sends.idle()
            await sends.close()

        async_to_sync(turn)()
    assert Delivery.objects.filter(channel="sms", state="pending").count() == 20


def plan(world: World, assignee: str, many: int) -> None:
    """So many messages, none of which is sent yet."""
    for number in range(many):
        data = {"task": {**INVOICE["task"], "id": f"{assignee}-{number}", "assignee": assignee}}
        event = {"specversion": "1.0", "id": data["task"]["id"], "source": "invoices", "type": "task.assigned"}
        world.post("/api/v1/events", {**event, "data": data})
    pipeline.drain()


def test_who_has_no_number_hears_elsewhere_and_the_trace_says_why(chosen: World, smsc: Smsc) -> None:
    for phone in ("", "extension 12"):
        chosen.put("/api/v1/recipients/bob", {"phone": phone})
        trace = chosen.send("task.assigned", task(len(phone)))
        assert told(chosen, trace)["sms"] == ("suppressed", "No phone number is known.")
        assert told(chosen, trace)["email"][0] == "delivered"
    assert smsc.taken == []


# --- what administrators see ------------------------------------------------------------------------------------------


def test_an_installation_without_sms_has_no_such_channel(world: World, settings: Settings) -> None:
    assert settings.SMS is None
    assert "sms" not in (*offered_channels(), *channels_from_start(), *Category().channels)
    assert "SMS" not in doctor() and "sms" not in doctor()

    channels("sms", "email")  # it was taken away
    Recipient.objects.filter(ref="bob").update(phone="+49 89 5550 1234")
    trace = world.send("task.assigned", INVOICE)
    assert told(world, trace) == {"live": ("delivered", None), "email": ("delivered", None)}
    assert "sms is among the channels of Approvals" in doctor()
    assert Client().post(RECEIPTS).status_code == 404


def test_it_is_offered_where_it_is_set_up(chosen: World, smsc: Smsc) -> None:
    assert "sms" in offered_channels()
    assert channel_name("sms") == "SMS"


def test_who_has_a_phone_alone_is_no_dead_end(chosen: World, smsc: Smsc, settings: Settings) -> None:
    channels("sms")
    only_bob_is_told()
    assert dead_ends(timezone.now()) == []


def test_the_doctor_looks_whether_the_gateway_answers_and_whose_numbers_can_be_read(
    chosen: World, smsc: Smsc, settings: Settings
) -> None:
    Recipient.objects.filter(ref="carol").update(phone="reception")
    said = doctor()
    assert "SMS gateway: 127.0.0.1, 1 people have phone numbers; 1 numbers cannot be read" in said
    assert PASSWORD not in said

    smsc.stop()
    assert "does not answer" in doctor()


def test_the_doctor_says_where_an_http_gateway_may_not_be_called(
    chosen: World, gateway: SmsGateway, settings: Settings
) -> None:
    settings.OUTBOUND_ALLOWED_CIDRS = []
    assert "SMS_URL: 127.0.0.1 is a loopback address. wfpush does not call it unless" in doctor()


def test_secrets_are_in_no_trace(chosen: World, gateway: SmsGateway, settings: Settings) -> None:
    http = Http(gateway.url, "acme", "s3cret/+word", "", id="messages.0.id")
    settings.SMS = Sms(http, "Acme", "49", 3, 10)
    gateway.replies = [Reply(403, "acme:s3cret/+word is wrong")]
    trace = chosen.send("task.assigned", INVOICE)
    chosen.run()

    assert "s3cret" not in json.dumps(chosen.get(trace))
    assert told(chosen, trace)["email"][0] == "delivered"
