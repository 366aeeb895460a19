"""An SLA step gives Bob's task to Carol, in every engine: there first, and here as soon as it is so there."""

from typing import Any

import pytest
from django.utils import timezone

from escalations.clocks import due_steps
from escalations.models import Escalation, Policy, PolicyStep, StepRun
from notifications.conversation import forwarding
from notifications.conversation.posting import Words
from notifications.models import Callback, CallbackState, Delivery, Event, Notification, Recipient
from notifications.models import Task as OurTask
from tests.engines.demo import Side, Theirs
from tests.engines.pairs import paired
from tests.engines.sides import Answered, late

pytestmark = pytest.mark.django_db(transaction=True)

STATES = CallbackState


@pytest.fixture
def policy(side: Side) -> Policy:
    """When it is due, Bob's manager gets it, who is Carol."""
    made = Policy.objects.create(name="Approvals", time="wall")
    PolicyStep.objects.create(policy=made, kind="reassign", time="wall", target="manager")
    return made


def falls_due() -> None:
    assert due_steps.tick(late()) == 1


def has_it(theirs: Theirs, person: str) -> bool:
    """By ref, or by address where the engine names people so."""
    return theirs.holder in (person, f"{person}@example.org")


def holder() -> str | None:
    """With us."""
    assignee = OurTask.objects.get().assignee
    return assignee.ref if assignee else None


def clocks() -> list[tuple[str, str]]:
    return [(each.state, each.end_reason) for each in Escalation.objects.order_by("pk")]


def mails(person: str) -> list[Delivery]:
    return list(Delivery.objects.filter(recipient__ref=person, channel="email").exclude(state="suppressed"))


HANDED_OVER = [("closed", "reassigned to somebody else"), ("running", "")]


def test_carol_gets_what_bob_left_alone_and_answers_it(side: Side, policy: Policy) -> None:
    theirs = side.assign("bob")
    falls_due()
    side.again()
    assert has_it(theirs, "carol")
    assert Callback.objects.get().state == STATES.DELIVERED
    if side.readable:
        assert holder() == "carol", "at once, without a word of the engine's"
    side.word_comes()

    assert (holder(), clocks()) == ("carol", HANDED_OVER)
    (bobs,) = Notification.objects.filter(recipient__ref="bob")
    assert (bobs.state, bobs.reason) == ("withdrawn", f"Reassigned to {Recipient.objects.get(ref='carol')}")
    (carols,) = side.world.inbox("carol")
    assert (carols["state"], carols["title"], carols["escalated"]) == ("open", bobs.title, False)
    assert [mail.to for mail in mails("carol")] == ["carol@example.org"]
    side.world.respond("carol", "approve")
    assert theirs.answers == [Answered("carol", "approved")]
    assert side.refused == []


def test_carol_gets_what_bob_forwards_and_answers_it(side: Side) -> None:
    theirs = side.assign("bob")
    item = Notification.objects.get(recipient__ref="bob")
    carol = Recipient.objects.get(ref="carol")
    forwarding.forward(item, carol, Words("You know the supplier.", via="inbox"), timezone.now())
    side.again()
    side.word_comes()

    assert has_it(theirs, "carol") and holder() == "carol"
    states = dict(Notification.objects.values_list("recipient__ref", "state"))
    assert states == {"bob": "withdrawn", "carol": "open"}
    side.world.respond("carol", "approve")
    assert theirs.answers == [Answered("carol", "approved")]
    assert side.refused == []


def test_what_nobody_had_is_claimed_for_alice(side: Side, policy: Policy) -> None:
    PolicyStep.objects.update(target="person", person=Recipient.objects.get(ref="alice"))
    theirs = side.assign("bob", "carol")
    falls_due()
    side.again()
    side.word_comes()

    assert has_it(theirs, "alice")
    assert (holder(), clocks()) == ("alice", HANDED_OVER)
    states = dict(Notification.objects.filter(task__isnull=False).values_list("recipient__ref", "state"))
    assert states == {"alice": "open", "bob": "withdrawn", "carol": "withdrawn"}


