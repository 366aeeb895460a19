"""“Where the time goes”: Carol leads a team of seven, and sees what came to it, of nobody alone."""

import csv
import io
from datetime import UTC, datetime, timedelta
from itertools import takewhile

import pytest
import time_machine
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext

from escalations.models import BusinessCalendar, Policy
from escalations.team_time import queries
from notifications.models import Delivery, DeliveryState, Notification, Recipient
from tests.factories import RecipientFactory
from tests.inbox.browser import get, signed_in
from tests.support.story import Story
from tests.support.unrecorded import unrecorded

pytestmark = pytest.mark.django_db

FRIDAY = datetime(2026, 11, 27, 17, 0, tzinfo=UTC)
MONDAY = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
NOW = MONDAY + timedelta(hours=6)
MINUTE = timedelta(minutes=1)
WORKDAYS = {day: [["08:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
PATH = "/team/time"

Rows = list[list[str]]


@pytest.fixture
def story() -> Story:
    """Six colleagues and Bob are Carol's. On Friday at five each got a payment, and Dana two, due after an hour of
    working time; on Monday each a review, which nobody has looked at, and Bob alone an audit. At 8:01 Bob asks
    about his payment; at 8:02, 8:03, … five others make theirs."""
    with time_machine.travel(FRIDAY, tick=False):
        story = Story.begin()
        six(story)
        with unrecorded():
            calendar = BusinessCalendar.objects.create(name="Office", week=WORKDAYS)
            policy = Policy.objects.create(name="Payments", clock="duration", minutes=60, calendar=calendar)
            policy.conditions.create(path="task.kind", operator="eq", value="payment")
        for number, person in enumerate(everybody()):
            story.assign(f"P-{number}", assignee=person.ref, initiator="alice", kind="payment")
        story.assign("P-7", assignee="dana", kind="payment")
    with time_machine.travel(MONDAY, tick=False):
        for number, person in enumerate(everybody()):
            story.assign(f"R-{number}", assignee=person.ref, kind="=review")
        story.assign("A-1", assignee="bob", kind="audit")
    for number, person in enumerate(everybody()[:6]):
        with time_machine.travel(MONDAY + (number + 1) * MINUTE, tick=False):
            action = "approve" if number else "request_info"
            story.answer(person, action, "Which one?" if not number else "", task_id=f"P-{number}")
    return story


def six(story: Story) -> None:
    names = ["Dana Dreher", "Emil Ernst", "Fritz Falk", "Gerda Groth", "Hanna Hahn", "Igor Ide"]
    people = [RecipientFactory(ref=name.split()[0].lower(), name=name, timezone="Europe/Berlin") for name in names]
    story.finance.members.set([*people, story.bob, story.carol])


def everybody() -> list[Recipient]:
    return list(Recipient.objects.filter(teams__slug="finance").exclude(ref="carol").order_by("pk"))


def seen(person: Recipient, query: str = "") -> HttpResponse:
    with time_machine.travel(NOW, tick=False):
        return signed_in(person).get(f"{PATH}{query}")


def sheet(person: Recipient, query: str = "") -> Rows:
    """The first table of the file; a blank row ends it."""
    with time_machine.travel(NOW, tick=False):
        answer = signed_in(person).get(f"{PATH}.csv{query}")
    rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    return list(takewhile(any, rows))


def test_it_says_what_came_how_long_it_waited_and_what_is_open(story: Story) -> None:
    """The weekend counts for nothing. Whoever answers or asks has seen it; all payments are late, open ones, too."""
    rows = {row[0]: row[1:] for row in sheet(story.carol, "?by=kind")}

    assert rows["payment"][:3] == ["8", "1 h 3 min", "1 h 6 min"]
    assert rows["payment"][3:] == ["1 h 4 min", "1 h 6 min", "8", "1", "0"]
    assert rows["all"][0] == "16"
    page = seen(story.carol).content.decode()
    assert "1 h 4 min" in page and "Where the time goes" in page

    Notification.objects.filter(task__task_id="A-1").delete()
    names = [row[0] for row in sheet(story.carol, "?by=kind")]
    assert "'=review" in names and "others" not in names, "without what Bob alone had; and no name is a formula"


def test_it_names_nobody_and_tells_of_nobody_alone(story: Story) -> None:
    for by in ("kind", "category", "case", "week"):
        page = seen(story.carol, f"?by={by}").content.decode().partition("<main")[2]
        assert not [person for person in everybody() if person.name in page or person.ref in page]
        assert "audit" not in page, "only Bob has it"
    rows = [row[0] for row in sheet(story.carol, "?by=kind")]
    assert rows == ["Kind of task", "payment", "others", "all"], "reviews and the audit are told together"

    page = seen(story.bob).content.decode()
    assert "fewer than 5 people" in page and "<table" not in page, "Bob leads Alice alone"
    assert signed_in(story.bob).get(f"{PATH}.csv").status_code == 404


def test_whoever_leads_nobody_finds_nothing() -> None:
    story = Story.begin()
    for path in (PATH, f"{PATH}.csv", "/team"):
        assert signed_in(story.alice).get(path).status_code == 404
    assert get(signed_in(story.carol), "/team").link("Where the time goes") == PATH
    story.finance.lead = None
    story.finance.save()
    Recipient.objects.filter(manager=story.carol).update(manager=None)
    assert signed_in(story.carol).get(PATH).status_code == 404


def test_messages_count_by_their_peoples_hours_and_only_so_many_items_are_read(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seven e-mails that came at half past five in London came at half past six in Berlin."""
    copies = Notification.objects.filter(task__task_id__startswith="P-", recipient__in=everybody())
    for copy in copies.exclude(recipient=story.bob):
        Delivery.objects.create(
            event=copy.event, notification=copy, recipient=copy.recipient, channel="email", address=f"{copy.pk}",
            state=DeliveryState.DELIVERED, created_at=copy.created_at, ended_at=FRIDAY + 30 * MINUTE,
        )  # fmt: skip
    rows = {row[0]: row for row in sheet(story.carol)}
    assert rows["payment"][-1] == rows["all"][-1] == "7"
    Recipient.objects.update(timezone="Europe/London")
    assert {row[0]: row for row in sheet(story.carol)}["payment"][-1] == "0"

    browser = signed_in(story.carol)
    browser.get(PATH)  # the first request of a session notes where it is
    with time_machine.travel(NOW, tick=False), CaptureQueriesContext(connection) as made:
        assert "More came" not in browser.get(PATH).content.decode()
    assert len(made) < 20, "of however many people and tasks"
    monkeypatch.setattr(queries, "MAX_ITEMS", 7)
    assert "There are more tasks than can be read at once" in seen(story.carol).content.decode()
