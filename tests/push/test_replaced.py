"""What devices show follows what happens."""

import pytest
from django.db import transaction
from django.utils import timezone

from notifications.answers import respond
from notifications.answers.submission import Answer
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
from tests.push.books import Host, ledger
from tests.support.devices import dispatch
from tests.support.story import Story

pytestmark = pytest.mark.django_db(transaction=True)


def last(host: Host, name: str) -> Json:
    return host.shown(name)[-1]


def engine_has_it() -> None:
    with transaction.atomic():
        callback_results.engine_has_it(Response.objects.get().pk, CallbackState.DELIVERED, NOTHING, timezone.now())


def test_carols_browser_says_who_approved(story: Story, host: Host) -> None:
    host.subscribe(story.bob, "firefox")
    host.subscribe(story.carol, "carols")
    story.assign(assignee=None, candidates=["bob", "carol"])
    dispatch()
    story.answer(story.bob, "approve")
    host.settled()

    replaced = last(host, "carols")
    assert (replaced["kind"], replaced["state"], replaced["tag"]) == (
        "replacement",
        "answered",
        host.shown("carols")[0]["tag"],
    )
    assert replaced["body"] == "Already approved by Bob at 12:00."
    assert not replaced.get("actions") and "token" not in replaced
    assert last(host, "firefox")["body"] == "Approved. Invoices has not confirmed it yet."
    assert ledger(story, "carol")["webpush carols"] == ("delivered", ""), "the ledger's row stays what it was"


def test_an_answer_and_the_engines_yes_are_one_replacement(story: Story, host: Host) -> None:
    host.tell_bob(story)
    recorded = story.answer(story.bob, "approve")
    with transaction.atomic():
        callback_results.engine_has_it(recorded.response.pk, CallbackState.DELIVERED, NOTHING, timezone.now())
    host.settled()

    assert [each["body"] for each in host.shown("firefox")[1:]] == ["Approved. Invoices has it."]
    host.settled()
    assert len(host.shown("firefox")) == 2


def test_a_withdrawn_task_is_taken_off_the_screen(story: Story, host: Host) -> None:
    host.tell_bob(story)
    token = host.shown("firefox")[0]["token"]
    story.assign(minute=1, assignee="carol")
    host.settled()

    assert last(host, "firefox")["state"] == "withdrawn" and "Carol" in last(host, "firefox")["body"]
    with pytest.raises(Expired):
        respond.take_with_token(token, Answer("approve"), now=timezone.now())


def test_a_task_that_comes_back_is_not_covered_by_word_of_its_leaving(story: Story, host: Host) -> None:
    host.tell_bob(story)
    host.answer("firefox", 503)
    story.assign(minute=1, assignee="carol")
    host.settled()
    host.answer("firefox", 201)
    story.assign(minute=2)
    host.settled(30)

    assert [each["state"] for each in host.shown("firefox")] == ["open", "open"]


def test_words_of_the_channels_own_follow_too(story: Story, host: Host) -> None:
    for version in TemplateVersion.objects.filter(template__slug="task"):
        TemplateText.objects.create(version=version, language="en", channel="webpush", title="{{ task.name }}, please")
    host.tell_bob(story)
    story.happen("task.updated", {"task": {"id": "T-42", "name": "Approve invoice 4712"}}, minute=1)
    host.settled()

    assert [each["title"] for each in host.shown("firefox")] == [
        "Approve invoice 4711, please",
        "Approve invoice 4712, please",
    ]


def test_a_changed_due_date_is_shown_silently_and_urgency_aloud(story: Story, host: Host) -> None:
    host.tell_bob(story)
    story.happen("task.updated", {"task": {"id": "T-42", "name": "Approve invoice 4712"}}, minute=1)
    host.settled()
    assert (last(host, "firefox")["kind"], last(host, "firefox")["title"]) == ("replacement", "Approve invoice 4712")
    assert last(host, "firefox")["token"] and last(host, "firefox")["actions"]

    story.happen("task.updated", {"task": {"id": "T-42", "priority": "urgent"}}, minute=2)
    host.settled()
    assert (last(host, "firefox")["kind"], last(host, "firefox")["priority"]) == ("message", "urgent")
    assert len(host.shown("firefox")) == 3


def test_what_was_never_sent_needs_no_replacement(story: Story, host: Host) -> None:
    host.subscribe(story.bob, "firefox")
    story.assign()
    story.answer(story.bob, "approve")
    host.settled()

    assert host.tries["firefox"] == 0
    assert ledger(story)["webpush firefox"][0] == "superseded"
    assert ledger(story)["email bob@example.org"][0] == "superseded"


def test_an_answer_given_while_the_message_was_under_way_still_reaches_the_screen(story: Story, host: Host) -> None:
    host.subscribe(story.bob, "firefox")
    story.assign()
    host.meanwhile(lambda: story.answer(story.bob, "approve"))
    dispatch()
    host.settled()

    assert [each["kind"] for each in host.shown("firefox")] == ["message", "replacement"]
    assert ledger(story)["webpush firefox"][0] == "delivered"
    assert "Invoices has not confirmed it yet" in last(host, "firefox")["body"]
    engine_has_it()
    host.settled()
    assert "Invoices has it" in last(host, "firefox")["body"], "what becomes of the answer is told as well"


def test_what_the_engine_says_while_that_is_replaced_reaches_the_screen_too(story: Story, host: Host) -> None:
    """The engine is faster than the replacement of a message that was answered as it arrived."""
    host.subscribe(story.bob, "firefox")
    story.assign()
    host.meanwhile(lambda: story.answer(story.bob, "approve"), engine_has_it)
    dispatch()
    host.settled()
    host.settled()

    assert "Invoices has it" in last(host, "firefox")["body"]


def test_a_change_while_the_message_was_under_way_is_shown_too(story: Story, host: Host) -> None:
    host.subscribe(story.bob, "firefox")
    story.assign()
    renamed = {"task": {"id": "T-42", "name": "Approve invoice 4712"}}
    host.meanwhile(lambda: story.happen("task.updated", renamed, minute=1))
    dispatch()
    host.settled()

    assert [each["title"] for each in host.shown("firefox")] == ["Approve invoice 4711", "Approve invoice 4712"]
    assert ledger(story)["webpush firefox"] == ("delivered", "")
    assert not Delivery.objects.filter(outdated=True).exists()


def test_a_replacement_that_fails_is_tried_again(story: Story, host: Host) -> None:
    host.tell_bob(story)
    story.answer(story.bob, "approve")
    host.answer("firefox", 503, 201)
    host.settled()
    assert len(host.shown("firefox")) == 1

    host.settled(25)
    assert last(host, "firefox")["kind"] == "replacement"
