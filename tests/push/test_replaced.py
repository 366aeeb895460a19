"""What devices show follows what happens."""

from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from notifications.answers import respond
from notifications.answers.given import Answer
from notifications.engines import callback_results
from notifications.errors import Expired
from notifications.models import (
    CallbackState,
    Delivery,
    Response,
    TemplateText,
    TemplateVersion,
)
from notifications.reasons import NOTHING
from notifications.types import Json
from tests.push.books import ledger, settled
from tests.support.devices import PushHost, dispatch
from tests.support.story import Story

pytestmark = pytest.mark.django_db(transaction=True)


def last(host: PushHost, name: str) -> Json:
    return host.shown(name)[-1]


def engine_has_it() -> None:
    with transaction.atomic():
        callback_results.engine_has_it(Response.objects.get().pk, CallbackState.DELIVERED, NOTHING, timezone.now())


def test_carols_browser_says_who_approved(story: Story, host: PushHost, clock: time_machine.Traveller) -> None:
    host.subscribe(story.bob, "firefox")
    host.subscribe(story.carol, "carols")
    story.assign(assignee=None, candidates=["bob", "carol"])
    dispatch()
    story.answer(story.bob, "approve")
    settled(clock)

    replaced = last(host, "carols")
    assert (replaced["kind"], replaced["state"], replaced["tag"]) == (
        "replacement",
        "answered",
        host.shown("carols")[0]["tag"],
    )
    assert replaced["body"] == "Already approved by Bob at 12:00."
    assert not replaced.get("actions") and "token" not in replaced
    assert last(host, "firefox")["body"] == "Approved. Waiting for the engine."
    assert ledger(story, "carol")["webpush carols"] == ("delivered", ""), "the ledger's row stays what it was"


def test_an_answer_and_the_engines_yes_are_one_replacement(
    story: Story, host: PushHost, clock: time_machine.Traveller
) -> None:
    host.subscribe(story.bob, "firefox")
    story.assign()
    dispatch()
    recorded = story.answer(story.bob, "approve")
    with transaction.atomic():
        callback_results.engine_has_it(recorded.response.pk, CallbackState.DELIVERED, NOTHING, timezone.now())
    settled(clock)

    assert [each["body"] for each in host.shown("firefox")[1:]] == ["Approved. The engine has it."]
    settled(clock)
    assert len(host.shown("firefox")) == 2


def test_a_withdrawn_task_is_taken_off_the_screen(story: Story, host: PushHost, clock: time_machine.Traveller) -> None:
    host.subscribe(story.bob, "firefox")
    story.assign()
    dispatch()
    token = host.shown("firefox")[0]["token"]
    story.assign(minute=1, assignee="carol")
    settled(clock)

    assert last(host, "firefox")["state"] == "withdrawn" and "Carol" in last(host, "firefox")["body"]
    with pytest.raises(Expired):
        respond.take_with_token(token, Answer("approve"), now=timezone.now())


def test_a_task_that_comes_back_is_not_covered_by_word_of_its_leaving(
    story: Story, host: PushHost, clock: time_machine.Traveller
) -> None:
    host.subscribe(story.bob, "firefox")
    story.assign()
    dispatch()
    host.answer("firefox", 503)
    story.assign(minute=1, assignee="carol")
    settled(clock)
    host.answer("firefox", 201)
    story.assign(minute=2)
    settled(clock, 30)

    assert [each["state"] for each in host.shown("firefox")] == ["open", "open"]


def test_words_of_the_channels_own_follow_too(story: Story, host: PushHost, clock: time_machine.Traveller) -> None:
    for version in TemplateVersion.objects.filter(template__slug="task"):
        TemplateText.objects.create(version=version, language="en", channel="webpush", title="{{ task.name }}, please")
    host.subscribe(story.bob, "firefox")
    story.assign()
    dispatch()
    story.happen("task.updated", {"task": {"id": "T-42", "name": "Approve invoice 4712"}}, minute=1)
    settled(clock)

    assert [each["title"] for each in host.shown("firefox")] == [
        "Approve invoice 4711, please",
        "Approve invoice 4712, please",
    ]


