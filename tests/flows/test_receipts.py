"""A service says later what became of a message: the ledger follows, and the next channel takes over if it was lost."""

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from notifications.delivery import engine
from notifications.housekeeping import prune
from notifications.items import receipts
from notifications.items.ledger_audit import faults_since
from notifications.models import Category, DeliveryReceipt, Recipient
from notifications.routing import pipeline
from notifications.types import Json, Message
from tests.flows.channels import told
from tests.flows.test_1_task_alert import INVOICE
from tests.support.pigeon import transport
from tests.support.world import World

RECEIPTS = "/api/v1/channels/pigeon/receipts"


@pytest.fixture
def chosen(world: World, settings: Settings) -> Iterator[World]:
    """Pigeons before the mail, to Bob's phone number."""
    settings.CHANNELS = [*settings.CHANNELS, "tests.support.pigeon"]
    Category.objects.update(channels=["live", "pigeon", "email"])
    Recipient.objects.filter(ref="bob").update(phone="+49 89 5550 1234")
    yield world
    for each in (transport.carried, transport.rings, transport.storms, transport.listeners):
        each.clear()


def says(*said: Json, seal: str = "wax", expect: int = 204) -> Any:
    answer = Client().post(RECEIPTS, json.dumps(said), content_type="application/json", headers={"Seal": seal})
    assert answer.status_code == expect, answer.content
    return answer


def arrived(reference: str) -> Json:
    return {"reference": reference, "arrived": True}


def lost(reference: str, code: str = "") -> Json:
    return {"reference": reference, "arrived": False, "code": code}


def sent(world: World, *rings: str) -> str:
    transport.rings.extend(rings)
    return world.send("task.assigned", INVOICE)


def attempt(world: World, trace: str) -> Json:
    (delivery,) = [each for each in world.get(trace)["deliveries"] if each["channel"] == "pigeon"]
    found: Json = delivery["attempts"][-1]
    return found


def test_all_parts_arrived_and_the_attempt_says_so(chosen: World) -> None:
    trace = sent(chosen, "a", "b")
    assert attempt(chosen, trace)["detail"] in ("", None)

    says(arrived("a"))
    assert attempt(chosen, trace)["detail"] in ("", None)
    says(arrived("b"))

    assert told(chosen, trace)["pigeon"] == ("delivered", None)
    assert attempt(chosen, trace)["detail"] == "The network has delivered it"
    assert mail.outbox == []


def test_what_did_not_arrive_is_given_up_and_the_mail_takes_over(chosen: World) -> None:
    trace = sent(chosen, "a", "b")
    assert told(chosen, trace)["email"] == ("suppressed", "Reached in another way")

    says(arrived("a"), lost("b", "UNDELIV 011"))
    chosen.run()

    assert told(chosen, trace)["pigeon"] == ("dead", "The network has not delivered it: UNDELIV 011")
    assert attempt(chosen, trace)["succeeded"] is False
    assert told(chosen, trace)["email"][0] == "delivered"
    assert [each.to for each in mail.outbox] == [["bob@example.org"]]
    assert faults_since(timezone.now() - timedelta(days=1), timezone.now()) == []


def test_a_receipt_that_comes_before_we_have_written_down_the_name_counts_all_the_same(chosen: World) -> None:
    says(lost("a", "EXPIRED"))
    trace = sent(chosen, "a")
    chosen.run()

    assert told(chosen, trace)["pigeon"] == ("dead", "The network has not delivered it: EXPIRED")
    assert told(chosen, trace)["email"][0] == "delivered"


def test_the_first_word_counts_and_repeats_change_nothing(chosen: World) -> None:
    trace = sent(chosen, "a")
    says(arrived("a"))
    before = chosen.get(trace)["deliveries"]

    says(arrived("a"))
    says(lost("a"))
    chosen.run()

    assert chosen.get(trace)["deliveries"] == before
    assert mail.outbox == []


