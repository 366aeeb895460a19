"""Files of messages: sent with comments, questions and replies, and read by those who see these, and nobody else."""

import json
from typing import Any
from uuid import uuid4

import pytest
from pytest_django import Settings

from notifications.connectors.instructions import instruction_of
from notifications.models import Callback, Event, Notification, TaskMessage
from tests.api.test_attachments import FILES, read, sent
from tests.factories import EngineFactory, RecipientFactory
from tests.support.api import Caller, engine_caller, is_problem, person_caller, pointers
from tests.support.files import pdf
from tests.support.story import Story

MESSAGES = "/api/v1/tasks/T-42/messages"


@pytest.fixture
def story(db: None) -> Story:
    """Bob and Carol have the task; Alice began it."""
    story = Story.begin()
    story.assign(candidates=["bob", "carol"], initiator="alice")
    return story


def said(caller: Caller, *ids: str, **more: Any) -> Any:
    return caller.post(MESSAGES, {"text": "See here", "attachments": list(ids), **more})


def test_a_comment_with_files_is_read_by_all_who_see_it_and_told_to_the_engine(story: Story) -> None:
    bob = person_caller(story.bob)
    ids = [sent(bob, pdf(), "offer.pdf"), sent(bob)]

    response = said(bob, *ids)

    assert response.status_code == 201
    assert [(each["id"], each["name"]) for each in response.json()["attachments"]] == [
        (ids[0], "offer.pdf"), (ids[1], "heating.png"),
    ]  # fmt: skip
    comment = instruction_of(Callback.objects.get(), unsure=False).comment
    assert comment.startswith(f"See here\noffer.pdf: http://127.0.0.1:8000{FILES}/{ids[0]}\nheating.png: http")
    body = Callback.objects.get().body
    assert '"attachments":[{"id":"' + ids[0] in body
    (message,) = person_caller(story.carol).get(MESSAGES).json()["items"]
    assert [each["name"] for each in message["attachments"]] == ["offer.pdf", "heating.png"]
    assert read(person_caller(story.carol), ids[0]) == 200
    assert read(engine_caller(story.engine), ids[1]) == 200
    event = Event.objects.get(type="task.message")
    assert event.data["message"]["files"] == ["offer.pdf", "heating.png"]


def test_files_alone_are_a_message_that_says_their_names(story: Story) -> None:
    bob = person_caller(story.bob)
    assert said(bob, sent(bob), text="").json()["text"] == "heating.png"
    assert is_problem(said(bob, text=""), 422, "comment_required")


def test_each_file_is_used_once_and_only_by_its_sender(story: Story) -> None:
    bob, carol = person_caller(story.bob), person_caller(story.carol)
    mine, hers = sent(bob), sent(carol)

    assert pointers(said(bob, hers)) == ["/attachments/0"]
    assert pointers(said(bob, mine, str(uuid4()))) == ["/attachments/1"]
    assert not TaskMessage.objects.exists()
    assert said(bob, mine, mine).status_code == 201
    assert pointers(said(bob, mine)) == ["/attachments/0"]
    assert pointers(said(engine_caller(story.engine), hers)) == ["/attachments/0"]


def test_a_message_sent_again_is_the_same_and_with_other_files_another(story: Story) -> None:
    bob = person_caller(story.bob)
    one, other = sent(bob), sent(bob)
    body = {"text": "See here", "attachments": [one]}

    first, again = (bob.post(MESSAGES, body, idempotency_key="k") for _ in range(2))

    assert (first.status_code, again.status_code) == (201, 200)
    changed = bob.post(MESSAGES, {**body, "attachments": [one, other]}, idempotency_key="k")
    assert is_problem(changed, 422, "idempotency_key_reused")


def test_too_many_files(story: Story, settings: Settings) -> None:
    settings.ATTACHMENTS_A_MESSAGE = 1
    bob = person_caller(story.bob)
    refused = said(bob, sent(bob), sent(bob))
    assert is_problem(refused, 422, "invalid")
    assert refused.json()["detail"] == "At most 1 files can be sent at once. Leave some out."