TOLD_AGAIN = [
    {"assignee": "carol"},
    {"assignee": "carol@example.org"},
    {"assignee": "carol", "candidates": ["bob", "alice"]},
    {"assignee": "carol", "teams": ["finance"]},
]


@paired("said", TOLD_AGAIN)
def test_the_engines_own_word_of_it_changes_nothing_more(side: Side, policy: Policy, said: dict[str, Any]) -> None:
    """As it tells of the change itself, or is asked for its tasks: with candidates beside, or without."""
    theirs = side.assign("bob", "alice")
    PolicyStep.objects.update(target="person", person=Recipient.objects.get(ref="carol"))
    side.somebody_gives(theirs, "bob")
    side.world.send("task.assigned", {"task": {"id": theirs.id, "name": "Approve", "assignee": "bob"}})
    falls_due_again()
    side.again()
    side.word_comes()
    clocks_before, mails_before = clocks(), len(mails("carol"))

    side.world.send("task.assigned", {"task": {"id": theirs.id, "name": "Approve", **said}})

    assert (holder(), clocks()) == ("carol", clocks_before)
    assert [each.state for each in Notification.objects.filter(recipient__ref="carol")] == ["open"]
    assert len(mails("carol")) == mails_before == 1


def falls_due_again() -> None:
    """The clock that runs by now."""
    while due_steps.tick(late()):
        pass


def test_bobs_answer_given_meanwhile_takes_its_place(side: Side, policy: Policy) -> None:
    theirs = side.assign("bob")
    falls_due()
    side.world.respond("bob", "approve")

    assert theirs.answers == [Answered("bob", "approved")]
    assert list(Callback.objects.order_by("position").values_list("state", flat=True)) == [
        STATES.SUPERSEDED,
        STATES.DELIVERED,
    ]
    assert has_it(theirs, "bob")


def test_whoever_got_it_in_the_engine_meanwhile_keeps_it(side: Side, policy: Policy) -> None:
    theirs = side.assign("bob")
    falls_due()
    side.somebody_gives(theirs, "alice")
    side.again()

    call = Callback.objects.get()
    assert has_it(theirs, "alice")
    assert (call.state, "alice" in call.detail.lower()) == (STATES.HANDLED, True)
    assert holder() == ("alice" if side.readable else "bob"), "what came to light is so here, too"
    side.word_comes()
    assert holder() == "alice"


def test_what_was_completed_there_meanwhile_is_given_to_nobody(side: Side, policy: Policy) -> None:
    theirs = side.assign("bob")
    falls_due()
    side.somebody_completes(theirs, "bob")
    side.again()

    assert Callback.objects.get().state == STATES.HANDLED
    assert not has_it(theirs, "carol")
    assert OurTask.objects.get().state == ("completed" if side.readable else "open")
    assert not side.world.inbox("carol")


def test_a_lost_reply_is_made_good(side: Side, policy: Policy) -> None:
    theirs = side.assign("bob")
    falls_due()
    side.lose_next_reply()
    side.again()
    side.again()
    side.word_comes()

    assert (Callback.objects.get().state, has_it(theirs, "carol")) == (STATES.DELIVERED, True)
    assert (holder(), clocks()) == ("carol", HANDED_OVER)
    assert Event.objects.filter(type="task.assigned").count() == 2


def test_while_the_engine_is_away_bob_has_it(side: Side, policy: Policy) -> None:
    side.assign("bob")
    side.go_away()
    falls_due()
    side.again()

    assert (holder(), Callback.objects.get().state) == ("bob", STATES.WAITING)
    (run,) = StepRun.objects.all()
    assert (run.result, run.why) == (
        "done",
        f"{run.escalation.task.engine} is asked to give it to Carol (manager of Bob)",
    )
