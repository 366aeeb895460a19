"""Calendars of absences at the desk: which cannot be read, what they say, and addresses that nobody sees again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from notifications import reasons
from notifications.absences.models import AbsenceFeed
from notifications.models import Recipient
from tests.admin.pages import adding, filled, form_at, list_of, page_of, press, text_of
from tests.admin.world import World
from tests.factories import RecipientFactory

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
SECRET = "https://calendar.example/private-4711/basic.ics"


@pytest.fixture(autouse=True)
def on_monday() -> Any:
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.fixture(autouse=True)
def none_yet(world: World) -> None:
    AbsenceFeed.objects.all().delete()


def fields(person: Recipient, **given: Any) -> dict[str, Any]:
    said = {"recipient": person.pk, "address": SECRET, "takes": "marked", "delegate": "", "open_items": "offer"}
    return {**said, **given}


def test_a_calendar_is_added_and_changed_and_its_address_is_not_shown_again(world: World, root: Client) -> None:
    root.post(adding(AbsenceFeed), fields(world.bob, delegate=world.carol.pk), follow=True)
    feed = AbsenceFeed.objects.get()
    assert (feed.recipient, feed.url, feed.host, feed.delegate) == (world.bob, SECRET, "calendar.example", world.carol)
    assert feed.due_at is not None
    feed.absences.create(begins_at=NOW, ends_at=NOW + timedelta(hours=3))

    page = root.get(page_of(feed))
    assert "Mon 2 Nov 09:00 UTC" in text_of(page)
    assert "not read yet" in text_of(page)
    root.post(page_of(feed), filled(form_at(root, page_of(feed)), takes="all"), follow=True)

    feed = AbsenceFeed.objects.get()
    assert (feed.url, feed.takes) == (SECRET, "all")
    history = root.get(page_of(feed, "history"))
    assert "marked as out of office → became all" in text_of(history)
    assert [each.history_user.username for each in feed.history.all()] == ["root", "root"]  # type: ignore[attr-defined]
    for shown in (page, history, root.get(list_of(AbsenceFeed)), root.get(page_of(world.bob))):
        assert "private-4711" not in shown.content.decode()


def test_an_earlier_choice_is_restored_with_the_address_of_now_and_read_anew(world: World, root: Client) -> None:
    root.post(adding(AbsenceFeed), fields(world.bob), follow=True)
    first = AbsenceFeed.objects.get()
    changes = {"takes": "all", "address": f"{SECRET}2", "delegate": world.carol.pk}
    root.post(page_of(first), filled(form_at(root, page_of(first)), **changes), follow=True)
    AbsenceFeed.objects.update(due_at=None)
    record = first.history.earliest("history_id")  # type: ignore[attr-defined]

    press(root, reverse("admin:absences_absencefeed_simple_history", args=[first.pk, record.pk]))

    feed = AbsenceFeed.objects.get()
    assert (feed.takes, feed.delegate, feed.url, feed.host) == ("marked", None, f"{SECRET}2", "calendar.example")
    assert feed.due_at is not None


def test_the_list_says_which_cannot_be_read_and_why(world: World, root: Client) -> None:
    why = {"fault_fact": reasons.FEED_STATUS(status=401).as_json()}
    for person, said in ((world.bob, {"failing_since": NOW - timedelta(days=1), **why}), (world.carol, {})):
        row = AbsenceFeed.objects.create(recipient=person, url=SECRET, host="calendar.example")
        AbsenceFeed.objects.filter(pk=row.pk).update(read_at=NOW - timedelta(days=2), **said)

    failing = root.get(list_of(AbsenceFeed, "reading=fails"))
    assert [row.recipient for row in failing.context["cl"].result_list] == [world.bob]
    assert "not read since Sun 1 Nov 09:00 UTC: its server answers 401" in text_of(failing)
    working = root.get(list_of(AbsenceFeed, "reading=works"))
    assert [row.recipient for row in working.context["cl"].result_list] == [world.carol]
    told = text_of(root.get(page_of(world.carol, "erase")))
    assert "4711" not in told


def test_what_makes_no_sense_is_refused(world: World, root: Client) -> None:
    customer = RecipientFactory(ref="c-9", engine=world.engine)
    for wrong, said in [
        ({"address": ""}, "Enter the address of a calendar."),
        ({"address": "ftp://calendar.example/x.ics"}, "The address must begin with https:// or http://."),
        ({"delegate": world.bob.pk}, "People cannot stand in for themselves."),
        ({"recipient": customer.pk}, "Only people of your own organisation can be away."),
    ]:
        assert said in text_of(root.post(adding(AbsenceFeed), fields(world.bob, **wrong)))
    assert not AbsenceFeed.objects.exists()
