"""A fresh installation, before anybody opens the admin: a question reaches the person who asked for the task."""

from notifications.routing import pipeline
from tests.support.story import Story


def test_a_question_reaches_who_asked_for_the_task(story: Story) -> None:
    story.assign("T-1", initiator="alice")
    story.answer(story.bob, "request_info", "Which floor?", task_id="T-1")
    pipeline.drain()

    (item,) = story.inbox(story.alice)
    assert item.title == "Bob asks about “Approve invoice 4711”"
    assert item.body == "Which floor?"
    assert (item.state, item.short_body) == ("open", "Open it to read the question.")
