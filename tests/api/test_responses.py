"""Answers: every row of docs/api/answers.md's table, from inbox, app and with the token of one notification."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from notifications.models import ActionToken, Callback, Recipient, Response, Task
from notifications.reasons import said
from notifications.routing import pipeline
from tests.factories import DECISIONS, action_token
from tests.support.api import Caller, browser_of, engine_caller, is_problem, person_caller, pointers
from tests.support.length import some
from tests.support.story import Story


@pytest.fixture
def story(db: None) -> Iterator[Story]:
    """Bob and Carol may approve invoice 4711."""
    story = Story.begin()
    story.let_people_set("limit")
    story.assign(candidates=["bob", "carol"])
    yield story


def path_of(story: Story, person: Recipient) -> str:
    return f"/api/v1/notifications/{story.copy(person).pk}/responses"


def answer(story: Story, person: Recipient, body: Any, **headers: str) -> Any:
    return person_caller(person).post(path_of(story, person), body, **headers)


APPROVE = {"action": "approve", "comment": "Fine.", "variables": {"limit": 5}}


# --- recorded -------------------------------------------------------------------------------------
def test_an_answer_is_recorded_and_the_engine_told_next(story: Story) -> None:
    said = answer(story, story.bob, APPROVE)

    assert said.status_code == 201
    response = Response.objects.get()
    assert said.json() == {
        "id": str(response.pk),
        "action": "approve",
        "comment": "Fine.",
        "by": {"ref": "bob", "name": "Bob"},
        "at": response.at.isoformat().replace("+00:00", "Z"),
        "via": "api",
        "assurance": None,
        "engine": "waiting",
        "system": "Invoices",
    }
    assert response.variables == {"limit": 5}
    assert Callback.objects.get().due_at is not None
    assert story.states() == {"bob": "answered", "carol": "answered"}


def test_the_same_again_has_no_second_effect_whatever_key_token_or_device(story: Story) -> None:
    first = answer(story, story.bob, APPROVE, idempotency_key="k-1")
    repeats = [
        answer(story, story.bob, APPROVE),
        answer(story, story.bob, APPROVE, idempotency_key="k-1"),
        answer(story, story.bob, APPROVE, idempotency_key="k-2"),
        browser_of(story.bob).post(path_of(story, story.bob), APPROVE),
    ]

    assert [repeat.status_code for repeat in repeats] == [200] * 4
    assert all(repeat.json() == first.json() for repeat in repeats)
    assert Response.objects.count() == Callback.objects.count() == 1


def test_a_session_answers_from_the_inbox(story: Story) -> None:
    assert browser_of(story.bob).post(path_of(story, story.bob), APPROVE).json()["via"] == "inbox"


# --- refused --------------------------------------------------------------------------------------
def test_the_second_is_told_who_was_first(story: Story) -> None:
    first = answer(story, story.bob, APPROVE)
    second = answer(story, story.carol, {"action": "reject", "comment": "No."})

    assert is_problem(second, 409, "already_answered")
    assert second.json()["answered_by"] == {"ref": "bob", "name": "Bob"}
    assert second.json()["answered_at"] == first.json()["at"]
    assert second.json()["action"] == "approve"
    assert is_problem(answer(story, story.bob, {"action": "reject", "comment": "No."}), 409, "already_answered")
    assert Response.objects.count() == 1


def test_what_the_engine_has_closed_needs_no_answer(story: Story) -> None:
    story.happen("task.completed", {"task": {"id": "T-42"}}, minute=5)

    assert is_problem(answer(story, story.bob, APPROVE), 409, "already_handled")


def test_a_copy_that_went_to_somebody_else_is_withdrawn(story: Story) -> None:
    path = path_of(story, story.bob)
    story.assign(candidates=["carol"], minute=5)

    refused = person_caller(story.bob).post(path, APPROVE)
    assert is_problem(refused, 409, "withdrawn")
    assert "Reassigned" in refused.json()["detail"]


def test_a_task_past_its_time_is_gone(story: Story) -> None:
    Task.objects.update(expires_at=timezone.now())

    assert is_problem(answer(story, story.bob, APPROVE), 410, "expired")


def test_what_is_not_offered_is_not_allowed(story: Story) -> None:
    assert is_problem(answer(story, story.bob, {"action": "delete"}), 403, "not_allowed")


def test_a_rejection_needs_a_comment(story: Story) -> None:
    for comment in ("", " \n"):
        assert is_problem(answer(story, story.bob, {"action": "reject", "comment": comment}), 422, "comment_required")


def test_a_key_that_came_with_another_answer_is_looked_at_first(story: Story) -> None:
    assert answer(story, story.bob, {"action": "acknowledge"}, idempotency_key="k-1").status_code == 201

    assert is_problem(answer(story, story.bob, APPROVE, idempotency_key="k-1"), 422, "idempotency_key_reused")
    assert is_problem(answer(story, story.bob, {"action": "x"}, idempotency_key="k-1"), 422, "idempotency_key_reused")
    assert answer(story, story.carol, APPROVE, idempotency_key="k-1").status_code == 201


@pytest.mark.parametrize(
    ("body", "pointer"),
    some(
        [
            ({}, "/action"),
            ({"action": ""}, "/action"),
            ({"action": 5}, "/action"),
            ({"action": "x" * 61}, "/action"),
            ({"action": "approve", "comment": 5}, "/comment"),
            ({"action": "approve", "comment": None}, "/comment"),
            ({"action": "approve", "comment": "\x00"}, "/comment"),
            ({"action": "approve", "variables": []}, "/variables"),
            ({"action": "approve", "variables": {"a": "\ud800"}}, "/variables/a"),
            ([], ""),
        ],
        5,
    ),
)
def test_what_is_no_answer_is_pointed_at(story: Story, body: Any, pointer: str) -> None:
    refused = answer(story, story.bob, body)

    assert pointers(refused) == [pointer]
    assert not Response.objects.exists()


def test_a_comment_has_a_limit(story: Story) -> None:
    assert is_problem(answer(story, story.bob, {"action": "approve", "comment": "x" * 4001}), 422, "invalid_answer")
    assert answer(story, story.bob, {"action": "approve", "comment": "x" * 4000}).status_code == 201


def test_bodies_are_strict_json(story: Story) -> None:
    for body in (b"no JSON", b'{"action": "approve", "action": "reject"}', b'{"variables": {"a": NaN}}'):
        assert is_problem(answer(story, story.bob, body), 400, "malformed")
    assert is_problem(answer(story, story.bob, APPROVE, type="text/plain"), 415, "unsupported_media_type")
    assert is_problem(answer(story, story.bob, APPROVE, idempotency_key="x" * 201), 422, "invalid")


def test_members_of_our_own_are_ignored(story: Story) -> None:
    said = answer(story, story.bob, APPROVE | {"via": "email", "by": "carol", "engine": "delivered", "state": "open"})

    assert (said.json()["via"], said.json()["by"]["ref"], said.json()["engine"]) == ("api", "bob", "waiting")


def test_an_update_asks_for_nothing(story: Story) -> None:
    story.happen("case.status_changed", {"case": {"id": "4711", "status": "approved"}, "recipients": ["bob"]})
    update = story.inbox(story.bob)[0]
    assert update.task is None

    refused = person_caller(story.bob).post(f"/api/v1/notifications/{update.pk}/responses", APPROVE)
    assert is_problem(refused, 403, "not_allowed")


# --- what the engine sees -------------------------------------------------------------------------
def test_the_engine_reads_the_answers_of_its_task(story: Story) -> None:
    engine = engine_caller(story.engine)
    answer(story, story.carol, {"action": "acknowledge"})
    said = answer(story, story.bob, APPROVE).json()
    pipeline.drain()

    task = engine.get("/api/v1/tasks/T-42").json()
    assert (task["id"], task["state"]) == ("T-42", "answered")
    assert [(one["action"], one["by"]["ref"]) for one in task["answers"]] == [
        ("acknowledge", "carol"),
        ("approve", "bob"),
    ]
    assert task["answers"][1]["id"] == said["id"]
    assert set(task["answers"][1]["callback"]) == {"state", "attempts", "last_status", "next_at"}


# --- with a token ---------------------------------------------------------------------------------
TOKENS = "/api/v1/responses"


def token_of(story: Story, person: Recipient, **how: Any) -> str:
    how.setdefault("expires_at", timezone.now() + timedelta(days=30))
    how.setdefault("actions", [action["action"] for action in DECISIONS])
    return action_token(story.copy(person), **how)


def test_a_token_answers_without_a_session_once(story: Story) -> None:
    body = APPROVE | {"token": token_of(story, story.bob)}

    first, again = Caller().post(TOKENS, body), Caller().post(TOKENS, body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.json()["by"]["ref"] == "bob"
    assert is_problem(Caller().post(TOKENS, body | {"action": "reject"}), 409, "already_answered")
    assert Callback.objects.count() == 1


def test_a_token_that_is_past_its_time_or_voided_is_gone(story: Story) -> None:
    past = token_of(story, story.bob, expires_at=timezone.now())
    voided = token_of(story, story.carol)
    ActionToken.objects.filter(recipient=story.carol).update(
        voided_at=timezone.now(), void_reason_fact=said("Signed out").as_json()
    )

    for token in (past, voided):
        assert is_problem(Caller().post(TOKENS, APPROVE | {"token": token}), 410, "expired")
    assert not Response.objects.exists()


def test_a_token_of_somebody_who_no_longer_has_the_task_is_gone(story: Story) -> None:
    token = token_of(story, story.bob)
    story.assign(candidates=["carol"], minute=5)

    assert is_problem(Caller().post(TOKENS, APPROVE | {"token": token}), 410, "expired")


def test_a_token_offers_only_what_it_was_given_for(story: Story) -> None:
    token = token_of(story, story.bob, actions=["acknowledge"])

    assert is_problem(Caller().post(TOKENS, APPROVE | {"token": token}), 403, "not_allowed")
    assert Caller().post(TOKENS, {"action": "acknowledge", "token": token}).status_code == 201


def test_a_token_nobody_gave_out_opens_nothing(story: Story) -> None:
    for token in ("wfa_unknown", "x"):
        assert is_problem(Caller().post(TOKENS, APPROVE | {"token": token}), 404, "not_found")
    assert is_problem(Caller().post(TOKENS, APPROVE), 422, "invalid")


def test_whoever_is_signed_in_the_token_says_who_answers(story: Story) -> None:
    """A session neither helps nor harms, so that no page elsewhere can use it."""
    browser = browser_of(story.carol, checks_csrf=True)

    said = browser.post(TOKENS, APPROVE | {"token": token_of(story, story.bob)})
    assert (said.status_code, said.json()["by"]["ref"]) == (201, "bob")
    assert is_problem(browser.get(TOKENS), 405, "method_not_allowed")