def test_a_question_and_its_reply_have_files_that_both_see(story: Story) -> None:
    bob, alice = person_caller(story.bob), person_caller(story.alice)
    photo, bill = sent(bob), sent(alice, pdf(), "bill.pdf")

    asked = said(bob, photo, kind="question")
    assert asked.status_code == 201, asked.content
    assert [each["id"] for each in asked.json()["attachments"]] == [photo]
    assert read(alice, photo) == 200

    item = Notification.objects.get(recipient=story.alice)
    reply = {"action": "reply", "comment": "", "attachments": [bill]}
    again = [alice.post(f"/api/v1/notifications/{item.pk}/responses", reply).status_code for _ in range(2)]
    assert again == [201, 200]
    assert read(bob, bill) == read(person_caller(story.carol), bill) == 200
    assert (TaskMessage.objects.get(kind="reply").text, story.task().state) == ("bill.pdf", "open")


def test_a_question_of_files_alone_says_their_names(story: Story) -> None:
    bob, copy = person_caller(story.bob), story.copy(story.bob)
    body = {"action": "request_info", "comment": " ", "attachments": [sent(bob)]}

    asked = [bob.post(f"/api/v1/notifications/{copy.pk}/responses", body) for _ in range(2)]

    assert [each.status_code for each in asked] == [201, 200], asked[0].content
    assert TaskMessage.objects.get().text == "heating.png"
    assert json.loads(Callback.objects.get().body)["data"]["comment"] == "heating.png"
    assert said(bob, sent(bob, pdf(), "plan.pdf"), kind="question", text="").json()["text"] == "plan.pdf"
    empty = bob.post(f"/api/v1/notifications/{copy.pk}/responses", {**body, "attachments": []})
    assert is_problem(empty, 422, "comment_required")
    decided = {"action": "reject", "comment": "", "attachments": [sent(bob)]}
    assert is_problem(bob.post(f"/api/v1/notifications/{copy.pk}/responses", decided), 422, "comment_required")


def test_a_reply_after_the_decision_is_kept_with_its_file(story: Story) -> None:
    bob, alice = person_caller(story.bob), person_caller(story.alice)
    said(bob, kind="question")
    bill = sent(alice, pdf())
    story.answer(story.bob, "approve")

    late = said(alice, bill, kind="reply")

    assert (late.status_code, late.json()["late"]) == (201, True)
    assert read(bob, bill) == 200


def test_engines_send_files_too(story: Story) -> None:
    engine = engine_caller(story.engine)
    plan = sent(engine, pdf(), "plan.pdf")
    assert read(person_caller(story.bob), plan) == 404

    assert said(engine, plan, kind="comment").status_code == 201

    assert read(person_caller(story.bob), plan) == 200


def test_nobody_else_may_see_a_file(story: Story) -> None:
    bob, dora = person_caller(story.bob), RecipientFactory(ref="dora")
    story.assign("T-43", assignee="dora")
    other = EngineFactory(slug="claims")
    unused, used = sent(bob), sent(bob)
    said(bob, used)

    assert [read(person_caller(each), used) for each in (story.bob, story.carol, story.alice, dora)] == [
        200, 200, 404, 404,
    ]  # fmt: skip
    assert [read(person_caller(each), unused) for each in (story.bob, story.carol)] == [200, 404]
    assert [read(engine_caller(each), used) for each in (story.engine, other)] == [200, 404]
    assert [read(engine_caller(each), unused) for each in (story.engine, other)] == [404, 404]
    assert is_problem(Caller().get(f"{FILES}/{used}"), 401, "unauthenticated")
    assert is_problem(engine_caller(story.engine, ["directory"]).get(f"{FILES}/{used}"), 403, "scope_missing")


def test_who_loses_the_task_loses_its_files_but_not_their_own(story: Story) -> None:
    bob, carol = person_caller(story.bob), person_caller(story.carol)
    of_bob, of_carol = sent(bob), sent(carol)
    said(bob, of_bob)
    said(carol, of_carol)

    story.assign(assignee="carol", minute=1)

    assert [read(bob, each) for each in (of_bob, of_carol)] == [200, 404]
    assert [read(carol, each) for each in (of_bob, of_carol)] == [200, 200]
