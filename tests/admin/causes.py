"""Causes for which somebody was or was not notified, each with the person, the subject and the first sentence."""

from collections.abc import Callable
from datetime import time, timedelta
from itertools import count
from typing import Any

from django.contrib.auth.models import User

from notifications import reasons
from notifications.models import (
    Absence,
    Category,
    CategoryChoice,
    CategoryDefault,
    Delivery,
    Device,
    Engine,
    Event,
    MutedCase,
    QuietHours,
    Recipient,
    Route,
    RouteTarget,
    Task,
    Team,
)
from notifications.people import devices
from tests.admin.world import World, answer, invoice, send

IDS = count(1)

Subject = Task | Event
Cause = Callable[[World], tuple[Recipient, Subject]]


# --- causes: what happened, of which person and subject one asks, and the first sentence ------------------------------
def task(day: World, task_id: str = "T-900", **people: Any) -> Task:
    """A task that has just come; Bob's unless `people` say otherwise."""
    send(day, f"cause-{next(IDS)}", "task.assigned", invoice(task_id, 9000, **(people or {"assignee": "bob"})))
    return Task.objects.get(task_id=task_id)


def mail(of: Subject, **fields: Any) -> None:
    """What became of Bob's e-mail."""
    name = "event__task" if isinstance(of, Task) else "event"
    assert Delivery.objects.filter(**{name: of}, channel="email", recipient__ref="bob").update(**fields) == 1


def with_only_mail(day: World) -> World:
    Category.objects.filter(slug="approvals").update(channels=["email"])
    return day


def ended(day: World, state: str, reason: reasons.Reason) -> tuple[Recipient, Subject]:
    subject = task(with_only_mail(day))
    mail(subject, state=state, reason_fact=reason.as_json(), due_at=None, ended_at=day.now)
    return day.bob, subject


def waits(day: World, reason: reasons.Reason, held: str | None = None) -> tuple[Recipient, Subject]:
    subject = task(with_only_mail(day))
    mail(subject, reason_fact=reason.as_json(), held=held, due_at=day.now + timedelta(hours=1))
    return day.bob, subject


def with_preference(day: World, prefer: Callable[[], object]) -> tuple[Recipient, Subject]:
    prefer()
    return day.bob, task(with_only_mail(day))


def with_channels(day: World, *channels: str) -> tuple[Recipient, Subject]:
    Category.objects.filter(slug="approvals").update(channels=list(channels))
    return day.bob, task(day)


def route_to(person: Recipient, **fields: Any) -> Route:
    """A route to Carol, say, that is tried first, with the category and template of another."""
    other = Route.objects.exclude(template=None)[0]
    usual = {"name": "Big ones", "category": other.category, "template": other.template, "priority": 0}
    made = Route.objects.create(**{**usual, **fields})
    RouteTarget.objects.create(route=made, kind="person", person=person)
    return made


def with_condition(day: World, route: Route) -> None:
    route.conditions.create(path="variables.amount", operator="gt", value="5000")


def big_ones(day: World, **fields: Any) -> tuple[Recipient, Subject]:
    with_condition(day, route_to(day.carol, **fields))
    return day.carol, task(day)


def no_tasks_below_5000(day: World) -> tuple[Recipient, Subject]:
    with_condition(day, Route.objects.get(name="Tasks"))
    return day.bob, task(day)


def switched_off(day: World) -> tuple[Recipient, Subject]:
    Route.objects.filter(name="Tasks").update(enabled=False)
    return day.bob, task(day)


def stopped(day: World) -> tuple[Recipient, Subject]:
    route_to(day.carol, priority=10_000, name="After all")
    return day.carol, task(day)


def away(day: World) -> tuple[Recipient, Subject]:
    ends = day.now + timedelta(days=3)
    Absence.objects.create(recipient=day.bob, begins_at=day.now, ends_at=ends, delegate=day.carol)
    return day.bob, task(day)


