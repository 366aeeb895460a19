"""Bob has not answered, and Carol is told: what each of them sees, in the list and on the item, without JavaScript."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone, translation

from escalations.clocks import due_steps
from escalations.models import Policy, StepTarget
from escalations.reasons import BY_POLICY, NO_MANAGER
from notifications.inbox.listing import listing
from notifications.items.inbox_json import escalation_of
from notifications.items.representation import notification_json
from notifications.models import Recipient
from notifications.reasons import FALLBACK, LEAD, MANAGER, MANAGER_OF_LEVEL, Reason, said
from tests.factories import NotificationFactory, RecipientFactory, TaskFactory
from tests.inbox.browser import Page, get, signed_in
from tests.support.story import Story

pytestmark = pytest.mark.django_db

DUE = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)


@pytest.fixture
def approvals(story: Story) -> Policy:
    """When due: Bob's manager."""
    return story.tell_manager_when_due()


def is_late(story: Story, by: timedelta = timedelta(), **task: object) -> None:
    """Bob's task runs late, and the clock ticks."""
    story.assign(due_at=DUE.isoformat(), **task)
    while due_steps.tick(DUE + by):
        pass


def carols(story: Story) -> Page:
    return get(signed_in(story.carol), "/")


def test_carol_has_it_among_her_own_and_reads_why(story: Story, approvals: Policy) -> None:
    story.assign("T-1", assignee="carol", name="Approve invoice 88")
    is_late(story)

    page = carols(story)

    assert page.titles("waiting") == ["Approve invoice 4711", "Approve invoice 88"]
    assert page.part("waiting-count") == "2"
    assert "Bob has not answered yet" in page.part("waiting")
    assert "escalated to you as Bob's manager" in page.part("waiting")
    assert "escalated to you as Bob's manager" in page.follow("Approve invoice 4711").part("item")
    assert page.follow("Escalated to me").titles("found") == ["Approve invoice 4711"]


def test_bob_reads_who_has_been_told(story: Story, approvals: Policy) -> None:
    is_late(story)

    page = get(signed_in(story.bob), "/")

    assert "escalated to Carol" in page.part("waiting")
    item = page.follow("Approve invoice 4711")
    assert "escalated to Carol" in item.part("item")
    assert "Escalated to Carol" in item.part("history")


def test_without_anything_late_nothing_says_so(story: Story) -> None:
    story.assign()

    page = get(signed_in(story.bob), "/")

    assert "scalated" not in page.part("waiting")
    assert get(signed_in(story.bob), "/?escalated").titles("found") == []


def test_carol_answers_from_the_list_and_everybody_reads_so(story: Story, approvals: Policy) -> None:
    is_late(story)

    page = carols(story).press("Approve")

    assert page.part("nothing-waiting") == "Nothing is waiting for you. Show what is done"
    assert page.titles("done") == ["Approve invoice 4711"]
    assert "has not answered" not in page.text
    bobs = get(signed_in(story.bob), "/")
    assert "Already approved by Carol" in bobs.part("done")
    assert "escalated" not in bobs.part("done")
    assert "Escalated to Carol" in bobs.follow("Approve invoice 4711").part("history")


def test_who_was_told_first_reads_who_was_told_next(story: Story, approvals: Policy) -> None:
    RecipientFactory(ref="erin", name="Erin")
    Recipient.objects.filter(ref="carol").update(manager=Recipient.objects.get(ref="erin"))
    story.add_step(approvals, 30, StepTarget.MANAGER, level=2)
    is_late(story)
    while due_steps.tick(DUE + timedelta(minutes=30)):
        pass

    (erins,) = [
        each for group in listing(Recipient.objects.get(ref="erin"), timezone.now()).groups for each in group.cards
    ]
    assert "escalated to you as Bob's manager · escalated to Erin" in carols(story).part("waiting")
    assert erins.lines[1:] == ["escalated to you as Bob's manager · escalated to Carol"]
    assert "escalated to Carol, Erin" in get(signed_in(story.bob), "/").part("waiting")


@pytest.mark.parametrize(
    ("reason", "english", "german"),
    [
        (MANAGER(name="Bob"), "escalated to you as Bob's manager", "an Sie als Führungskraft von Bob eskaliert"),
        (
            MANAGER_OF_LEVEL(name="Bob", level=2),
            "escalated to you as Bob's manager",
            "an Sie als Führungskraft von Bob eskaliert",
        ),
        (LEAD(name="Finance"), "escalated to you as lead of Finance", "an Sie als Leitung von Finance eskaliert"),
        (
            FALLBACK(why=NO_MANAGER(name="Bob")),
            "escalated to you because nobody else could be notified",
            "an Sie eskaliert, weil es sonst niemanden gab",
        ),
        (BY_POLICY(), "escalated to you", "an Sie eskaliert"),
        (said("a reason of another version"), "escalated to you", "an Sie eskaliert"),
    ],
)
def test_why_is_said_in_the_readers_language(reason: Reason, english: str, german: str) -> None:
    copy = NotificationFactory(escalated=True, reason_fact=reason.as_json())

    said = []
    for language in ("en", "de"):
        with translation.override(language):
            said.append(escalation_of(copy))
    assert said == [english, german]


def test_customers_and_whoever_it_was_taken_from_hear_of_no_colleagues(story: Story) -> None:
    told = [{**story.carol.as_person(), "at": timezone.now().isoformat()}]
    task = TaskFactory(engine=story.engine, escalated=told)
    erin = RecipientFactory(ref="erin", engine=story.engine)

    theirs = NotificationFactory(recipient=erin, task=task)
    past = NotificationFactory(recipient=story.bob, task=task, state="withdrawn")

    assert notification_json(theirs)["escalated_to"] == []
    assert notification_json(past)["escalated_to"] == []
    assert escalation_of(theirs) == ""


def test_what_people_see_as_due_is_the_policys(story: Story) -> None:
    policy = Policy.objects.create(name="Within a day", time="wall", clock="duration", minutes=60 * 24)
    story.add_step(policy, 0, StepTarget.MANAGER)
    story.assign(due_at=(timezone.now() + timedelta(minutes=10)).isoformat())

    page = get(signed_in(story.bob), "/")

    assert re.search(r"(today|tomorrow) \d\d:\d\d", page.part("waiting"))
    assert story.copy(story.bob).due_at == story.task().deadline
