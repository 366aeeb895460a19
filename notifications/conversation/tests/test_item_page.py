"""The conversation on an item's page: who was asked, what was written, and what customers see of it."""

from notifications.models import Recipient
from tests.inbox.browser import get, signed_in
from tests.inbox.test_pages import open_item
from tests.support.story import Story


def test_asking_for_information_says_who_was_asked(story: Story) -> None:
    story.assign(candidates=["bob", "carol"])
    page = get(signed_in(story.bob), f"/n/{story.copy(story.bob).pk}").follow("Ask for information…")

    page = page.press("Ask for information", comment="Which cost centre?")

    assert page.part("outcome") == "Sent to Carol. Invoices has not confirmed it yet."
    assert "Which cost centre?" in page.part("panel")
    assert "Bob asked you at " in open_item(story, story.carol).text


def test_a_question_and_its_reply_stand_in_their_order(story: Story) -> None:
    story.assign(candidates=["bob", "carol"], initiator="alice")
    story.answer(story.bob, "request_info", "Which cost centre?")
    story.happen("task.info_supplied", {"task": {"id": "T-42"}, "info": "It is 4200."})

    talk = open_item(story, story.carol).part("panel")

    said = ["B Bob asked Alice", "Which cost centre?", "In Invoices replied", "It is 4200."]
    assert sorted(said, key=talk.index) == said


def test_customers_who_have_the_task_read_its_questions(story: Story) -> None:
    story.assign(candidates=["bob", {"ref": "C-9", "name": "Erin"}])
    story.answer(story.bob, "request_info", "Which cost centre?")

    page = open_item(story, Recipient.objects.get(ref="C-9"), "Approve")

    assert "Which cost centre?" in page.part("panel")