def event(day: World, status: str, **fields: Any) -> tuple[Recipient, Subject]:
    row = send(day, f"cause-{next(IDS)}", "task.assigned", invoice("T-900", 9000, assignee="bob"), process=False)
    Event.objects.filter(pk=row.pk).update(status=status, **fields)
    row.refresh_from_db()
    return day.bob, row


def muted(day: World) -> tuple[Recipient, Subject]:
    about = task(day)
    MutedCase.objects.create(recipient=day.bob, case=about.case)  # type: ignore[misc]
    Category.objects.update(channels=["email"])
    data = {"case": {"id": "9000", "status": "paid"}, "recipients": ["bob"]}
    return day.bob, send(day, f"cause-{next(IDS)}", "case.status_changed", data)


def device_gone(day: World) -> tuple[Recipient, Subject]:
    Category.objects.filter(slug="approvals").update(channels=["webpush"])
    about = task(day)
    for device in Device.objects.filter(recipient=day.bob):
        devices.remove([device], reasons.DEVICE_REMOVED(), day.now)
    return day.bob, about


def engine_off(day: World) -> tuple[Recipient, Subject]:
    about = task(day)
    Engine.objects.filter(pk=day.engine.pk).update(active=False)
    return day.carol, about


def answered_before(day: World) -> tuple[Recipient, Subject]:
    about = task(day, teams=["finance"])
    answer(day, "T-900", day.alice, "approve")
    return day.bob, about


def closed_account(day: World) -> tuple[Recipient, Subject]:
    User.objects.filter(username="bob").update(is_active=False)
    return Recipient.objects.get(ref="bob"), with_channels(day, "webpush")[1]


def not_active(day: World) -> tuple[Recipient, Subject]:
    Recipient.objects.filter(ref="bob").update(active=False)
    return Recipient.objects.get(ref="bob"), task(day)


def known_later(day: World) -> tuple[Recipient, Subject]:
    about = task(day, candidates=["zoe", "alice"])
    return Recipient.objects.create(ref="zoe", name="Zoe Zhou"), about


def of_another_engine(day: World) -> tuple[Recipient, Subject]:
    other = Engine.objects.create(slug="other", name="Claims")
    return Recipient.objects.create(ref="C-1", name="Otto Other", engine=other), task(day)


def empty_team(day: World) -> tuple[Recipient, Subject]:
    Team.objects.create(slug="empty", name="Empty")
    return day.bob, task(day, teams=["empty"])


def no_manager(day: World) -> tuple[Recipient, Subject]:
    Recipient.objects.filter(pk=day.carol.pk).update(manager=None)
    Route.objects.filter(name="Tasks").update(enabled=False)
    up = route_to(day.alice, name="To managers")
    RouteTarget.objects.filter(route=up).update(kind="manager", person=None)
    return day.bob, task(day, assignee="carol")


def given_to_carol(day: World) -> tuple[Recipient, Subject]:
    task(day)
    return day.bob, task(day, assignee="carol")


def question(day: World) -> Event:
    task(day, "T-901", assignee="bob")
    answer(day, "T-901", day.bob, "request_info", "Which cost centre?")
    send(day, f"cause-{next(IDS)}", "com.acme.coffee.empty", {})  # processes the event of the question, too
    return Event.objects.get(type="task.info_requested", task__task_id="T-901")


def completed(day: World) -> tuple[Recipient, Subject]:
    about = task(day)
    send(day, f"cause-{next(IDS)}", "task.completed", {"task": {"id": "T-900"}})
    return day.carol, about


