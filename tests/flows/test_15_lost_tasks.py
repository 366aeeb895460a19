"""Whoever lost a task neither reads nor follows its case, unless they have another part in it."""

import pytest
from django.test import Client
from django.utils import timezone

from notifications.cases import visibility
from notifications.conversation import notifying, posting
from notifications.conversation.item_panel import NONE
from notifications.conversation.posting import Words
from notifications.errors import NotFound
from notifications.inbox.history import history_of
from notifications.inbox.items import item, own_notification
from notifications.items.inbox_json import inbox_json
from notifications.models import Case, Notification, Recipient
from notifications.people import recipient_tokens
from notifications.preferences import following
from tests.support.story import Story

pytestmark = pytest.mark.django_db


@pytest.fixture
def story() -> Story:
    return Story.begin()


def as_api(person: Recipient) -> dict[str, str]:
    _row, token = recipient_tokens.new_token(person, label="app", now=timezone.now())
    return {"HTTP_AUTHORIZATION": f"Bearer {token}"}


def lose(story: Story) -> None:
    """Bob's task becomes Alice's."""
    story.assign()
    story.assign(assignee="alice", minute=5)
    assert story.states() == {"bob": "withdrawn", "alice": "open"}


def test_the_case_is_unknown_to_who_lost_its_task(story: Story, client: Client) -> None:
    story.assign()
    bob = as_api(story.bob)
    assert client.put("/api/v1/cases/4711/follow", **bob).status_code == 204
    story.assign(assignee="alice", minute=5)
    story.happen("case.status_changed", {"case": {"id": "4711", "status": "paid out"}}, minute=6)

    for method, path in (
        ("get", "/api/v1/cases/4711"),
        ("get", "/api/v1/cases/4711/messages"),
        ("put", "/api/v1/cases/4711/follow"),
        ("put", "/api/v1/cases/4711/follow-kind"),
        ("put", "/api/v1/cases/4711/mute"),
        ("get", "/api/v1/tasks/T-42/messages"),
    ):
        assert getattr(client, method)(path, **bob).status_code == 404, path
    assert not Case.objects.get().followers.exists()
    assert [item.title for item in story.inbox(story.bob)] == ["Approve invoice 4711"], "and hears no more of it"
    shown = client.get(f"/api/v1/notifications/{story.copy(story.bob).pk}", **bob).json()
    assert (shown["state"], shown["case"]) == ("withdrawn", None)


def test_another_part_in_the_case_keeps_it_known(story: Story, client: Client) -> None:
    lose(story)
    story.assign("T-43", minute=6)
    bob = as_api(story.bob)

    assert client.get("/api/v1/cases/4711", **bob).status_code == 200
    assert client.put("/api/v1/cases/4711/follow", **bob).status_code == 204
    assert client.get("/api/v1/tasks/T-42/messages", **bob).status_code == 404


def test_a_task_that_is_over_is_not_lost(story: Story, client: Client) -> None:
    story.assign()
    story.happen("task.completed", {"task": {"id": "T-42"}}, minute=5)
    assert story.states() == {"bob": "withdrawn"}

    assert client.get("/api/v1/cases/4711", **as_api(story.bob)).status_code == 200


def test_who_follows_the_kind_hears_of_no_case_that_was_lost(story: Story) -> None:
    story.happen(
        "task.assigned",
        {"task": {"id": "T-42", "name": "Approve", "assignee": "bob"}, "case": {"id": "4711", "type": "claims"}},
        minute=0,
    )
    following.follow_kind(story.bob, Case.objects.get())
    assert list(following.followers_of(Case.objects.get())) == [story.bob]
    story.assign(assignee="alice", minute=5)

    assert list(following.followers_of(Case.objects.get())) == []


def test_the_page_shows_neither_history_nor_case(story: Story) -> None:
    lose(story)
    story.answer(story.alice, "approve", "Fine by me.")
    copy = own_notification(story.bob, story.copy(story.bob).pk)

    page = item(copy, story.bob, timezone.now())
    assert (page.history, page.heard, page.case_url, page.related) == ([], None, "", [])
    assert page.panel is NONE
    assert history_of(own_notification(story.alice, story.copy(story.alice).pk), story.alice, timezone.now())
    assert inbox_json(copy)["outcome"] is None


def test_a_reply_reaches_nobody_who_lost_the_task(story: Story) -> None:
    story.assign(initiator="alice")
    story.answer(story.bob, "request_info", "Which order?")
    notifying.drain()
    story.assign(assignee="carol", initiator="alice", minute=5)
    posting.reply(story.alice, story.task().pk, Words("Order 7, confidential."), timezone.now())
    notifying.drain()

    texts = [message.text for message in visibility.seen_by(story.task(), story.bob)]
    assert texts == ["Which order?"]
    assert not Notification.objects.filter(recipient=story.bob, body__contains="confidential").exists()
    with pytest.raises(NotFound):
        posting.comment(story.bob, story.task().pk, Words("And now?"), timezone.now())
