"""The trace of an event can be read aloud: what happened, what did not, and why."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from notifications.models import Callback, CallbackAttempt, Delivery, Event, EventStatus, Recipient
from tests.admin import world as story
from tests.admin.pages import page_of, text_of
from tests.admin.world import World


def trace_of(client: Client, event_id: str) -> str:
    page = client.get(page_of(Event.objects.get(event_id=event_id)))
    return text_of(page).partition("Dry run of this event")[0]


def test_an_answered_task_from_arrival_to_the_engines_confirmation(day: World, root: Client) -> None:
    said = trace_of(root, "e-1")
    story_in_order = [
        "event task.assigned from Invoices about “Approve invoice 4711”",
        "rule “Tasks” matched because it is task.assigned",
        "other rules did not apply",
        "Bob Bauer (assignee) by rule “Tasks”",
        "inbox: delivered",
        "e-mail bob@acme.example: delivered",
        "read",
        "Bob Bauer answered “approve” (inbox) “Fine with me.”",
        "call 1: The engine answered 503.",
        "call 2: accepted (200)",
        "the engine has it",
    ]
    place = 0
    for line in story_in_order:
        assert line in said[place:], line
        place = said.index(line, place) + len(line)


def test_times_are_said_with_their_zone(day: World, root: Client) -> None:
    event = Event.objects.get(event_id="e-1")
    body = root.get(page_of(event)).content.decode()
    assert f">{event.received_at:%H:%M:%S}</time>" in body
    assert f'{event.received_at:%H:%M:%S} UTC"' in body


@pytest.mark.parametrize(
    ("event_id", "sentence"),
    [
        ("e-1", "rule “Field work”: task.kind is field does not hold: it is “approval”"),
        ("e-1", "rule “Case milestones”: not tried: “Tasks” stops the search"),
        ("e-2", "e-mail alice@acme.example: given up: 550 5.1.1 No such user here"),
        ("e-2", "attempt 1: 550 5.1.1 No such user here"),
        ("e-3", "“zoe” is not notified: unknown"),
        ("e-5", "no rule matched"),
        ("e-6", "could not be processed: OperationalError: the database went away"),
    ],
)
def test_it_says_what_did_not_happen_and_why(event_id: str, sentence: str, day: World, root: Client) -> None:
    assert sentence in trace_of(root, event_id)


def test_an_event_that_waits_says_since_when_and_what_went_wrong_so_far(world: World, root: Client) -> None:
    story.send(world, "e-1", "task.assigned", story.invoice("T-101", 4711, assignee="bob"), process=False)
    assert "waits to be processed" in trace_of(root, "e-1")
    Event.objects.update(error="OperationalError: no route to host", attempts=3)
    assert "tried 3 times: OperationalError: no route to host" in trace_of(root, "e-1")


def test_an_old_event_says_that_it_changed_nothing(day: World, root: Client) -> None:
    document = story.invoice("T-101", 4711, assignee="alice")
    story.send(day, "late", "task.updated", document)
    said = trace_of(root, "late")
    assert "stored, changed nothing: the task had ended" in said
    assert Event.objects.get(event_id="late").status == EventStatus.IGNORED
    assert "Bob Bauer answered" not in said, "that answer is an earlier event's story"


def test_someone_without_an_address_is_told_by_the_inbox_alone(world: World, root: Client) -> None:
    Recipient.objects.filter(ref="bob").update(email="")
    story.send(world, "e-1", "task.assigned", story.invoice("T-101", 4711, assignee="bob"))
    assert "not sent: No e-mail address is known." in trace_of(root, "e-1")


def test_a_call_whose_outcome_nobody_knows_says_so(day: World, root: Client) -> None:
    waiting = Callback.objects.get(state="waiting")
    CallbackAttempt.objects.create(callback=waiting, number=9, started_at=timezone.now())
    said = trace_of(root, "e-2")
    assert "call 1: The engine answered 401." in said
    assert "call 9: no known outcome" in said
    assert "waiting for the engine The engine answered 401. · next attempt at" in said


def test_a_mail_that_waits_says_when_it_is_tried_next(day: World, root: Client) -> None:
    Delivery.objects.filter(state="pending").update(due_at=timezone.now() + timedelta(minutes=5))
    assert "waiting to be sent next attempt at" in trace_of(root, "e-3")


def test_what_engines_and_people_wrote_is_escaped(world: World, root: Client) -> None:
    data = story.invoice("T-101", 4711, assignee="bob") | {"variables": {"note": "<script>alert(1)</script>"}}
    data["task"]["name"] = "<img src=x onerror=alert(2)>"
    story.send(world, "<b>e</b>", "task.assigned", data)
    story.answer(world, "T-101", world.bob, "reject", "</script><script>alert(3)</script>")
    event = Event.objects.get()
    for page in (page_of(event), page_of(event.task), page_of(Callback.objects.get()), "/admin/"):  # type: ignore[arg-type]
        body = root.get(page).content.decode()
        assert "<script>alert" not in body
        assert "<img src=x" not in body
        assert "<b>e</b>" not in body


def test_a_large_teams_trace_shows_the_first_and_counts_the_others(world: World, root: Client) -> None:
    people = [Recipient(ref=f"p{number:03}", name=f"Person {number:03}") for number in range(120)]
    world.team.members.add(*Recipient.objects.bulk_create(people))
    story.send(world, "e-1", "task.assigned", story.invoice("T-101", 4711, teams=["finance"]))
    said = trace_of(root, "e-1")
    assert "and 22 more people" in said
    assert said.count("(member of team Finance)") == 100
    task = Event.objects.get().task
    assert root.get(page_of(task)).status_code == 200  # type: ignore[arg-type]
