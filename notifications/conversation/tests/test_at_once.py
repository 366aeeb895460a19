"""Messages in the same millisecond: each counts once, numbers have no gaps, and inboxes show the truth in the end."""

from collections.abc import Callable
from functools import partial

import pytest
from django.utils import timezone

from notifications.answers.respond import respond
from notifications.answers.submission import Answer
from notifications.conversation import notifying, posting
from notifications.conversation.posting import Words
from notifications.errors import AlreadyAnswered, Failure
from notifications.models import Addressee, Notification, Recipient, Task, TaskMessage
from tests.support.at_once import at_once, or_failure
from tests.support.rows import assert_contiguous
from tests.support.story import Story

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def story() -> Story:
    story = Story.begin()
    story.assign(candidates=["bob", "carol"], initiator="alice")
    return story


def ask(story: Story, who: Recipient, text: str) -> None:
    respond(story.copy(who), Answer("request_info", text), now=timezone.now())


def reply(person: Recipient, text: str, key: str = "") -> Callable[[], posting.RecordedMessage]:
    task = Task.objects.get()
    return lambda: posting.reply(person, task.pk, Words(text, key=key), timezone.now())


def test_a_reply_sent_twice_at_once_is_one(story: Story) -> None:
    ask(story, story.bob, "Which cost centre?")

    said = at_once(*[reply(story.alice, "4711", key="k")] * 4)

    assert sorted(each.created for each in said) == [False, False, False, True]
    assert list(TaskMessage.objects.values_list("number", "kind")) == [(1, "question"), (2, "reply")]
    assert story.task().state == "open"
    assert_contiguous()


def test_of_two_different_replies_one_counts(story: Story) -> None:
    ask(story, story.bob, "Which cost centre?")

    replies = [or_failure(reply(story.alice, text), AlreadyAnswered) for text in ("4711", "4712")]

    said = at_once(*replies)

    assert sum(isinstance(each, AlreadyAnswered) for each in said) == 1
    assert TaskMessage.objects.filter(kind="reply").count() == 1


def test_two_ask_at_once_and_both_are_answered(story: Story) -> None:
    at_once(lambda: ask(story, story.bob, "Which cost centre?"), lambda: ask(story, story.carol, "Who ordered it?"))

    assert list(TaskMessage.objects.values_list("number", flat=True)) == [1, 2]
    assert Addressee.objects.filter(person=story.alice, state="asked").count() == 2
    assert [item.state for item in story.inbox(story.alice)] == ["open", "open"]
    assert story.task().state == "info_requested"
    first, second = TaskMessage.objects.order_by("number")
    for question in (first, second):
        posting.reply(story.alice, story.task().pk, Words("4711", reply_to=question.pk), timezone.now())
    assert story.task().state == "open"
    assert_contiguous()


def test_a_reply_and_the_decision_at_once_leave_nothing_that_still_asks(story: Story) -> None:
    ask(story, story.bob, "Which cost centre?")
    copy = story.copy(story.bob)

    decide = partial(respond, copy, Answer("approve"), now=timezone.now())
    at_once(*(or_failure(call, Failure) for call in (reply(story.alice, "4711"), decide)))
    notifying.drain()

    task = story.task()
    assert task.state == "answered"
    assert {item.state for item in story.inbox(story.alice)} == {"answered"}
    assert TaskMessage.objects.filter(due_at__isnull=False).count() == 0
    assert not Notification.objects.filter(state="open").exists()
    assert_contiguous()


def test_what_fails_to_be_shown_is_shown_again(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's question is kept in its event's transaction, and shown after it."""
    shown = notifying.tell

    def fails(*given: object, **how: object) -> None:
        raise ValueError("it fails")

    monkeypatch.setattr(notifying, "tell", fails)
    message = {"kind": "question", "text": "Urgent?", "to": ["alice"]}
    story.happen("task.message", {"task": {"id": "T-42"}, "message": message})
    assert story.inbox(story.alice) == []

    monkeypatch.setattr(notifying, "tell", shown)
    TaskMessage.objects.update(due_at=timezone.now())
    notifying.drain()

    (item,) = story.inbox(story.alice)
    assert (item.title, item.body) == ("Invoices asks about “Approve invoice 4711”", "Urgent?")
    notifying.drain()
    assert len(story.inbox(story.alice)) == 1
