"""An answer counts only for the content that its giver was shown, whichever way it comes."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from notifications.connectors.base import Result
from notifications.engines import callback, returned_answers
from notifications.items import action_tokens, undo_window
from notifications.models import (
    AnswerMapping,
    Callback,
    CallbackState,
    Delivery,
    Event,
    EventStatus,
    Recipient,
    Response,
    Route,
    TaskState,
)
from notifications.reasons import said
from notifications.routing import claims, pipeline
from tests.support.api import Caller, browser_of, is_problem, person_caller
from tests.support.callbacks import claimed
from tests.support.story import Story

pytestmark = pytest.mark.django_db

EVIL = {"task": {"id": "T-42", "name": "Pay Evil Ltd"}, "variables": {"amount": 10000}}


@pytest.fixture
def story(db: None) -> Story:
    Route.objects.update(answer_from_email=True)
    story = Story.begin()
    story.assign()
    AnswerMapping.objects.create(
        engine=story.engine, action="approve", variables={"approved_amount": "{{ variables.amount }}"}
    )
    return story


def change(story: Story, minute: float = 5, **data: Any) -> Event:
    return story.happen("task.updated", data or EVIL, minute=minute)


def responses(story: Story) -> str:
    return f"/api/v1/notifications/{story.copy(story.bob).pk}/responses"


def token_of(story: Story, channel: str = "email") -> str:
    copy = story.copy(story.bob)
    delivery = Delivery.objects.filter(notification=copy).select_related("notification").first()
    assert delivery is not None
    delivery.channel = channel
    delivery.save()
    return action_tokens.give([(delivery, ["approve", "reject"])], timezone.now())[0]


# --- ways of answering ------------------------------------------------------------------------------------------------
def by_api(story: Story) -> Callable[[], Any]:
    body = {"action": "approve", "revision": story.copy(story.bob).revision}
    return lambda: person_caller(story.bob).post(responses(story), body)


def by_api_without_revision(story: Story) -> Callable[[], Any]:
    return lambda: person_caller(story.bob).post(responses(story), {"action": "approve"})


def by_device_token(story: Story) -> Callable[[], Any]:
    token = token_of(story, "webpush")
    return lambda: Caller().post("/api/v1/responses", {"token": token, "action": "approve"})


def by_mail_token(story: Story) -> Callable[[], Any]:
    token = token_of(story)
    return lambda: Caller().post("/api/v1/responses", {"token": token, "action": "approve"})


def by_mail_page(story: Story) -> Callable[[], Any]:
    address = f"/a/{token_of(story)}?revision={story.copy(story.bob).revision}"
    return lambda: Caller().client.post(address, {"action": "approve"})


def by_page(story: Story) -> Callable[[], Any]:
    copy = story.copy(story.bob)
    address = f"/n/{copy.pk}/answer?revision={copy.revision}"
    return lambda: browser_of(story.bob).client.post(address, {"action": "approve"})


WAYS = [by_api, by_api_without_revision, by_device_token, by_mail_token, by_mail_page, by_page]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_an_answer_to_what_has_changed_is_refused(story: Story, way: Callable[[Story], Callable[[], Any]]) -> None:
    press = way(story)
    change(story)
    assert press().status_code == 409
    assert not Response.objects.exists()
    assert story.task().state == TaskState.OPEN


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_an_answer_to_what_has_not_counts(story: Story, way: Callable[[Story], Callable[[], Any]]) -> None:
    press = way(story)
    change(story, task={"id": "T-42", "priority": "urgent", "due_at": "2026-12-01T10:00:00Z"})
    assert press().status_code in (201, 302)
    answer = Response.objects.get()
    assert answer.revision == story.copy(story.bob).revision
    assert f'"revision":"{answer.revision}"' in answer.callback.body


def test_several_are_answered_but_for_those_that_have_changed(story: Story) -> None:
    story.assign("T-43")
    shown = {name: story.copy(story.bob, name) for name in ("T-42", "T-43")}
    change(story)
    chosen = [f"{copy.pk} {copy.revision}" for copy in shown.values()]
    page = browser_of(story.bob).client.post("/several", {"n": chosen, "action": "approve"})
    assert [row.task.task_id for row in Response.objects.all()] == ["T-43"]
    assert "10,000.00" in page.content.decode()


def test_several_answer_nothing_that_was_listed_as_over(story: Story) -> None:
    story.assign("T-43")
    copy, other = story.copy(story.bob), story.copy(story.bob, "T-43")
    form = {"n": [f"{other.pk} {other.revision}", str(copy.pk)], "over": [str(copy.pk)], "action": "approve"}
    browser_of(story.bob).client.post("/several", form)
    assert [row.task.task_id for row in Response.objects.all()] == ["T-43"]


# --- what a refusal says ----------------------------------------------------------------------------------------------
def test_it_says_what_has_changed_in_the_readers_language(story: Story) -> None:
    story.bob.locale = "de"
    story.bob.save()
    press = by_api(story)
    change(story)
    refused = press()
    assert is_problem(refused, 409, "changed")
    body = refused.json()
    assert body["notification"]["revision"] == story.copy(story.bob).revision
    assert body["notification"]["language"] == "de"
    assert {"label": "Betrag", "before": "1.200,50 €", "now": "10.000,00 €"} in body["changes"]
    again = {"action": "approve", "revision": body["notification"]["revision"]}
    assert person_caller(story.bob).post(responses(story), again).status_code == 201


def test_key_facts_are_named_as_the_item_names_them(story: Story) -> None:
    """Both are in the language in which the person reads now."""
    press = by_api(story)
    change(story)
    Recipient.objects.filter(pk=story.bob.pk).update(locale="de")
    body = press().json()
    labels = {fact["label"] for fact in body["notification"]["key_facts"]}
    assert "Betrag" in labels
    assert {"label": "Betrag", "before": "1.200,50 €", "now": "10.000,00 €"} in body["changes"]


def test_an_acknowledgement_of_what_has_changed_counts_again(story: Story) -> None:
    caller, path = person_caller(story.bob), responses(story)
    before = {"action": "acknowledge", "revision": story.copy(story.bob).revision}
    assert caller.post(path, before).status_code == 201
    assert caller.post(path, before).status_code == 200
    change(story)
    assert is_problem(caller.post(path, before), 409, "changed")
    now = story.copy(story.bob).revision
    assert caller.post(path, {**before, "revision": now}).status_code == 201
    assert set(Response.objects.values_list("revision", flat=True)) == {before["revision"], now}


def test_a_key_is_of_one_content(story: Story) -> None:
    caller, path = person_caller(story.bob), responses(story)
    before = {"action": "approve", "revision": story.copy(story.bob).revision}
    assert caller.post(path, before, idempotency_key="k").status_code == 201
    change(story)
    returned_answers.look_at([story.task().pk], timezone.now())
    pipeline.drain()
    assert story.states()["bob"] == "open"
    assert caller.post(path, before, idempotency_key="k").status_code == 200

    after = {**before, "revision": story.copy(story.bob).revision}
    assert is_problem(caller.post(path, after, idempotency_key="k"), 422, "idempotency_key_reused")
    assert caller.post(path, after, idempotency_key="k-2").status_code == 201


def test_a_token_gets_another_one_for_what_it_is_now(story: Story) -> None:
    token = token_of(story, "webpush")
    change(story)
    answer = {"token": token, "action": "approve"}
    refused = Caller().post("/api/v1/responses", answer).json()
    assert (
        refused["notification"]["token"] == Caller().post("/api/v1/responses", answer).json()["notification"]["token"]
    )
    new = refused["notification"]["revision"]
    assert Caller().post("/api/v1/responses", {**answer, "revision": new}).status_code == 409
    assert Caller().post("/api/v1/responses", {**answer, "token": refused["notification"]["token"]}).status_code == 201


def test_the_page_of_a_mail_shows_both_and_takes_the_answer_to_what_it_shows(story: Story) -> None:
    token = token_of(story)
    change(story)
    page = Caller().client.get(f"/a/{token}").content.decode()
    assert "€1,200.50" in page and "€10,000.00" in page
    revision = story.copy(story.bob).revision
    Caller().client.post(f"/a/{token}?revision={revision}", {"action": "approve"})
    assert Response.objects.get().revision == revision


def test_the_comment_of_a_refused_form_is_given_back(story: Story) -> None:
    copy = story.copy(story.bob)
    change(story)
    address = f"/n/{copy.pk}/answer?revision={copy.revision}"
    page = browser_of(story.bob).client.post(address, {"action": "reject", "comment": "Too much for a chair."})
    assert "Too much for a chair." in page.content.decode() and "€10,000.00" in page.content.decode()


# --- an answer that waits ---------------------------------------------------------------------------------------------
def tell_engine(outcome: str = "done") -> list[Callback]:
    """The engine gets what it may be told."""
    told = [each for each, _call in claimed()]
    for each in told:
        callback.record(each, Result(outcome, 200, said("no")), timezone.now())  # type: ignore[arg-type]
    return told


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_waits_while_its_content_changes_goes_back(story: Story) -> None:
    story.answer(story.bob, "approve", via="inbox")
    change(story)
    copy = story.copy(story.bob)
    assert (story.task().state, copy.state, copy.outcome["engine"]) == ("open", "open", "changed")
    assert copy.title == "Pay Evil Ltd"
    assert story.callbacks() == [("approve", CallbackState.RETURNED)]
    assert tell_engine() == []


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_waits_while_only_its_deadline_moves_is_told(story: Story) -> None:
    story.answer(story.bob, "approve", via="api")
    event = change(story, task={"id": "T-42", "due_at": "2026-12-01T10:00:00Z"})
    assert event.status == EventStatus.KEPT
    assert len(tell_engine()) == 1
    event.refresh_from_db()
    assert (event.status, story.task().state) == (EventStatus.IGNORED, TaskState.ANSWERED)


@pytest.mark.django_db(transaction=True)
def test_updates_that_were_kept_are_applied_in_order_after_undo(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undo_window, "HELD", timedelta(minutes=1))
    story.answer(story.bob, "approve", via="inbox")
    change(story, minute=5, task={"id": "T-42", "priority": "high"})
    story.happen(
        "task.assigned", {"task": {"id": "T-42", "name": "Approve invoice 4711", "assignee": "carol"}}, minute=6
    )
    returned_answers.take_back(story.copy(story.bob), timezone.now())
    story.happen("case.status_changed", {"case": {"id": "4711", "status": "submitted"}}, minute=7)
    assert story.task().priority == "high"
    assert story.states() == {"bob": "withdrawn", "carol": "open"}


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_may_have_arrived_is_not_given_back_and_a_refusal_applies_the_update(story: Story) -> None:
    story.answer(story.bob, "approve", via="api")
    (ready,) = claimed()
    event = change(story)
    assert event.status == EventStatus.KEPT
    callback.record(ready[0], Result("refused", 422, said("no budget")), timezone.now())
    story.happen("case.status_changed", {"case": {"id": "4711", "status": "submitted"}}, minute=7)
    copy = story.copy(story.bob)
    assert (copy.state, copy.title, copy.outcome["engine"]) == ("open", "Pay Evil Ltd", "refused")


@pytest.mark.django_db(transaction=True)
def test_an_update_is_not_processed_before_those_that_were_kept(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undo_window, "HELD", timedelta(minutes=1))
    story.answer(story.bob, "approve", via="inbox")
    kept = change(story, minute=5, task={"id": "T-42", "priority": "high"})
    later = story.send("task.updated", {"task": {"id": "T-42", "due_at": "2026-12-01T10:00:00Z"}}, minute=6)
    (claimed_first,) = claims.claim()
    assert claimed_first.pk == later.pk
    returned_answers.take_back(story.copy(story.bob), timezone.now())
    pipeline.run(claimed_first, timezone.now())
    later.refresh_from_db()
    assert later.status == EventStatus.ACCEPTED
    Event.objects.filter(due_at__isnull=False).update(due_at=timezone.now() - timedelta(seconds=1))
    pipeline.drain()
    kept.refresh_from_db()
    assert (kept.status, story.task().priority) == (EventStatus.PROCESSED, "high")
    Event.objects.filter(due_at__isnull=False).update(due_at=timezone.now() - timedelta(seconds=1))
    pipeline.drain()
    assert story.task().due_at is not None


@pytest.mark.django_db(transaction=True)
def test_links_that_are_left_out_are_no_change(story: Story) -> None:
    story.happen("task.updated", {"task": {"id": "T-42"}, "documents": [{"title": "A", "url": "/a.pdf"}]}, minute=1)
    story.answer(story.bob, "approve", revision=story.copy(story.bob).revision)
    change(story, minute=5, task={"id": "T-42"}, documents=[{"title": "A", "url": "/a.pdf"}])
    assert len(tell_engine()) == 1


def test_an_engine_that_fetches_answers_may_have_this_one(story: Story) -> None:
    story.engine.callback_url = ""
    story.engine.save()
    story.answer(story.bob, "approve")
    assert change(story).status == EventStatus.IGNORED
    assert story.task().state == TaskState.ANSWERED