def test_a_changed_due_date_is_shown_silently_and_urgency_aloud(
    story: Story, host: PushHost, clock: time_machine.Traveller
) -> None:
    host.subscribe(story.bob, "firefox")
    story.assign()
    dispatch()
    story.happen("task.updated", {"task": {"id": "T-42", "name": "Approve invoice 4712"}}, minute=1)
    settled(clock)
    assert (last(host, "firefox")["kind"], last(host, "firefox")["title"]) == ("replacement", "Approve invoice 4712")
    assert last(host, "firefox")["token"] and last(host, "firefox")["actions"]

    story.happen("task.updated", {"task": {"id": "T-42", "priority": "urgent"}}, minute=2)
    settled(clock)
    assert (last(host, "firefox")["kind"], last(host, "firefox")["priority"]) == ("message", "urgent")
    assert len(host.shown("firefox")) == 3


def test_what_was_never_sent_needs_no_replacement(story: Story, host: PushHost, clock: time_machine.Traveller) -> None:
    host.subscribe(story.bob, "firefox")
    story.assign()
    story.answer(story.bob, "approve")
    settled(clock)

    assert host.tries["firefox"] == 0
    assert ledger(story)["webpush firefox"][0] == "superseded"
    assert ledger(story)["email bob@example.org"][0] == "superseded"


def test_an_answer_given_while_the_message_was_under_way_still_reaches_the_screen(
    story: Story, host: PushHost, clock: time_machine.Traveller
) -> None:
    host.subscribe(story.bob, "firefox")
    story.assign()
    take = host.take

    def answer_meanwhile(*call: object) -> tuple[int, dict[str, str]]:
        host.take = take  # type: ignore[method-assign]
        story.answer(story.bob, "approve")
        return take(*call)  # type: ignore[arg-type]

    host.take = answer_meanwhile  # type: ignore[method-assign]
    dispatch()
    settled(clock)

    assert [each["kind"] for each in host.shown("firefox")] == ["message", "replacement"]
    assert ledger(story)["webpush firefox"][0] == "delivered"
    assert "Waiting for the engine" in last(host, "firefox")["body"]
    engine_has_it()
    settled(clock)
    assert "The engine has it" in last(host, "firefox")["body"], "what becomes of the answer is told as well"


def test_what_the_engine_says_while_that_is_replaced_reaches_the_screen_too(
    story: Story, host: PushHost, clock: time_machine.Traveller
) -> None:
    """The engine is faster than the replacement of a message that was answered as it arrived."""
    host.subscribe(story.bob, "firefox")
    story.assign()
    take = host.take

    def then(act: Callable[[], object], after: Callable[..., tuple[int, dict[str, str]]]) -> Callable[..., Any]:
        def taken(*call: object) -> tuple[int, dict[str, str]]:
            host.take = after  # type: ignore[method-assign]
            act()
            return take(*call)  # type: ignore[arg-type]

        return taken

    replaced = then(engine_has_it, take)
    host.take = then(lambda: story.answer(story.bob, "approve"), replaced)  # type: ignore[method-assign]
    dispatch()
    settled(clock)
    settled(clock)

    assert "The engine has it" in last(host, "firefox")["body"]


def test_a_change_while_the_message_was_under_way_is_shown_too(
    story: Story, host: PushHost, clock: time_machine.Traveller
) -> None:
    host.subscribe(story.bob, "firefox")
    story.assign()
    take = host.take

    def change_meanwhile(*call: object) -> tuple[int, dict[str, str]]:
        host.take = take  # type: ignore[method-assign]
        story.happen("task.updated", {"task": {"id": "T-42", "name": "Approve invoice 4712"}}, minute=1)
        return take(*call)  # type: ignore[arg-type]

    host.take = change_meanwhile  # type: ignore[method-assign]
    dispatch()
    settled(clock)

    assert [each["title"] for each in host.shown("firefox")] == ["Approve invoice 4711", "Approve invoice 4712"]
    assert ledger(story)["webpush firefox"] == ("delivered", "")
    assert not Delivery.objects.filter(outdated=True).exists()


def test_a_replacement_that_fails_is_tried_again(story: Story, host: PushHost, clock: time_machine.Traveller) -> None:
    host.subscribe(story.bob, "firefox")
    story.assign()
    dispatch()
    story.answer(story.bob, "approve")
    host.answer("firefox", 503, 201)
    settled(clock)
    assert len(host.shown("firefox")) == 1

    settled(clock, 25)
    assert last(host, "firefox")["kind"] == "replacement"
