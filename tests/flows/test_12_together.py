"""Bob's night: what came while he slept is one mail in the morning, with what is still true, and nothing is lost."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.intake import limit_use
from notifications.items import ledger, ledger_audit
from notifications.models import (
    ActionToken,
    Brand,
    Category,
    Delivery,
    DeliveryAttempt,
    Frequency,
    Limit,
    Notification,
    Preferences,
    QuietHours,
    Recipient,
)
from tests.support.world import World
from wfpush.crypto import digest_of

EVENING = datetime(2026, 11, 27, 21, tzinfo=UTC)  # a Friday; 22:00 in Berlin
MORNING = datetime(2026, 11, 28, 6, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def bob(bob: Recipient) -> Recipient:
    bob.locale = "de"
    bob.save()
    return bob


def assign(world: World, id: str, **task: Any) -> str:
    return world.send("task.assigned", {"task": {"id": id, "name": f"Approve {id}", "assignee": "bob", **task}})


def update(world: World, case: str, status: str) -> str:
    about = {"id": case, "title": f"Claim {case}", "status": status}
    return world.send("case.status_changed", {"case": about, "recipients": ["bob"]})


def test_bobs_night(world: World, bob: Recipient, night: QuietHours) -> None:
    with time_machine.travel(EVENING, tick=True):
        for status in ("received", "checked", "paid"):
            update(world, "C-1", status)
        for number in range(2, 8):
            update(world, f"C-{number}", "received")
        traces = [assign(world, f"T-{number}", due_at="2026-11-28T09:00:00+01:00") for number in range(1, 4)]
        assign(world, "T-9", priority="urgent")
        assign(world, "T-8")
        world.respond("bob", "approve")
    assert [each.subject for each in mail.outbox] == ["Approve T-9"]  # what is urgent does not wait
    with time_machine.travel(MORNING, tick=False):
        world.run()
    (_, morning) = mail.outbox
    assert morning.subject == "12 Neuigkeiten, 3 davon warten auf Sie"  # T-8 was decided
    text = str(morning.body)
    assert text.index("Approve T-3") < text.index("Claim C-7") < text.index("== Claim C-1 ==")
    assert text.index("„paid“") < text.index("„checked“")  # of one case the newest first
    assert "fällig heute 09:00 · noch 2 Std. · gestern 22:00" in text
    html = str(morning.alternatives[0][0])  # type: ignore[attr-defined]
    tokens = re.findall(r"/a/(\S+)", text)
    assert len(set(tokens)) == 12 and all(f"/a/{token}" in html for token in tokens)
    assert html.count("?answer=approve") == 3
    allowed = ActionToken.objects.get(digest=digest_of(tokens[0]))
    assert (allowed.notification.title, allowed.actions) == (
        "Approve T-3",
        ["acknowledge"],
    )  # a mailbox decides nothing final
    said = world.get(traces[0])["deliveries"][-1]
    assert (said["state"], said["reason"]) == ("delivered", "in a digest of 12")
    assert DeliveryAttempt.objects.filter(succeeded=True).count() == 13
    assert ledger.sums(Delivery.objects.filter(channel="email")) == {
        ("email", "delivered"): 13,
        ("email", "superseded"): 1,
    }
    assert ledger_audit.faults_since(EVENING, MORNING) == []


def test_if_only_one_is_left_it_is_a_mail_as_always(world: World, bob: Recipient, night: QuietHours) -> None:
    with time_machine.travel(EVENING, tick=True):
        assign(world, "T-1")
        assign(world, "T-2")
        world.respond("bob", "approve")
    with time_machine.travel(MORNING, tick=False):
        world.run()
    assert [each.subject for each in mail.outbox] == ["Approve T-1"]
    assert Delivery.objects.get(channel="email", state="delivered").reason == ""


def pile_up(world: World, many: int) -> None:
    """They are all due before the first one is sent. Every third one is overdue already."""
    for number in range(many):
        due = timezone.now() + timedelta(hours=-number if number % 3 == 0 else number)
        task = {"id": f"T-{number}", "name": f"Approve {number}", "assignee": "bob", "due_at": due.isoformat()}
        about = {
            "task": task,
            "variables": {"amount": number * 1000.5, "currency": "EUR", "supplier": "Deutsche Bahn AG"},
        }
        event = {"specversion": "1.0", "id": f"many-{number}", "source": "s", "type": "task.assigned", "data": about}
        world.post("/api/v1/events", event)
    world._work()


def test_202_approvals_at_once_are_few_mails_and_the_urgent_one_is_alone(world: World, bob: Recipient) -> None:
    pile_up(world, 202)
    assign(world, "T-now", priority="urgent")
    subjects = sorted(str(each.subject) for each in mail.outbox)
    assert subjects == [
        "100 Aufgaben warten auf Sie",
        "100 Aufgaben warten auf Sie",
        "Approve 200",
        "Approve 201",
        "Approve T-now",
    ]
    links = [link for each in mail.outbox for link in re.findall(r"/a/\S+", str(each.body))]
    assert len(set(links)) == 203
    for each in mail.outbox:
        if str(each.subject).startswith("100"):
            html = str(each.alternatives[0][0])  # type: ignore[attr-defined]
            late = [int(number) for number in re.findall(r">Approve (\d+)</a>", html)]
            first = [number for number in late if number % 3 == 0]
            assert len(late) == 60 and late == [*sorted(first, reverse=True), *sorted({*late} - {*first})]
            assert "40 weitere sind in Ihrem Posteingang." in html
            assert len(html.encode()) < 75_000 and len(each.message().as_bytes()) < 102_000  # Gmail cuts at 102 kB
    assert ledger.sums(Delivery.objects.filter(channel="email")) == {("email", "delivered"): 203}


def test_three_at_once_are_three_mails_and_brands_have_their_own(world: World, bob: Recipient) -> None:
    pile_up(world, 3)
    world.run()
    assert len(mail.outbox) == 3
    mail.outbox.clear()
    acme = Brand.objects.create(name="Acme", slug="acme")
    Delivery.objects.all().delete()
    for number in range(4, 12):
        assign_later(world, f"T-{number}")
    rows = Delivery.objects.filter(channel="email").order_by("pk").values_list("notification_id", flat=True)
    Notification.objects.filter(pk__in=list(rows[:4])).update(brand=acme)
    world.run()
    assert sorted((each.from_email.split(" <")[0], str(each.subject)) for each in mail.outbox) == [
        ("Acme", "4 Aufgaben warten auf Sie"),
        ("wfpush", "4 Aufgaben warten auf Sie"),
    ]


def assign_later(world: World, id: str) -> None:
    about = {"task": {"id": id, "name": f"Approve {id}", "assignee": "bob"}}
    event = {"specversion": "1.0", "id": id, "source": "later", "type": "task.assigned", "data": about}
    world.post("/api/v1/events", event)
    world._work()


def test_the_morning_after_the_clocks_are_set_back(world: World, bob: Recipient, night: QuietHours) -> None:
    with time_machine.travel(datetime(2026, 10, 24, 21, tzinfo=UTC), tick=True):  # 23:00, summer time
        for number in range(4):
            update(world, f"C-{number}", "received")
    with time_machine.travel(datetime(2026, 10, 25, 5, 59, tzinfo=UTC), tick=False):
        world.run()
        assert mail.outbox == []
    with time_machine.travel(datetime(2026, 10, 25, 6, tzinfo=UTC), tick=False):  # 07:00, winter time
        world.run()
    assert [str(each.subject) for each in mail.outbox] == ["4 Neuigkeiten"]
    assert "gestern 23:00" in str(mail.outbox[0].body)


def test_a_claim_costs_the_same_for_one_person_with_100_messages_and_for_few(world: World, bob: Recipient) -> None:
    def asked(many: int, prefix: str) -> int:
        for number in range(many):
            assign_later(world, f"{prefix}-{number}")
        with CaptureQueriesContext(connection) as queries:
            world.run()
        return len(queries)

    few = asked(5, "few")
    assert asked(100, "many") <= few
    assert len(mail.outbox) == 2


NOON = datetime(2026, 11, 27, 11, tzinfo=UTC)  # 12:00 in Berlin


def run_at(world: World, moment: datetime) -> list[str]:
    """Returns the subjects of new mails."""
    mail.outbox.clear()
    with time_machine.travel(moment, tick=False):
        world.run()
    return sorted(str(each.subject) for each in mail.outbox)


def test_the_first_comes_at_once_and_what_repeats_together_after_a_pause(world: World, bob: Recipient) -> None:
    Category.objects.update(frequency=Frequency.REPEATS)
    Preferences.objects.create(recipient=bob, repeat_pause=30)
    with time_machine.travel(NOON, tick=True):
        update(world, "C-1", "received")
        assert len(mail.outbox) == 1
        for number in range(2, 5):
            update(world, f"C-{number}", "received")
        assert len(mail.outbox) == 1
        rows = Delivery.objects.filter(channel="email", held="repeats")
        assert {row.reason for row in rows} == {"repeats: comes in a digest at 2026-11-27 12:30 CET"}
        assign(world, "T-1")  # somebody waits for an answer
        assert len(mail.outbox) == 2
    assert run_at(world, NOON + timedelta(minutes=29)) == []
    assert run_at(world, NOON + timedelta(minutes=31)) == ["3 Neuigkeiten"]
    with time_machine.travel(NOON + timedelta(minutes=40), tick=True):
        update(world, "C-5", "received")  # within the pause after the mail with several
    assert run_at(world, NOON + timedelta(minutes=60)) == []
    assert run_at(world, NOON + timedelta(minutes=62)) == ["Claim C-5 ist jetzt „received“"]
    with time_machine.travel(NOON + timedelta(hours=2), tick=True):
        update(world, "C-6", "received")
        assert len(mail.outbox) == 2


@pytest.mark.parametrize("limit", ["of the person", "of the channel"])
def test_nobody_gets_more_an_hour_than_they_want_or_a_channel_allows(world: World, bob: Recipient, limit: str) -> None:
    of_channel = limit == "of the channel"
    if of_channel:
        Limit.objects.create(channel="email", most=2)
    else:
        Preferences.objects.create(recipient=bob, most_an_hour=2)
    with time_machine.travel(NOON, tick=True):
        for number in range(5):
            assign(world, f"T-{number}")
        assert len(mail.outbox) == 2
        rows = Delivery.objects.filter(channel="email", held="throttle")
        assert {row.reason for row in rows} == {"hourly limit of this person: the others come at 2026-11-27 13:00 CET"}
        assign(world, "T-now", priority="urgent")
        assert len(mail.outbox) == 3
        near = "e-mail: 1 person gets nearly as many messages as the limit of 2 an hour allows."
        assert limit_use.warnings(timezone.now()) == ([near] if of_channel else [])
    assert run_at(world, NOON + timedelta(minutes=61)) == ["3 Aufgaben warten auf Sie"]
    with time_machine.travel(NOON + timedelta(minutes=62), tick=True):
        assign(world, "T-6")  # the mail with three was one
        assert len(mail.outbox) == 2
        assign(world, "T-7")
        assert len(mail.outbox) == 2
    assert ledger_audit.faults_since(NOON, NOON + timedelta(minutes=65)) == []
