"""Engines with webhooks: one that does as documented conforms, and each deviation is found on its line."""

import json

import pytest

from notifications.conformance import callbacks
from notifications.conformance.contract import Options
from notifications.conformance.receiver import Receiver
from notifications.conformance.report import Report
from notifications.conformance.tests.runs import API_KEY, KEY, keys, run_webhook_kit
from notifications.conformance.tests.webhook_engine import WebhookEngine
from notifications.connectors import signatures
from notifications.types import InboundEvent
from tests.support.documentation import blocks

NEVER_COMES = {"tasks", "reassignment", "again"}
"""Lines that wait for an event. Where they differ, the kit waits for all the time that it is given."""


async def run_kit(*quirks: str, name: str = f"Approve {KEY}", seconds: float = 10) -> Report:
    """`seconds`: how long the kit waits for an event."""
    secret = signatures.new_secret()
    engine = WebhookEngine(API_KEY, secret, quirks)
    await engine.start()

    async def begin(events_url: str) -> None:
        engine.wfpush = events_url
        for number in range(callbacks.TASKS):
            await engine.open(f"T-{number}", name)

    try:
        return await run_webhook_kit(engine.url, secret, begin, patience=seconds, by_hand=seconds)
    finally:
        await engine.stop()


async def test_an_engine_as_documented_conforms() -> None:
    report = await run_kit()

    assert keys(report, "works") == {line.key for line in callbacks.LINES}, report.findings


async def test_an_engine_may_keep_its_tasks_where_they_are() -> None:
    report = await run_kit("keeps tasks")

    assert report.is_good
    assert keys(report, "not offered here") == {"reassignment"}


QUIRKS = [
    ("no tests", "test"),
    ("known types", "unknown-type"),
    ("nobody", "tasks format"),
    ("signs wrongly", "tasks sign-in"),
    ("same ids", "tasks ids"),
    ("slow clock", "time"),
    ("gives up", "tasks again"),
    ("new id", "again"),
    ("anybody", "wrong-signature old-signature"),
    ("any age", "old-signature"),
    ("one signature", "rotation"),
    ("no messages", "before-answer after-answer"),
    ("any action", "refused"),
    ("no reason", "refused"),
    ("unknown counts", "unknown-task"),
    ("says nothing", "reassignment"),
    ("slow", "accepted rotation"),
    ("takes repeats for others", "repeated"),
    ("second counts", "second-answer"),
    ("late questions are faults", "after-answer"),
    ("opens again", "stays-closed"),
]


@pytest.mark.parametrize(("quirk", "found"), QUIRKS)
async def test_a_deviation_is_found_on_its_line(quirk: str, found: str) -> None:
    report = await run_kit(quirk, seconds=10 if NEVER_COMES.isdisjoint(found.split()) else 1)

    assert keys(report, "differs") == set(found.split()), report.findings


async def test_tasks_of_others_are_not_touched() -> None:
    report = await run_kit(name="Approve the real order", seconds=1)

    assert keys(report, "differs") == {"tasks"}
    assert any("events of other tasks" in sentence for sentence in report.left)


def test_each_line_can_be_found_to_differ() -> None:
    assert {line.key for line in callbacks.LINES} == {key for _, found in QUIRKS for key in found.split()}


def test_answers_have_the_members_that_the_api_documents() -> None:
    (documented,) = (
        json.loads(block) for block in blocks("docs/api/callbacks.md", "json") if '"task.responded"' in block
    )
    receiver = Receiver(API_KEY, "", KEY)
    data = {"task": {"id": "T-42", "name": KEY, "assignee": "bob"}, "case": {"id": "4711"}}
    receiver.events.append(InboundEvent("e-1", "/kit", "task.assigned", data, ""))
    answer = callbacks.WebhookTrial(receiver, None, "", Options(0, ("bob", "carol"))).answer("T-42")

    assert set(answer) == set(documented)
    assert set(answer["data"]) == set(documented["data"])
