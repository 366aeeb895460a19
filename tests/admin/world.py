"""A small company whose day has gone through the real pipeline: Alice requests, Bob approves, Carol manages.

Rows are made by the code that makes them in production; only what the network would do is written down by hand.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from notifications.answers import respond
from notifications.answers.submission import Answer
from notifications.channels.base import LEASE
from notifications.connectors import credentials
from notifications.connectors.base import Result
from notifications.delivery import results
from notifications.engines import callback, callback_claims
from notifications.errors import TransportError
from notifications.intake import cloudevents, ingest
from notifications.items import ledger
from notifications.models import (
    Absence,
    AnswerMapping,
    Brand,
    Callback,
    CallbackAttempt,
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    Engine,
    Event,
    EventMapping,
    Notification,
    PausedService,
    Recipient,
    RecipientToken,
    Task,
    Team,
)
from notifications.people import devices
from notifications.reasons import said
from notifications.routing import pipeline
from notifications.types import Json, NewAddress
from tests.factories import PASSWORD, sign_in_link
from tests.support.unrecorded import unrecorded
from wfpush.crypto import digest_of, new_recipient_token
from wfpush.models import Heartbeat
from wfpush.queue import outbox

ENDPOINT = "a-secret-path"
"""Of Bob's browser: whoever knows it, and our key, could send to it."""


@dataclass
class World:
    engine: Engine
    alice: Recipient
    bob: Recipient
    carol: Recipient
    customer: Recipient
    team: Team
    api_key: str
    secret: str
    now: datetime


def person(ref: str, name: str, **fields: Any) -> Recipient:
    user = User.objects.create_user(ref, password=PASSWORD)
    return Recipient.objects.create(
        ref=ref, name=name, user=user, email=f"{ref}@acme.example", email_verified=True, **fields
    )


@unrecorded()
def build() -> World:
    now = timezone.now()
    engine = Engine.objects.create(slug="invoices", name="Invoices", callback_url="https://engine.acme.example/answers")
    _key, api_key = credentials.issue_key(engine, name="production", scopes=["events", "people"])
    _secret, secret = credentials.rotate_secret(engine, now=now)
    carol = person("carol", "Carol Castle", timezone="Europe/Berlin")
    bob = person("bob", "Bob Bauer", manager=carol, locale="de")
    alice = person("alice", "Alice Adams", manager=carol)
    customer = Recipient.objects.create(ref="C-9", name="Erin Example", engine=engine, email="erin@customer.example")
    team = Team.objects.create(slug="finance", name="Finance", lead=carol)
    team.members.set([alice, bob])
    Brand.objects.create(slug="acme", name="Acme", from_email="Acme <no-reply@acme.example>")
    EventMapping.objects.create(engine=engine, member="id", expression="taskId")
    EventMapping.objects.create(engine=engine, member="type", expression="'task.assigned'")
    AnswerMapping.objects.create(engine=engine, action="approve", outcome="approved", variables={"ok": True})
    Absence.objects.create(
        recipient=alice, begins_at=now - timedelta(days=9), ends_at=now - timedelta(days=2), delegate=bob
    )
    Heartbeat.objects.create(name="worker-1/0123456789ab", beat_at=now)
    return World(engine, alice, bob, carol, customer, team, api_key, secret, now)


