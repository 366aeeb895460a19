"""Puts one person into every corner of an installation, among others."""

from datetime import time, timedelta
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest
from axes.models import AccessFailureLog
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_q.models import Failure

from escalations.models import BusinessCalendar, Escalation, PersonCalendar, Policy, StepRun
from notifications.absences.entering import sign
from notifications.absences.models import AbsenceFeed, HandedOver
from notifications.items import search_index
from notifications.models import (
    Absence,
    AbsencePart,
    ActionToken,
    AnswerMapping,
    Brand,
    Case,
    CaseList,
    Category,
    CategoryChoice,
    CategoryDefault,
    ConnectedAccount,
    Delivery,
    Engine,
    EventMapping,
    EventType,
    FollowedKind,
    FourEyesRule,
    Limit,
    LinkRequest,
    MutedCase,
    PausedService,
    Poll,
    PolledTask,
    Preferences,
    QuietHours,
    Recipient,
    RefusedAnswer,
    Route,
    SearchedPart,
    SignInLink,
    Task,
    Team,
    Template,
)
from notifications.models.history import record_parts
from notifications.people import devices
from notifications.retention.models import LegalHold, RetentionRule
from notifications.types import Json, NewAddress
from tests.factories import PASSWORD
from tests.support.world import World
from wfpush.models import ServiceState

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
    chooses(world, person)
    add_what_features_have(world, person)
    one_row_each()
    monkeypatch.setattr(search_index, "GATHERED_FROM", 1)
    search_index.gather()
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
    SignInLink.objects.create(recipient=person, digest="s" * 64, next=f"/?q={REF}", expires_at=timezone.now())
    phone = NewAddress("webpush", "https://web.push.apple.com/pelican", "endpoint", "BSender", p256dh="BKey")
    devices.register(person, phone, name="Phone of Zdenka", now=timezone.now())
    LinkRequest.objects.create(email=EMAIL, next=f"/?q={REF}", created_at=timezone.now())


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
        why_fact={"code": "said", "text": f"{NAME} began it"}, at=now,
    )  # fmt: skip
    told = [{"ref": REF, "name": NAME, "channels": [{"channel": "email", "to": EMAIL}]}]
    clock = Escalation.objects.filter(task=task)[0]
    done = {"due_at": now, "ran_at": now, "result": "done", "told": told}
    StepRun.objects.create(escalation=clock, rules=clock.rules, step=1, **done)
    row = Delivery.objects.filter(recipient=person).latest("pk")
    ActionToken.objects.create(
        recipient=person, notification=row.notification, delivery=row, digest="a" * 64, expires_at=now
    )
    EventType.objects.filter(name="task.assigned").update(sample={"task": {"assignee": REF}, "note": NAME})
    Brand.objects.create(slug="hers", name="Hers", contact=f"Ask {NAME}")
    Template.objects.create(slug="t", name=f"Letter to {NAME}")
    failed = {"name": "x", "func": "x", "started": now, "stopped": now, "success": False}
    session = import_module(settings.SESSION_ENGINE).SessionStore()  # somebody else's
    session["remembered"] = {"assignee": REF, "note": NAME}
    session.save()
    Failure.objects.create(id="f" * 32, result=f"KeyError: {EMAIL}", **failed)


def chooses(world: World, person: Recipient) -> None:
    """How they are reached, what they follow, who stands in for them, and for whom they do."""
    now, bob, case = timezone.now(), Recipient.objects.get(ref="bob"), Case.objects.get(case_id="case-T-1")
    Preferences.objects.create(recipient=person, digest_times=[time(8, 17)], most_an_hour=3)
    QuietHours.objects.create(recipient=person, days=[0, 1], begins=time(22), ends=time(7))
    for category in Category.objects.all():
        CategoryChoice.objects.create(recipient=person, category=category, channels={"sms": False}, frequency="digest")
    world.follow(REF, case.case_id)
    MutedCase.objects.create(recipient=person, case=case)
    FollowedKind.objects.create(recipient=person, engine=Engine.objects.get(), case_type="repair")
    CaseList.objects.create(case_type="repair").people.add(person, bob)
    Team.objects.get(slug="finance").members.add(person)
    PersonCalendar.objects.create(recipient=person, calendar=BusinessCalendar.objects.create(name=f"As {NAME} works"))
    away = Absence.objects.create(recipient=bob, begins_at=now, ends_at=now + timedelta(days=1), delegate=person)
    AbsencePart.objects.create(absence=away, case_type="repair", delegate=person)
    for whose, stands_in in ((bob, person), (person, bob)):
        feed = AbsenceFeed(recipient=whose, url=f"https://calendar.example/{REF}.ics", delegate=stands_in)
        sign(feed, person, "")
        feed.save()
        feed.absences.create(begins_at=now, ends_at=now + timedelta(days=1))
    AbsencePart.objects.create(absence=Absence.objects.get(recipient=person), case_type="repair", delegate=bob)
    record_parts(away)
    task = Task.objects.get(task_id="T-5")
    HandedOver.objects.create(person=person, to=bob, task=task, at=now)
    HandedOver.objects.create(person=bob, to=person, task=task, at=now)


def add_what_features_have(world: World, person: Recipient) -> None:
    """Each feature plants in its own tables: `plant` of its tests/planting.py."""
    for package in settings.FEATURES.values():
        name = f"{package}.tests.planting"
        if name != __name__ and find_spec(name):
            import_module(name).plant(world, person)


def one_row_each() -> None:
    """Of tables that nothing else has written in; the rows say nothing yet."""
    now, engine = timezone.now(), Engine.objects.get()
    Poll.objects.create(engine=engine, enabled=False)
    PolledTask.objects.create(engine=engine, task_id="1")
    EventMapping.objects.create(engine=engine, member="data.note", expression="x")
    AnswerMapping.objects.create(engine=engine, action="approve")
    PausedService.objects.create(channel="email", service="mail.example", paused_at=now, until=now)
    ServiceState.objects.create(kind="email", name="mail.example", state="away", since=now, seen_at=now)
    rule = FourEyesRule.objects.create(name="Two", enabled=False)
    rule.conditions.create(path="task.kind", value="x")
    Policy.objects.get().conditions.create(path="task.kind", value="x")
    BusinessCalendar.objects.get().days.create(date=now.date())
    LegalHold.objects.create(case=Case.objects.create(engine=engine, case_id="held"), since=now, lifted_at=now)
    AccessFailureLog.objects.create(username="", http_accept="", path_info="/")
    RetentionRule.objects.create()
    CategoryDefault.objects.create(team=Team.objects.first(), category=Category.objects.first())
    Limit.objects.create(engine=engine, most=600)
    for model in (Engine, Category, CategoryDefault, EventType, Limit, Route, FourEyesRule):
        model.objects.first().save()  # type: ignore[attr-defined]  # a record of its history
