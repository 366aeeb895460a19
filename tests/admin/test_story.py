"""What happened to a task or case stands on its page, its outcome in its list, and times in the zone that counts."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from playwright.sync_api import Page

from escalations.models import Escalation
from notifications.models import Case, Event, Recipient, Route, Task
from tests.admin import world as story
from tests.admin.conftest import signed_in
from tests.admin.desk import Visit
from tests.admin.pages import list_of, page_of, text_of
from tests.admin.world import World

AA = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
GERMAN = {"accept-language": "de"}


def task(task_id: str) -> Task:
    return Task.objects.get(task_id=task_id)


# --- what happened ----------------------------------------------------------------------------------------------------
def test_a_tasks_page_tells_its_events_and_answers_in_order(day: World, root: Client) -> None:
    shown = text_of(root.get(page_of(task("T-101")))).partition("What happened")[2]
    told = [
        "task.assigned about “Approve invoice 4711”",
        "Bob Bauer (assignee) by rule “Tasks”",
        "e-mail bob@acme.example: delivered",
        "Bob Bauer answered “approve” (inbox) “Fine with me.”",
        "call 1: The engine answered 503.",
        "the engine has it",
        "Times are in UTC.",
    ]
    places = [shown.index(each) for each in told]
    assert places == sorted(places)


def test_a_tasks_page_begins_with_who_has_it_and_what_became_of_it(day: World, root: Client) -> None:
    done, late = (root.get(page_of(task(task_id))) for task_id in ("T-101", "T-102"))
    facts = {str(label): re.sub(r"<[^>]+>", "", str(value)) for label, value in done.context["facts"]}
    assert facts["outcome"].startswith("Bob Bauer approved ") and "the engine has it" in facts["outcome"]
    assert facts["amount"] == "€1,200.50"
    assert "late" not in facts["due"] and "who has it" not in facts
    waiting = {str(label): str(value) for label, value in late.context["facts"]}
    assert "late by 5 h" in waiting["due"]
    assert "Alice Adams</a> (assignee)" in waiting["who has it"]
    body = done.content.decode()
    places = [body.index(each) for each in ("desk-facts", "desk-timeline", "As sent by the engine")]
    assert places == sorted(places)


def test_an_answer_stands_before_what_it_made(evening: World, root: Client) -> None:
    lines = told(root, page_of(task("T-102")))
    assert lines[:2] == ["task.assigned", "Alice Adams answered “request_info” (inbox)"]
    assert "task.info_requested" in lines[2:]


def test_it_is_for_those_who_read_events(day: World) -> None:
    user = User.objects.create_user("clerk", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_task", content_type__app_label="notifications"))
    shown = text_of(signed_in(user).get(page_of(task("T-101"))))
    assert "Approve invoice 4711" in shown
    assert "What happened" not in shown


def test_a_case_tells_of_all_its_tasks_in_pages(world: World, root: Client) -> None:
    for number in range(12):
        data = story.invoice(f"T-{number}", 77, assignee="bob")
        story.send(world, f"e-{number}", "task.assigned", data | {"task": data["task"] | {"name": f"Step {number}."}})
    story.answer(world, "T-0", world.bob, "approve")
    story.answer(world, "T-11", world.bob, "approve")
    first_event = Event.objects.order_by("id")[0]
    task("T-0").responses.update(at=first_event.received_at + timedelta(microseconds=1))
    page = page_of(Case.objects.get(case_id="77"))

    newest, before = (told(root, page + query) for query in ("", "?earlier=1"))

    assert [line for line in newest if line.startswith("task")] == ["task.assigned"] * 10
    assert [line for line in before if line.startswith("task")] == ["task.assigned"] * 2
    assert newest[-1] == before[1] == "Bob Bauer answered “approve” (inbox)", "each answer after what it answers"
    shown = [text_of(root.get(page + query)) for query in ("", "?earlier=1", "?earlier=2", "?earlier=x")]
    assert ["What happened before" in each for each in shown] == [True, False, False, True]
    assert ["What happened later" in each for each in shown] == [False, True, False, False]
    assert "about “Step 2.”" in shown[0] and "about “Step 1.”" in shown[1]


def told(client: Client, address: str) -> list[str]:
    return [line.text for line in client.get(address).context["story"].lines]


def test_a_page_reads_no_more_the_more_events_there_are(
    day: World, root: Client, django_assert_max_num_queries: Any
) -> None:
    row = task("T-102")
    event = Event.objects.filter(task=row)[0]
    kept = {
        "engine": event.engine,
        "task": row,
        "status": event.status,
        "plan": event.plan,
        "received_at": day.now,
        "processed_at": day.now,
    }
    Event.objects.bulk_create(Event(event_id=f"copy-{n}", source="s", type=event.type, **kept) for n in range(40))
    with django_assert_max_num_queries(70):
        assert root.get(page_of(row)).status_code == 200


# --- its outcome ------------------------------------------------------------------------------------------------------
def test_the_list_says_who_did_what_in_the_readers_language(day: World, root: Client) -> None:
    assert "Bob Bauer approved" in text_of(root.get(list_of(Task)))
    assert "Alice Adams asked for information" in text_of(root.get(list_of(Task)))
    assert "Bob Bauer hat genehmigt" in text_of(root.get(list_of(Task), headers=GERMAN))
    assert "Bob Bauer approved" in text_of(root.get(page_of(task("T-101").case)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ({"action": "pay_later", "by": {"ref": "z", "name": "Zoe"}, "engine": "delivered"}, "Zoe answered “Pay later”"),
        ({"action": "approve", "by": {"ref": "z", "name": ""}, "engine": "failed"}, "z approved given up"),
        ({"action": "approve", "by": None, "at": "never", "engine": "handled"}, "“Approve it”, in the engine"),
        ({"action": "", "by": {"name": "Zoe"}, "engine": "handled"}, "Zoe completed it in the engine"),
    ],
)
def test_whatever_engines_say_became_of_a_task(outcome: dict[str, Any], said: str, day: World, root: Client) -> None:
    actions = [{"action": "approve", "title": "Approve it"}, "reject"]
    Task.objects.filter(task_id="T-101").update(outcome=outcome, actions=actions)
    assert said in text_of(root.get(list_of(Task)))
    assert said.removesuffix(" given up") in text_of(root.get(page_of(task("T-101"))))


# --- zones ------------------------------------------------------------------------------------------------------------
def test_all_pages_have_the_readers_zone(evening: World, root: Client) -> None:
    Recipient.objects.create(ref="root", name="Root", user=User.objects.get(username="root"), timezone="Asia/Tokyo")
    clock = Escalation.objects.get()
    due = datetime(2027, 7, 1, 22, 30, tzinfo=UTC)
    Escalation.objects.update(deadline=due)
    Task.objects.filter(pk=clock.task_id).update(sla_due_at=due)
    Escalation.objects.update(state="closed")
    assert "2 Jul 2027 07:30" in text_of(root.get(list_of(Escalation)))
    assert "2 Jul 2027 07:30" in text_of(root.get(page_of(clock.task)))
    Escalation.objects.update(state="running")
    shown = text_of(root.get(page_of(clock)))
    assert "due 2 Jul 2027 07:30" in shown
    assert "Times are in Asia/Tokyo." in shown
    restored = {"action_flag": CHANGE, "change_message": "Restored as of 2027-07-01 22:30:00 UTC"}
    LogEntry.objects.create(user=User.objects.get(username="root"), **restored)
    audit = text_of(root.get(list_of(LogEntry)))
    assert "2 Jul 2027 07:30 JST" in audit
    assert "22:30" not in audit


# --- on a phone -------------------------------------------------------------------------------------------------------
@pytest.mark.ci
@pytest.mark.browser
def test_a_row_is_a_card_on_a_phone(evening: World, browse: Callable[[Visit], Any]) -> None:
    pages = [list_of(Task), list_of(Route), list_of(Event), list_of(Escalation), page_of(task("T-102"))]

    def visit(page: Page) -> list[Any]:
        page.set_viewport_size({"width": 390, "height": 844})
        found: list[Any] = []
        for number, address in enumerate(pages):
            page.emulate_media(color_scheme="dark" if number % 2 else "light")
            page.goto(address)
            wrong = Axe().run(page, options=AA).response["violations"]
            wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
            found.append((wide, [(each["id"], each["nodes"][0]["html"][:200]) for each in wrong]))
        page.goto(pages[0])
        card = page.locator("#result_list tr.data-row", has_text="4713")
        name, state = card.locator("th a"), card.locator("td.field-state_or_outcome")
        found.append(name.bounding_box()["y"] < state.bounding_box()["y"])  # type: ignore[index]
        return [*found, card.locator("td.field-amount").inner_text(), card.locator("td.field-people").is_visible()]

    assert browse(visit) == [*[(False, [])] * len(pages), True, "€1,200.50", True]