def test_a_name_used_again_means_the_newer_message(chosen: World) -> None:
    first = sent(chosen, "a")
    says(arrived("a"))
    transport.rings.append("a")
    second = chosen.send("task.assigned", {"task": {**INVOICE["task"], "id": "T-43"}})
    assert attempt(chosen, second)["detail"] in ("", None)

    says(lost("a"))

    assert told(chosen, first)["pigeon"][0] == "delivered"
    assert told(chosen, second)["pigeon"][0] == "dead"


def test_who_has_answered_meanwhile_is_not_told_again(chosen: World) -> None:
    sent(chosen, "a")
    chosen.respond("bob", "approve")

    says(lost("a"))
    chosen.run()

    assert mail.outbox == []


def test_only_signed_receipts_of_known_channels_are_read(chosen: World) -> None:
    trace = sent(chosen, "a")

    refused = says(lost("a"), seal="", expect=401).json()
    assert (refused["code"], refused["detail"]) == ("unauthenticated", "The seal is broken.")
    for channel in ("email", "webpush", "swans"):
        assert Client().post(f"/api/v1/channels/{channel}/receipts").status_code == 404
    assert Client().get(RECEIPTS).status_code == 405
    assert told(chosen, trace)["pigeon"] == ("delivered", None)


def test_receipts_are_kept_for_a_week(chosen: World) -> None:
    sent(chosen, "a", "b")
    says(lost("nobody's"))
    assert DeliveryReceipt.objects.count() == 3

    prune(timezone.now() + timedelta(days=6))
    assert DeliveryReceipt.objects.count() == 3
    prune(timezone.now() + timedelta(days=8))
    assert DeliveryReceipt.objects.count() == 0


def test_a_service_with_a_connection_of_its_own_is_listened_to_while_the_dispatcher_runs(chosen: World) -> None:
    trace = sent(chosen, "a")
    async_to_sync(engine.drain)()
    (keep,) = transport.listeners

    keep([transport.Receipt("a", False, "REJECTD")])  # type: ignore[operator]

    assert told(chosen, trace)["pigeon"][0] == "dead"
    async_to_sync(engine.close)()
    assert transport.listeners == []


def test_receipts_of_all_parts_may_come_at_once(chosen: World) -> None:
    """From several processes: nobody waits for each other in a circle, and all are counted."""
    names = [f"part-{number}" for number in range(8)]

    def note(name: str) -> None:
        receipts.note("pigeon", [transport.Receipt(name, True)], timezone.now())
        connection.close()

    first = sent(chosen, *names[:4])
    with ThreadPoolExecutor(8) as threads:
        noted = [threads.submit(note, name) for name in names]
        transport.rings.extend(names[4:])
        second = chosen.send("task.assigned", {"task": {**INVOICE["task"], "id": "T-43"}})
        for each in noted:
            each.result(30)

    for trace in (first, second):
        assert told(chosen, trace)["pigeon"] == ("delivered", None)
        assert attempt(chosen, trace)["detail"] == "The network has delivered it"


def test_the_connection_is_kept_until_what_is_under_way_has_ended(
    chosen: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_end = threading.Event(), threading.Event()
    listened: list[bool] = []

    def slowly(self: transport.Pigeon, address: str, message: Message, *, delivery_id: UUID, link: str) -> list[str]:
        begun.set()
        may_end.wait(30)
        listened.append(bool(transport.listeners))
        return ["a"]

    monkeypatch.setattr(transport.Pigeon, "send", slowly)
    event = {"specversion": "1.0", "id": "e-9", "source": "invoices", "type": "task.assigned", "data": INVOICE}
    chosen.post("/api/v1/events", event)
    pipeline.drain()

    async def begin_and_stop() -> None:
        await engine.drain()
        await asyncio.to_thread(begun.wait, 30)
        closing = asyncio.create_task(engine.close())
        await asyncio.sleep(0)
        may_end.set()
        await closing

    async_to_sync(begin_and_stop)()
    assert (listened, transport.listeners) == ([True], [])