HAS = "“Approve invoice 9000” is in the inbox of Bob Bauer, but no message was sent: "
MESSAGE = "The message about “Approve invoice 9000” to Bob Bauer by e-mail bob@acme.example "
CAUSES: dict[str, tuple[Cause, str]] = {
    # who has it
    "another assignee": (
        lambda day: (day.carol, task(day)),
        "Carol Castle is not among those who have it: Bob Bauer is the assignee.",
    ),
    "a candidate": (
        lambda day: (day.bob, task(day, candidates=["alice"])),
        "Bob Bauer is not among those who have it: it is for Alice Adams.",
    ),
    "a team": (
        lambda day: (day.carol, task(day, teams=["finance"])),
        "Carol Castle is not among those who have it: it is for team Finance.",
    ),
    "a task that is done": (completed, "Carol Castle is not among those who have it: Bob Bauer is the assignee."),
    "reassigned to somebody else": (
        given_to_carol,
        "“Approve invoice 9000” was withdrawn from Bob Bauer: Reassigned to Carol Castle.",
    ),
    "a customer": (
        lambda day: (day.customer, task(day)),
        "Erin Example is not among those who have it: Bob Bauer is the assignee.",
    ),
    "of another engine": (
        of_another_engine,
        "Otto Other is a customer of Claims, so events of Invoices cannot notify them.",
    ),
    "away with a delegate": (away, "Bob Bauer was away, and Carol Castle was notified instead."),
    "not active": (not_active, "Bob Bauer is not active, so no message is sent to them."),
    "account closed": (closed_account, "The account of Bob Bauer is closed, so no message is sent to them."),
    "known later": (known_later, "Zoe Zhou was not known when the event came."),
    "empty team": (empty_team, "The rules that apply found nobody: team Empty has no members."),
    "no manager": (no_manager, "The rules that apply found nobody: carol (has no manager)."),
    "a task about which somebody else is asked": (
        lambda day: (day.carol, question(day).task),
        "Carol Castle is not among those who have it: Bob Bauer is the assignee.",
    ),
    # routes
    "a condition of a route to them": (
        big_ones,
        "Rule “Big ones” would notify Carol Castle, but did not apply: variables.amount is more than 5000 does "
        "not hold: it is “1200.5”.",
    ),
    "a condition of the route to the assignee": (
        no_tasks_below_5000,
        "No rule that would notify Bob Bauer applied: “Field work”: task.kind is field does not hold: it is "
        "“approval”; “Exceptions that need a person”: task.kind is exception does not hold: it is “approval”; “Tasks”: "
        "variables.amount is more than 5000 does not hold: it is “1200.5”.",
    ),
    "a route that ends the search": (
        stopped,
        "Rule “After all” would notify Carol Castle, but “Tasks” comes first and ends the search.",
    ),
    "route switched off": (switched_off, "Rule “Tasks” would notify Bob Bauer, but it is switched off."),
    "no route": (
        lambda day: (day.bob, Event.objects.get(event_id="e-5")),
        "No rule applies to com.acme.coffee.empty e-5, so nobody was notified.",
    ),
    "engine off": (engine_off, "Invoices is switched off, so its events are refused and notify nobody."),
    # events
    "event failed": (
        lambda day: (day.carol, Event.objects.get(event_id="e-6")),
        "The event could not be processed, so nobody was notified: OperationalError: the database went away",
    ),
    "event fails": (
        lambda day: event(day, "accepted", attempts=3, error="OperationalError: no route to host"),
        "The event fails and is tried again, so nobody has been notified yet: OperationalError: no route to host",
    ),
    "event waits": (
        lambda day: event(day, "accepted"),
        "The event waits to be processed, so nobody has been notified yet.",
    ),
    "event late": (
        lambda day: event(day, "stale", due_at=None, processed_at=day.now),
        "The event changed nothing, so nobody was notified: older than the known state.",
    ),
    "event after the end": (
        lambda day: event(day, "ignored", due_at=None, processed_at=day.now),
        "The event changed nothing, so nobody was notified: the task had ended.",
    ),
    "event kept": (
        lambda day: event(day, "kept", due_at=None, processed_at=day.now),
        "The event changed nothing, so nobody was notified: held until the answer is confirmed.",
    ),
    # messages
    "notified": (
        lambda day: ended(day, "delivered", reasons.NOTHING),
        "Bob Bauer was notified of “Approve invoice 9000” by e-mail bob@acme.example on TIME.",
    ),
    "notified together with others": (
        lambda day: ended(day, "delivered", reasons.SENT_TOGETHER(number=3)),
        "Bob Bauer was notified of “Approve invoice 9000” by e-mail bob@acme.example on TIME.",
    ),
    "quiet hours": (
        lambda day: with_preference(
            day,
            lambda: QuietHours.objects.create(recipient=day.bob, days=[*range(7)], begins=time(0), ends=time(0)),
        ),
        MESSAGE + "is held back: quiet hours until TIME.",
    ),
    "muted case": (
        muted,
        "“Invoice 9000 ist jetzt ‚paid‘” is in the inbox of Bob Bauer, but no message was sent: "
        "e-mail: this person has muted the case.",
    ),
    "digest": (
        lambda day: waits(day, reasons.HELD_DIGEST(until="2026-12-01 17:00 UTC"), "digest"),
        MESSAGE + "is held back: comes in a digest at TIME.",
    ),
    "frequency cap": (
        lambda day: waits(day, reasons.HELD_THROTTLE(until="2026-12-01 17:00 UTC"), "throttle"),
        MESSAGE + "is held back: hourly limit of this person: the others come at TIME.",
    ),
    "snoozed": (
        lambda day: waits(day, reasons.HELD_SNOOZED(until="2026-12-01 17:00 UTC"), "snoozed"),
        MESSAGE + "is held back: snoozed until TIME.",
    ),
    "service paused": (
        lambda day: waits(day, reasons.WAITS_FOR_SERVICE(service="mail.example")),
        MESSAGE + "waits until TIME: mail.example does not accept our credentials and is paused for a while.",
    ),
    "service away": (
        lambda day: waits(day, reasons.said("Connection refused")),
        MESSAGE + "waits until TIME: Connection refused.",
    ),
    "about to be sent": (lambda day: (day.bob, task(with_only_mail(day))), MESSAGE + "is about to be sent."),
    "category off": (
        lambda day: with_preference(
            day,
            lambda: CategoryChoice.objects.create(
                recipient=day.bob,
                category=Category.objects.get(slug="approvals"),
                channels={"email": False},
            ),
        ),
        HAS + "e-mail: turned off by this person.",
    ),
    "category off for the team": (
        lambda day: with_preference(
            day,
            lambda: CategoryDefault.objects.create(
                team=day.team,
                category=Category.objects.get(slug="approvals"),
                channels={"email": False},
            ),
        ),
        HAS + "e-mail: turned off for team Finance.",
    ),
    "channel not available": (
        lambda day: with_channels(day, "fax"),
        HAS + "fax: this channel is not available.",
    ),
    "no other channel": (
        lambda day: with_channels(day),
        "“Approve invoice 9000” is in the inbox of Bob Bauer; the category “Approvals and tasks” uses no other "
        "channel.",
    ),
    "no device": (
        lambda day: (Device.objects.all().delete(), with_channels(day, "webpush"))[1],
        HAS + "browser: No browser is registered.",
    ),
    "no e-mail": (
        lambda day: (Recipient.objects.filter(ref="bob").update(email=""), with_channels(day, "email"))[1],
        HAS + "e-mail: No e-mail address is known.",
    ),
    "device gone": (device_gone, HAS + "browser Firefox on Linux: The device was removed."),
    "given up": (
        lambda day: (day.alice, Event.objects.get(event_id="e-2")),
        "“Approve invoice 4712” is in the inbox of Alice Adams, but no message was sent: browser: No browser is "
        "registered; e-mail alice@acme.example: 550 5.1.1 No such user here.",
    ),
    "expired": (
        lambda day: ended(day, "expired", reasons.TOO_OLD()),
        HAS + "e-mail bob@acme.example: Too old to be useful.",
    ),
    "a newer message": (
        lambda day: ended(day, "superseded", reasons.NEWER_MESSAGE()),
        HAS + "e-mail bob@acme.example: A newer message says the same.",
    ),
    "answered before": (
        answered_before,
        "Alice Adams answered “Approve invoice 9000” before a message to Bob Bauer was sent.",
    ),
}
