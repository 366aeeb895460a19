"""Bob forwards a task to Carol with a note: Invoices makes her responsible, or she gets a copy and he stays so."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from notifications import errors
from notifications.conversation import forwarding
from notifications.conversation.posting import Words
from notifications.models import (
    Absence,
    Callback,
    Event,
    FourEyesRule,
    Notification,
    Recipient,
    TaskMessage,
)
from tests.factories import RecipientFactory
from tests.inbox.browser import Page, get, signed_in
from tests.support.at_once import at_once
from tests.support.rows import assert_contiguous
from tests.support.story import Story
from tests.support.world import World

NOTE = "Please decide: I know the <b>vendor</b>."
RESPONSIBLE = "Your colleague becomes responsible in Invoices"
COPY = "Your colleague gets a copy with your note. You stay responsible."


@pytest.fixture
def story(db: None) -> Story:
    return Story.begin()


def forward(story: Story, to: Recipient, note: str = NOTE, **more: Any) -> TaskMessage:
    shown = more.pop("shown", None)
    words = Words(note, via="inbox", **more)
    return forwarding.forward(story.copy(story.bob), to, words, timezone.now(), shown=shown).message


def requests() -> list[str]:
    """To whom engines were asked to give tasks."""
    documents = [json.loads(call.body) for call in Callback.objects.order_by("position")]
    return [each["data"]["to"]["ref"] for each in documents if each["type"] == "task.reassignment_requested"]


# --- both ways --------------------------------------------------------------------------------------------------------
def assign(world: World, **task: Any) -> None:
    content = {"id": "T-42", "name": "Approve invoice 4711", "initiator": "alice", **task}
    world.send("task.assigned", {"task": content, "case": {"id": "4711", "title": "Invoice 4711"}})


def page_of(person: str) -> Page:
    reader = Recipient.objects.get(ref=person)
    return get(signed_in(reader), f"/n/{Notification.objects.filter(recipient=reader).latest('created_at').pk}")


@pytest.mark.django_db(transaction=True)
def test_invoices_makes_carol_responsible_and_the_item_leaves_bob(world: World) -> None:
    assign(world, assignee="bob")

    form = page_of("bob").follow("Forward…")
    assert RESPONSIBLE in form.text and "Approve invoice 4711" in form.text
    item = form.press("Forward", to="carol@example.org", note=NOTE)

    assert "You forwarded this to Carol" in item.part("panel")
    assert "Carol got a copy, and becomes responsible when Invoices confirms it." in item.part("panel")
    assert "Bob forwarded it to Carol" in item.part("history")
    (given,) = world.inbox("carol")
    assert (given["reason"], given["lines"][0]) == ("forwarded by Bob", "Bob has forwarded this to you")
    world.run()
    assert f"Bob: “{NOTE}”" in world.mail_to("carol")
    hers = page_of("carol")
    assert "Bob forwarded this to you" in hers.part("panel") and NOTE in hers.part("panel")
    assert form.press("Forward", to="carol@example.org", note=NOTE).status == 200  # sent twice: it counts once
    assert [call.data.get("forwarded_by", call.data.get("message", {}).get("by")) for call in world.receiver.calls] == [
        {"ref": "bob", "name": "Bob"}
    ] * 2
    assert requests() == ["carol"]

    assign(world, assignee="carol")

    (mine,) = world.inbox("bob")
    assert (mine["state"], mine["reason"]) == ("withdrawn", "Reassigned to Carol")
    (given,) = world.inbox("carol")
    assert (given["state"], given["lines"][0]) == ("open", "Bob has forwarded this to you")
    assert "Assigned to Carol" in page_of("carol").part("history")


@pytest.mark.django_db(transaction=True)
def test_what_invoices_refuses_stays_with_bob_and_carol_has_a_copy(world: World) -> None:
    assign(world, assignee="bob")
    world.receiver.answer(204, (422, {}, b'{"detail": "Not here."}'))
    page_of("bob").follow("Forward…").press("Forward", to="Carol", note=NOTE)
    seq = world.inbox("bob")[0]["seq"]

    world.run()

    assert "Carol got a copy. Invoices did not make Carol responsible." in page_of("bob").part("panel")
    assert world.inbox("bob")[0]["seq"] > seq  # open pages show it, too
    assert [world.inbox(person)[0]["state"] for person in ("bob", "carol")] == ["open", "open"]


@pytest.mark.django_db(transaction=True)
def test_of_a_task_of_several_people_carol_gets_a_copy_and_may_answer(world: World) -> None:
    assign(world, candidates=["bob", "alice"])

    form = page_of("bob").follow("Forward…")
    assert COPY in form.text
    item = form.press("Forward", to="Carol", note=NOTE)
    assert "Carol got a copy. You stay responsible." in item.part("panel")
    world.respond("carol", "approve")

    assert world.inbox("bob")[0]["outcome"]["by"]["name"] == "Carol"
    assert requests() == []
    assert not page_of("bob").tree.xpath("//a[contains(@href, '/forward')]")


# --- what is refused --------------------------------------------------------------------------------------------------
def carol_left(story: Story) -> Recipient:
    Recipient.objects.filter(pk=story.carol.pk).update(active=False)
    return story.carol


def carol_has_it(story: Story) -> Recipient:
    forward(story, story.carol, "First")
    return story.carol


def dave_while_carol_is_asked(story: Story) -> Recipient:
    forward(story, story.carol, "First")
    return RecipientFactory(ref="dave", name="Dave")


def alice_started_it(story: Story) -> Recipient:
    FourEyesRule.objects.create(name="Two", not_initiator=True)
    return story.alice


def carol_is_away(story: Story, delegate: Recipient | None = None) -> Recipient:
    now = timezone.now()
    Absence.objects.create(
        recipient=story.carol, begins_at=now - timedelta(hours=1), ends_at=now + timedelta(days=2), delegate=delegate
    )
    return story.carol


REFUSED: list[tuple[Callable[[Story], Recipient], str]] = [
    (lambda story: story.bob, "You have this task already. Choose a colleague."),
    (lambda story: RecipientFactory(engine=story.engine, name="Customer"), "is no longer active"),
    (carol_left, "Carol is no longer active. Choose another colleague."),
    (carol_has_it, "Carol has this task already."),
    (dave_while_carol_is_asked, "Invoices is already asked to give this task to Carol."),
    (alice_started_it, "Alice started this, so somebody else must decide it. Choose another colleague."),
    (carol_is_away, "and nobody stands in. Choose another colleague."),
    (lambda story: carol_is_away(story, story.alice), "Alice stands in, and is entered here now."),
    (lambda story: carol_is_away(story, story.bob), "and you stand in."),
]


@pytest.mark.parametrize("whom, fault", REFUSED)
def test_whom_a_task_cannot_be_forwarded_to(story: Story, whom: Callable[[Story], Recipient], fault: str) -> None:
    story.assign(initiator="alice")
    to = whom(story)
    before = (TaskMessage.objects.count(), Notification.objects.count(), Callback.objects.count())

    with pytest.raises(errors.Invalid, match=fault):
        forward(story, to)

    assert (TaskMessage.objects.count(), Notification.objects.count(), Callback.objects.count()) == before


@pytest.mark.parametrize(
    "how, fault",
    [
        ({"note": " \n"}, errors.CommentRequired),
        ({"note": "x" * 4001}, errors.InvalidAnswer),
        ({"shown": "another"}, errors.Changed),
    ],
)
def test_a_note_is_needed_and_bounded_and_what_changed_must_be_seen(
    story: Story, how: dict[str, Any], fault: type[errors.Failure]
) -> None:
    story.assign()
    with pytest.raises(fault):
        forward(story, story.carol, **how)
    assert story.states() == {"bob": "open"}


@pytest.mark.parametrize("end", ["answered", "completed", "taken"])
def test_a_task_that_is_over_for_bob_is_shown_instead(story: Story, end: str) -> None:
    story.assign()
    form = page_of("bob").follow("Forward…")
    if end == "answered":
        story.answer(story.bob, "approve")
    elif end == "completed":
        story.happen("task.completed", {"task": {"id": "T-42"}}, minute=1)
    else:
        story.assign(assignee="alice", minute=1)

    shown = form.press("Forward", to="Carol", note=NOTE)

    assert shown.url == f"/n/{story.copy(story.bob).pk}"
    assert "carol" not in story.states() and not TaskMessage.objects.exists()


def test_the_form_keeps_what_was_typed_and_names_who_stands_in(story: Story) -> None:
    story.assign()
    carol_is_away(story, story.alice)
    form = page_of("bob").follow("Forward…")

    nobody = form.press("Forward", to="Zoe", note=NOTE)
    assert (nobody.status, nobody.part("to-fault")) == (422, "There is nobody with this name.")
    away = nobody.press("Forward", to="Carol")
    assert "Alice stands in" in away.part("to-fault")
    item = away.press("Forward")  # the form has Alice now, and the note still

    assert "You forwarded this to Alice" in item.text and NOTE in item.text
    assert story.states() == {"bob": "open", "alice": "open"}


def test_what_changed_is_shown_before_it_is_forwarded_and_a_form_that_was_sent_is_not_sent_with_other_words(
    story: Story,
) -> None:
    story.assign()
    form = page_of("bob").follow("Forward…")
    story.happen("task.updated", {"task": {"id": "T-42"}, "variables": {"amount": 9900}}, minute=1)

    changed = form.press("Forward", to="Carol", note=NOTE)
    assert (changed.status, "has changed since you opened the page" in changed.part("fault")) == (422, True)
    assert changed.press("Forward").status == 200
    again = changed.press("Forward", to="Carol", note="Other words")

    assert "You have forwarded this already." in again.part("fault")
    assert TaskMessage.objects.count() == 1 and requests() == ["carol"]


def test_customers_and_strangers_have_no_such_page(story: Story) -> None:
    story.assign()
    item = story.copy(story.bob)
    assert get(signed_in(story.carol), f"/n/{item.pk}/forward").status == 404
    customer = RecipientFactory(engine=story.engine, user=None, name="Customer")
    Notification.objects.filter(pk=item.pk).update(recipient=customer)
    assert get(signed_in(customer), f"/n/{item.pk}/forward").status == 404
    assert not get(signed_in(customer), f"/n/{item.pk}").tree.xpath("//a[contains(@href, '/forward')]")


# --- at once ----------------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_forwarded_by_two_people_and_twice_at_the_same_time_it_comes_once(transactional_db: None) -> None:
    story = Story.begin()
    story.assign(candidates=["bob", "alice"])
    items = [story.copy(story.bob)] * 3 + [story.copy(story.alice)]

    def send(item: Notification) -> Any:
        try:
            return forwarding.forward(item, story.carol, Words(NOTE, key="k"), timezone.now())
        except errors.Invalid as fault:
            return fault.detail

    results = at_once(*[lambda item=item: send(item) for item in items])

    assert sum(getattr(each, "created", False) for each in results) == 1
    assert Notification.objects.filter(recipient=story.carol).count() == 1
    assert Event.objects.filter(type="task.forwarded").count() == 1
    assert_contiguous()


# --- the API ----------------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_an_app_forwards_once_with_its_key_and_reads_why_not(world: World) -> None:
    assign(world, assignee="bob")
    item = world.inbox("bob")[0]
    path, body = f"/api/v1/notifications/{item['id']}/forward", {"to": "carol", "note": NOTE}

    assert world.ask("get", path, "bob").json() == {"reassigns": True}
    answers = [
        world.ask("post", path, "bob", sent, **({"Idempotency-Key": key} if key else {}))
        for sent, key in (
            ({**body, "revision": "another"}, ""),
            ({**body, "to": "zoe"}, ""),
            (body, "k"),
            (body, "k"),
            (body, "l"),
        )
    ]

    assert [each.status_code for each in answers] == [409, 422, 201, 200, 422]
    assert [each.json()["text"] for each in answers[2:4]] == [NOTE] * 2
    assert answers[4].json()["detail"] == "Carol has this task already."
    assert world.ask("get", path, "carol").status_code == 404
    assert world.inbox("carol")[0]["reason"] == "forwarded by Bob"
