"""The conversation on the desk: on a task's page, in traces, and in the reasons why somebody was not notified."""

import pytest
from django.test import Client
from django.utils import timezone

from notifications.admin.ledger.why_not_notified import explain
from notifications.models import Recipient, Task
from tests.admin.causes import Cause, question
from tests.admin.pages import list_of, page_of, text_of
from tests.admin.test_story import task, told
from tests.admin.world import World

CAUSES: dict[str, tuple[Cause, str]] = {
    "a question to somebody else": (
        lambda day: (day.carol, question(day)),
        "The message was for Alice Adams only.",
    ),
    "notified by a question": (
        lambda day: (day.alice, question(day)),
        "The message about “Bob Bauer asks about ‘Approve invoice 9000’” to Alice Adams by e-mail "
        "alice@acme.example is about to be sent.",
    ),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_the_first_sentence_is_right(cause: str, day: World) -> None:
    make, sentence = CAUSES[cause]
    person, subject = make(day)
    explained = explain(person, subject, timezone.now()).text
    assert explained.startswith(sentence), explained


def test_the_list_counts_a_question_for_whom_it_waits(day: World, root: Client) -> None:
    waiting = {person.ref: person.waiting for person in root.get(list_of(Recipient)).context["cl"].result_list}
    assert waiting["carol"] == 1, "Alice has asked her something"


def test_an_answer_stands_before_what_it_made(evening: World, root: Client) -> None:
    lines = told(root, page_of(task("T-102")))
    assert lines[:2] == ["task.assigned", "Alice Adams answered “request_info” (inbox)"]
    assert set(lines[2:]) == {"task.message", "task.info_requested"}


def test_a_tasks_page_shows_its_conversation(day: World, root: Client) -> None:
    page = text_of(root.get(page_of(Task.objects.get(task_id="T-102"))))
    assert "question Alice Adams Carol" in page and "(asked) Which cost centre?" in page


def test_a_trace_names_who_got_a_question(day: World, root: Client) -> None:
    about = question(day)
    for page in (root.get(page_of(about)), root.get(page_of(about.task))):  # type: ignore[arg-type]
        shown = text_of(page)
        assert "Alice Adams (asked by Bob Bauer)" in shown
        assert "nobody was" not in shown.lower()