def live(world: World) -> None:
    """A day: two approvals (one answered, one late), a milestone, an exception, an unknown name, an unknown type."""
    late, soon = world.now - timedelta(hours=5), world.now + timedelta(hours=2)
    progress = {
        "case": {"id": "4711", "title": "Invoice 4711", "status": "under_review"},
        "recipients": ["carol", {"ref": "C-9", "name": "Erin Example"}],
    }
    happened: list[tuple[str, Json]] = [
        ("task.assigned", invoice("T-101", 4711, assignee="bob", due=soon)),
        ("task.assigned", invoice("T-102", 4712, assignee="alice", initiator="carol", due=late)),
        ("task.assigned", invoice("T-103", 4713, candidates=["alice", "zoe"], teams=["finance"])),
        ("case.status_changed", progress),
        ("com.acme.coffee.empty", {"variables": {"floor": 3}}),
    ]
    for number, (event_type, data) in enumerate(happened, start=1):
        send(world, f"e-{number}", event_type, data, process=False)
    pipeline.drain()
    broken = send(world, "e-6", "task.assigned", invoice("T-104", 4714, assignee="carol"), process=False)
    Event.objects.filter(pk=broken.pk).update(
        status="failed",
        error="OperationalError: the database went away",
        due_at=None,
        attempts=7,
        processed_at=timezone.now(),
    )
    mails = Delivery.objects.filter(channel="email").order_by("pk")
    post(mails.get(event__event_id="e-1"), None)
    post(mails.get(event__event_id="e-2"), TransportError("550 5.1.1 No such user here", permanent=True))
    answer(world, "T-101", world.bob, "approve", "Fine with me.")
    first = Callback.objects.get(task__task_id="T-101")
    call(first, Result("later", 503, said("The engine answered 503.")))
    call(first, Result("done", 200))
    answer(world, "T-102", world.alice, "request_info", "Which cost centre?")
    call(Callback.objects.get(task__task_id="T-102"), Result("misconfigured", 401, said("The engine answered 401.")))
    Notification.objects.filter(recipient=world.bob).update(read_at=world.now)
    browser = NewAddress("webpush", f"https://web.push.apple.com/{ENDPOINT}", "endpoint", "BSender", p256dh="BKey")
    devices.register(world.bob, browser, name="Firefox on Linux", now=world.now)
    PausedService.objects.create(
        channel="webpush",
        service="push.example",
        reason_fact=said("403: the key is not accepted").as_json(),
        paused_at=world.now,
        until=world.now + timedelta(minutes=10),
    )
    sign_in_link(world.customer, expires_at=world.now + timedelta(hours=24))
    token = new_recipient_token()
    RecipientToken.objects.create(
        recipient=world.customer,
        label="portal",
        prefix=token[:12],
        digest=digest_of(token),
        expires_at=world.now + timedelta(days=30),
    )


def invoice(task_id: str, number: int, *, due: datetime | None = None, **people: Any) -> Json:
    task = {
        "id": task_id,
        "name": f"Approve invoice {number}",
        "kind": "approval",
        "initiator": "alice",
        "priority": "high",
        "actions": ["acknowledge", "approve", "reject", "request_info"],
        **people,
    }
    if due is not None:
        task["due_at"] = due.isoformat()
    return {
        "task": task,
        "case": {"id": str(number), "title": f"Invoice {number}"},
        "variables": {"amount": 1200.5, "currency": "EUR"},
    }


def send(world: World, event_id: str, event_type: str, data: Json, *, process: bool = True) -> Event:
    document = {"specversion": "1.0", "id": event_id, "source": "invoices", "type": event_type, "data": data}
    [accepted] = ingest.accept(world.engine, [cloudevents.structured(document)], timezone.now())
    if process:
        pipeline.drain()
    return Event.objects.get(pk=accepted.stored)


def answer(world: World, task_id: str, who: Recipient, action: str, comment: str = "") -> None:
    copy = Notification.objects.get(recipient=who, task=Task.objects.get(task_id=task_id))
    respond.respond(copy, Answer(action, comment, via="inbox"), now=timezone.now())


def call(waiting: Callback, result: Result) -> None:
    """What came of one call to the engine, recorded as the dispatcher records it."""
    now = timezone.now()
    Callback.objects.filter(pk=waiting.pk).update(due_at=now)
    [claimed] = outbox.claim(Callback.objects.filter(pk=waiting.pk), limit=1, lease=callback_claims.LEASE, now=now)
    CallbackAttempt.objects.create(callback=claimed, number=claimed.attempts, started_at=now)
    callback.record(claimed, result, timezone.now())


def post(delivery: Delivery, fault: TransportError | None) -> None:
    """What came of one e-mail."""
    now = timezone.now()
    [claimed] = outbox.claim(Delivery.objects.filter(pk=delivery.pk), limit=1, lease=LEASE, now=now)
    DeliveryAttempt.objects.create(delivery=claimed, number=claimed.attempts, started_at=now)
    if fault is None:
        outcome = ledger.outcome(claimed, DeliveryState.DELIVERED)
    else:
        outcome = results.after_fault(claimed, fault, has_reserve=False, now=now)
    ledger.record([outcome], timezone.now())
