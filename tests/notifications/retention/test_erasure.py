"""One person is in every corner of an installation, among others, and is erased: nothing of them is found anywhere."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_q.models import Failure
from pytest_django import Settings

from escalations.models import Escalation, Policy, StepRun
from notifications.inbox.session import BACKEND
from notifications.items import gathered
from notifications.items.ledger_audit import faults_since, sums_since
from notifications.models import (
    Brand,
    Callback,
    Case,
    ConnectedAccount,
    Delivery,
    Engine,
    Erasure,
    ErasureState,
    Event,
    EventType,
    Farewell,
    LegalHold,
    Notification,
    Recipient,
    RefusedAnswer,
    Response,
    SearchedPart,
    Task,
    Template,
)
from notifications.people import devices
from notifications.retention import erasing, holds, scrubbing
from notifications.types import Json, NewAddress
from tests.factories import PASSWORD
from tests.notifications.retention import scan
from tests.support.receiver import receiving
from tests.support.world import World
from wfpush.observability.logging import QuietStreamHandler
from wfpush.queue import outbox

pytestmark = pytest.mark.django_db(transaction=True)

REF, NAME, FORMER = "zdenka.planted", "Zdenka Plantedová", "Zdenka Dawnová"
EMAIL, PHONE = "zdenka@planted.example", "+420 777 555 123"
COMMENT = "The vermilion walrus must not be told about the third invoice of this month"
QUESTION, REPLY, SHORT = "Which heliotrope cost centre shall it be?", "Take the marzipan budget.", "ok then"
VALUE, CONTENT, FILE = "aubergine parlour", b"a secret gramophone of hers", "holiday-pelican.txt"
MARKS = [
    "zdenka", "plantedov", "dawnov", "planted.example", "777 555 123", "777555123", "777-555-123", "vermilion",
    "heliotrope", "marzipan", "aubergine", "gramophone", "pelican", "her own cactus",
]  # fmt: skip
FORM: Json = {
    "schema": {
        "type": "object",
        "properties": {"room": {"type": "string", "title": "Room"}, "count": {"type": "integer"}},
    }
}


@pytest.fixture
def world(settings: Settings, transactional_db: None) -> Iterator[World]:
    settings.OUTBOUND_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    with receiving() as receiver:
        yield World.begin(receiver)


@pytest.fixture
def root(world: World) -> Client:
    User.objects.create_superuser("root", password=PASSWORD)
    client = Client()
    client.force_login(User.objects.get(username="root"), backend=BACKEND)
    return client


def plant(world: World, root: Client, monkeypatch: pytest.MonkeyPatch) -> Recipient:
    """Everything that the product lets happen to a person."""
    user = User.objects.create_user(REF, EMAIL, PASSWORD, first_name="Zdenka", last_name="Plantedová")
    old = "old@planted.example"
    person = Recipient.objects.create(ref=REF, name=FORMER, user=user, email=old, phone="+420 1 777555123")
    person.name, person.email, person.phone, person.email_verified = NAME, EMAIL, PHONE, True
    person.manager = Recipient.objects.get(ref="carol")
    person.save()
    Policy.objects.create(name=f"Deputy of {NAME}", clock="duration", minutes=240, time="wall")
    at_the_desk(root, person)
    signs_in(person)
    has_things(world, person)
    decides(world)
    is_spoken_of(world)
    converses(world)
    by_hand(person)
    monkeypatch.setattr(gathered, "GATHERED_FROM", 1)
    gathered.gather()
    assert SearchedPart.objects.exists()
    return person


def at_the_desk(root: Client, person: Recipient) -> None:
    change = reverse("admin:notifications_recipient_change", args=[person.pk])
    page = root.get(change)
    assert page.status_code == 200
    file = f"ref,name,email\n{REF},{NAME},{EMAIL}\n"
    uploaded = SimpleUploadedFile("people.csv", file.encode())
    assert root.post(reverse("admin:notifications_recipient_import_rows"), {"file": uploaded}).status_code == 302
    root.post(reverse("admin:notifications_recipient_send_link", args=[person.pk]))
    LogEntry.objects.log_actions(
        User.objects.get(username="root").pk, [person], 2, [{"changed": {"name": NAME, "fields": [EMAIL]}}]
    )


def signs_in(person: Recipient) -> None:
    for name in (REF, EMAIL):
        Client().post("/sign-in", {"username": name, "password": "wrong"})
    browser = Client()
    assert browser.post("/sign-in", {"username": REF, "password": PASSWORD}).status_code == 302
    browser.post("/views", {"name": "her own cactus", "query": "q=her+own+cactus"})
    phone = NewAddress("webpush", "https://web.push.apple.com/pelican", "endpoint", "BSender", p256dh="BKey")
    devices.register(person, phone, name="Phone of Zdenka", now=timezone.now())


def has_things(world: World, person: Recipient) -> None:
    now = timezone.now()
    away = {"from": (now + timedelta(days=3)).isoformat(), "to": (now + timedelta(days=4)).isoformat()}
    assert world.ask("put", "/api/v1/absence", REF, {**away, "delegate": "bob"}).status_code == 200
    ConnectedAccount.objects.create(
        engine=Engine.objects.get(), recipient=person, name=EMAIL, given_for="x", access_token="t", expires_at=now,
        connected_at=now,
    )  # fmt: skip


def assigned(world: World, number: str, **task: Any) -> None:
    said = {"id": number, "name": f"Approve invoice {number}", "initiator": "alice", **task}
    case = {"id": f"case-{number}", "title": f"Invoice {number} of {NAME}", "roles": {"auditor": REF}}
    world.send("task.assigned", {"task": said, "case": case})


def decides(world: World) -> None:
    assigned(world, "T-1", candidates=[REF, "bob"], form=FORM)
    item = next(each for each in world.inbox(REF) if each["task"])
    answer = {"action": "approve", "comment": COMMENT, "values": {"room": VALUE, "count": 3}}
    path = f"/api/v1/notifications/{item['id']}/responses"
    said = world.ask("post", path, REF, answer, **{"Idempotency-Key": "zdenka-1"})
    assert said.status_code == 201, said.content
    world.run()
    result = {"action": "approve", "by": {"ref": REF, "name": NAME}, "comment": COMMENT}
    world.send("task.completed", {"task": {"id": "T-1", "result": result}})
    follows = {"id": "T-2", "name": "Pay it anyway", "assignee": "carol", "description": f"{NAME} said: {COMMENT}."}
    world.send("task.assigned", {"task": follows, "case": {"id": "case-T-1"}, "variables": {"room": VALUE}})


def is_spoken_of(world: World) -> None:
    her = {"ref": REF, "name": NAME, "phone": "+420-777-555-123", "email": EMAIL.upper()}
    visit = {"id": "T-3", "name": f"Visit {NAME}", "assignee": "bob", "description": f"Ring 00420 {PHONE[5:]} first"}
    world.send("task.assigned", {"task": visit, "customer": her, "variables": {"requester": REF, "mail": EMAIL}})
    world.send("com.acme.nobody.hears", {"variables": {"who": f"{FORMER} <{EMAIL}>"}, "recipients": [REF]})
    assigned(world, "T-4", assignee=REF)
    world.send("task.assigned", {"task": {"id": "T-4", "name": "Approve invoice T-4", "assignee": "bob"}})
    world.respond("bob", "approve", f"As {NAME} wished, see {EMAIL}")


def converses(world: World) -> None:
    assigned(world, "T-5", candidates=[REF, "bob"])
    kept = world.client.post(
        f"/api/v1/attachments?name={FILE}", CONTENT, content_type="application/octet-stream", headers=world._as(REF)
    )
    assert kept.status_code == 201, kept.content
    asks = {"kind": "question", "text": QUESTION, "to": ["alice"], "attachments": [kept.json()["id"]]}
    assert world.ask("post", "/api/v1/tasks/T-5/messages", REF, asks).status_code == 201
    world.run()
    world.reply("alice", f"Dear {NAME}, all of it.")
    for text in (REPLY, SHORT):
        told = {"kind": "comment", "text": text, "to": ["bob"]}
        assert world.ask("post", "/api/v1/tasks/T-5/messages", REF, told).status_code == 201
    assert (
        world.ask("post", "/api/v1/tasks/T-5/messages", "bob", {"text": "my own words", "to": [REF]}).status_code == 201
    )
    world.run()


def by_hand(person: Recipient) -> None:
    """What takes too long to bring about."""
    now, task = timezone.now(), Task.objects.get(task_id="T-5")
    RefusedAnswer.objects.create(
        task=task, recipient=person, action="approve", comment=COMMENT, via="inbox", rule="Four eyes",
        why=f"{NAME} began it", why_fact={"code": "said", "text": f"{NAME} began it"}, at=now,
    )  # fmt: skip
    told = [{"ref": REF, "name": NAME, "channels": [{"channel": "email", "to": EMAIL}]}]
    clock = Escalation.objects.filter(task=task)[0]
    done = {"due_at": now, "ran_at": now, "result": "done", "told": told}
    StepRun.objects.create(escalation=clock, rules=clock.rules, step=1, **done)
    EventType.objects.filter(name="task.assigned").update(sample={"task": {"assignee": REF}, "note": NAME})
    Brand.objects.create(slug="hers", name="Hers", contact=f"Ask {NAME}")
    Template.objects.create(slug="t", name=f"Letter to {NAME}")
    failed = {"name": "x", "func": "x", "started": now, "stopped": now, "success": False}
    Failure.objects.create(id="f" * 32, result=f"KeyError: {EMAIL}", **failed)


def erase(person: Recipient) -> Erasure:
    """Order it, and do what workers do until it is done. Engines and devices have been told everything by then."""
    erasing.order(person, User.objects.get(username="root"), timezone.now())
    Farewell.objects.all().delete()
    run()
    return Erasure.objects.get()


def run() -> None:
    for _ in range(3):
        Erasure.objects.exclude(due_at=None).update(due_at=timezone.now())
        erasing.drain()


def state_of(ref: str) -> Any:
    """What others have, as far as it has nothing to do with the person."""
    person = Recipient.objects.get(ref=ref)
    items = Notification.objects.filter(recipient=person).order_by("pk")
    return (
        list(Recipient.objects.filter(pk=person.pk).values("ref", "name", "email", "phone", "active", "manager")),
        list(items.values_list("pk", "state", "task", "category", "read_at", "updated_at")),
        list(Response.objects.filter(recipient=person).values_list("pk", "action", "at")),
        list(Delivery.objects.filter(recipient=person).values_list("pk", "state", "address", "shown_to")),
    )


def sums() -> str:
    since = timezone.now() - timedelta(days=7)
    assert faults_since(since, timezone.now()) == []
    found = sums_since(since)
    return f"{found.events} {found.made} {found.total}"


def test_nothing_of_an_erased_person_is_found_anywhere(
    world: World, root: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    person = plant(world, root, monkeypatch)
    planted = scan.found(MARKS)
    assert set(MARKS) - {"777555123", "777-555-123"} <= set(planted), "what is to be erased must be there first"
    others, before = {ref: state_of(ref) for ref in ("alice", "bob", "carol")}, sums()

    erasure = erase(person)

    assert erasure.state == ErasureState.DONE, (erasure.step, erasure.left, erasure.held)
    written = next(each for each in logging.getLogger().handlers if isinstance(each, QuietStreamHandler))
    logged = [("log", written.format(record)) for record in caplog.records]
    assert len(logged) > 30
    assert scan.found(MARKS, [*logged, *exports(root)]) == {}
    assert {ref: state_of(ref) for ref in others} == others
    assert sums() == before
    opens(world, root, person)


def exports(root: Client) -> Iterator[tuple[str, str]]:
    people = root.get(reverse("admin:notifications_recipient_export_rows"), {"kind": "csv"})
    yield "the list of people", people.content.decode()


def opens(world: World, root: Client, person: Recipient) -> None:
    """Pages of the desk and the inboxes of others, with their own words."""
    for ref in ("alice", "bob", "carol"):
        browser = world.signed_in(ref)
        for item in world.inbox(ref):
            assert browser.get(f"/n/{item['id']}").status_code == 200
    assert "my own words" in str(world.ask("get", "/api/v1/tasks/T-5/messages", "bob").json())
    person.refresh_from_db()
    for row in [person, *Event.objects.all(), *Task.objects.all(), *Response.objects.all()]:
        page = root.get(reverse(f"admin:notifications_{row._meta.model_name}_change", args=[row.pk]))
        assert page.status_code == 200, row
    assert root.get(reverse("admin:notifications_recipient_history", args=[person.pk])).status_code == 200


def test_held_cases_and_engines_that_wait_are_erased_later(world: World, root: Client) -> None:
    user = User.objects.create_user(REF, EMAIL, PASSWORD)
    person = Recipient.objects.create(ref=REF, name=NAME, user=user, email=EMAIL)
    for number in ("T-1", "T-2", "T-3"):
        assigned(world, number, assignee=REF)
    answered(world, "T-1", "T-2")
    world.receiver.answer(503)
    answered(world, "T-3")
    held = Case.objects.get(case_id="case-T-1")
    hold = LegalHold.objects.create(case=held, why="a lawsuit", since=timezone.now())

    erasure = erase(person)

    comments = dict(Response.objects.values_list("task__task_id", "comment"))
    assert comments == {"T-1": COMMENT, "T-2": "[…]", "T-3": COMMENT}
    assert erasure.state == ErasureState.RUNNING and erasure.left and erasure.held
    assert erasure.due_at is not None
    world.receiver.answer(204)
    Callback.objects.filter(due_at__isnull=False).update(due_at=timezone.now())
    world.run()
    assert NAME in world.receiver.calls[-1].body.decode(), "the engine is told what was answered"

    run()
    erasure.refresh_from_db()
    assert erasure.state == ErasureState.HELD and erasure.terms and not erasure.left
    assert {where.split(":")[0] for each in scan.found(["vermilion"]).values() for where in each} <= {
        "notifications_response", "notifications_callback", "notifications_case",
    }  # fmt: skip
    assert holds.lift(hold, root_user(), timezone.now()) and not holds.lift(hold, root_user(), timezone.now())
    run()
    erasure.refresh_from_db()
    assert erasure.state == ErasureState.DONE and not erasure.terms
    assert scan.found(MARKS) == {}


def answered(world: World, *tasks: str) -> None:
    for item in world.inbox(REF):
        if item["task"]["id"] in tasks:
            path = f"/api/v1/notifications/{item['id']}/responses"
            assert world.ask("post", path, REF, {"action": "approve", "comment": COMMENT}).status_code == 201
    world.run()


def root_user() -> User:
    return User.objects.get(username="root")


def test_a_namesake_and_short_refs_are_not_taken_for_the_person(world: World, root: Client) -> None:
    """A ref that is a number, or very short, is a person's only where JSON names people."""
    person = Recipient.objects.create(ref="4711", name="Ada")
    other = Recipient.objects.create(ref="ada.b", name="Ada Byron")
    her = {"ref": "4711", "name": "Ada L."}
    task = {"id": "T-4711", "name": "Pay 4711 to Adaptec", "assignee": "bob", "initiator": "4711"}
    world.send(
        "task.assigned", {"task": task, "case": {"id": "4711"}, "customer": her, "variables": {"number": "4711"}}
    )

    erase(person)

    event = Event.objects.exclude(task=None).get()
    token = Recipient.objects.get(pk=person.pk).ref
    assert event.data["task"] == {**task, "initiator": token}
    assert event.data["customer"] == {"ref": token, "name": token}
    assert event.data["variables"] == {"number": "4711"} and event.data["case"] == {"id": "4711"}
    other.refresh_from_db()
    assert (other.ref, other.name) == ("ada.b", "Ada Byron")
    assert Case.objects.get().case_id == "4711" and Task.objects.get().task_id == "T-4711"


def test_it_goes_on_where_a_worker_was_ended(world: World, root: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step is one transaction with how far it has come, and two workers do not do it twice."""
    monkeypatch.setattr(scrubbing, "AT_ONCE", 4)
    monkeypatch.setattr(outbox, "TURN_SECONDS", 0.05)
    monkeypatch.setattr(outbox, "wake", lambda source: None)
    for number in range(6):
        assigned(world, f"T-{number}", assignee="bob", description=f"for {NAME}")
    person = Recipient.objects.create(ref=REF, name=NAME)
    erasing.order(person, None, timezone.now())
    seen = set()
    for _ in range(400):
        Erasure.objects.exclude(due_at=None).update(due_at=timezone.now(), lease_until=None, lease_token=None)
        erasing.drain()
        seen.add(Erasure.objects.values_list("step", "cursor").get())
        if Erasure.objects.get().state == ErasureState.DONE:
            break
    assert Erasure.objects.get().state == ErasureState.DONE and len(seen) > 3
    assert scan.found(["plantedov"]) == {}
