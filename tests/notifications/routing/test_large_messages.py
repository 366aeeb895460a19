"""A message to thousands is made and saved in parts, in one transaction."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from notifications.admin.ledger import timeline
from notifications.items import live_frames, plans, representation
from notifications.items.representation import event_trace_json
from notifications.models import Delivery, Device, Event, Notification, Recipient, Team
from notifications.routing import fanout, pipeline
from tests.factories import RecipientFactory
from tests.support.story import Story

MEMBERS = 7


@pytest.fixture
def story(db: None, monkeypatch: pytest.MonkeyPatch) -> Story:
    """Seven people in a team, each with a browser; at most three are in memory together."""
    monkeypatch.setattr(fanout, "AT_ONCE", 3)
    story = Story.begin()
    people = [RecipientFactory(ref=f"p{number}", name=f"Person {number}") for number in range(MEMBERS)]
    for person in people:
        address = f"https://push.example/{person.ref}"
        Device.objects.create(recipient=person, channel="webpush", address=address, digest=person.ref, name="Firefox")
    Team.objects.create(slug="crowd", name="Crowd").members.set(people)
    return story


def raised(story: Story) -> Event:
    data = {"exception": {"code": "fire"}, "case": {"id": "C-1"}, "teams": ["crowd"]}
    return story.happen("exception.raised", data)


def test_everybody_has_it_once_and_the_trace_names_them(story: Story) -> None:
    event = raised(story)

    assert (event.status, Notification.objects.filter(event=event).count()) == ("processed", MEMBERS)
    assert [each["ref"] for each in event.plan["recipients"]] == [f"p{number}" for number in range(MEMBERS)]
    assert {channel["channel"] for each in event.plan["recipients"] for channel in each["channels"]} >= {
        "live",
        "webpush",
    }
    pushed = Delivery.objects.filter(event=event, channel="webpush", state="pending", due_at__isnull=False)
    assert {row.device.recipient_id for row in pushed.select_related("device")} == {
        row.recipient_id for row in Notification.objects.filter(event=event)
    }
    assert event.told == Delivery.objects.filter(event=event).count()


def test_items_of_one_batch_are_numbered_in_the_order_of_its_events(story: Story) -> None:
    for number in range(3):
        teams = {"teams": ["crowd"]} if number == 1 else {"recipients": ["p5"]}
        story.send(
            "exception.raised", {"exception": {"code": f"fire-{number}"}, "case": {"id": f"C-{number}"}, **teams}
        )
    pipeline.drain()

    items = Notification.objects.filter(recipient__ref="p5").order_by("seq").select_related("event")
    assert [(item.seq, item.event.data["exception"]["code"]) for item in items if item.event] == [
        (1, "fire-0"),
        (2, "fire-1"),
        (3, "fire-2"),
    ]


def test_all_are_locked_in_one_order_before_the_first_part(story: Story) -> None:
    with CaptureQueriesContext(connection) as asked:
        raised(story)

    locks = [query["sql"] for query in asked.captured_queries if "FOR NO KEY UPDATE" in query["sql"]]
    of_people = [sql for sql in locks if "FROM notifications_recipient" in sql]
    everybody = sorted(Recipient.objects.filter(ref__startswith="p").values_list("pk", flat=True))
    assert all(str(pk) in of_people[0] for pk in everybody)
    assert len(of_people) == 4, "and once more in each part"


def test_a_trace_names_some_and_counts_the_others(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "MOST_NAMED", 4)
    monkeypatch.setattr(representation, "MOST_DELIVERIES", 5)
    event = raised(story)
    assert (len(event.plan["recipients"]), event.plan["more"]) == (4, 3)
    said = event_trace_json(event)
    assert len(said["recipients"]) == 4 and len(said["deliveries"]) == 5
    assert said["more"] == {"recipients": 3, "deliveries": event.told - 5}
    monkeypatch.setattr(timeline, "PEOPLE", 2)
    assert timeline.people(event)[-1].text == "and 5 more people"


@pytest.mark.django_db(transaction=True)
def test_open_inboxes_are_told_after_the_commit(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames are made for people who look."""
    bob = live_frames.group_of(Recipient.objects.get(ref="p5").pk)
    asked: list[str] = []
    sent: list[live_frames.Frame] = []

    class Layer:
        async def groups_heard(self, groups: list[str]) -> list[str]:
            asked.extend(groups)
            return [group for group in groups if group == bob]

        async def groups_send(self, frames: list[live_frames.Frame]) -> None:
            sent.extend(frames)

    monkeypatch.setattr(live_frames, "get_channel_layer", Layer)
    monkeypatch.setattr(live_frames, "MAX_UNCHECKED_PEOPLE", 0)
    event = raised(story)
    told = Notification.objects.filter(event=event)
    assert set(asked) == {live_frames.group_of(item.recipient_id) for item in told}
    assert [(group, frame["unread"]) for group, frame in sent] == [(bob, 1)]
