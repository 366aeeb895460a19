"""One person is in every corner of an installation, among others, and is erased: nothing of them is found anywhere."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from notifications.inbox.sign_in.session import BACKEND
from notifications.items.ledger_audit import faults_since, sums_since
from notifications.models import Callback, Case, Delivery, Event, Farewell, Notification, Recipient, Response, Task
from notifications.retention import columns, erasing, rules, scrubbing
from notifications.retention.columns import model_of
from notifications.retention.models import Erasure, ErasureState, LegalHold
from notifications.retention.tests import scan
from notifications.retention.tests.planting import COMMENT, EMAIL, MARKS, NAME, REF, assigned, plant
from tests.factories import PASSWORD
from tests.support.receiver import receiving
from tests.support.world import World
from wfpush.observability.logging import QuietStreamHandler
from wfpush.queue import outbox

pytestmark = pytest.mark.django_db(transaction=True)


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
    rest = plant_the_rest()
    planted = scan.found(MARKS)
    assert set(MARKS) - {"777555123", "777-555-123"} <= set(planted), "what is to be erased must be there first"
    assert rows_of(person) == {f"{label}.{field}" for label, field in columns.going()}
    others, before = {ref: state_of(ref) for ref in ("alice", "bob", "carol")}, sums()

    erasure = erase(person)

    assert erasure.state == ErasureState.DONE, (erasure.step, erasure.left, erasure.held)
    written = next(each for each in logging.getLogger().handlers if isinstance(each, QuietStreamHandler))
    logged = [("log", written.format(record)) for record in caplog.records]
    assert len(logged) > 30
    assert scan.found(MARKS, [*logged, *exports(root)]) == {}
    for each in rest:
        each.write(each.before)
    assert not rows_of(person)
    assert {ref: state_of(ref) for ref in others} == others
    assert sums() == before
    opens(world, root, person)


def rows_of(person: Recipient) -> set[str]:
    """Of references that go with a person those that there are."""
    return {
        f"{label}.{field}"
        for label, field in columns.going()
        if model_of(label)._base_manager.filter(**{field: person}).exists()
    }


def plant_the_rest() -> list[scan.Planted]:
    """So that no column is forgotten: where none of that has written of the person, somebody may have."""
    planted = {each: scan.plant(*each, REF, NAME) for each in scan.unplanted(MARKS)}
    empty = [each for each, done in planted.items() if done is None]
    assert not empty, f"No row to plant in: {empty}. Make one in notifications/retention/tests/planting.py."
    assert scan.unplanted(MARKS) == []
    return [each for each in planted.values() if each is not None]


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
    assert rules.lift(hold, root_user(), timezone.now()) and not rules.lift(hold, root_user(), timezone.now())
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
