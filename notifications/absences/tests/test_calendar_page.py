"""The page on which Bob names a calendar: he looks what it would take, saves it, and never sees its address again."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest
import time_machine
from django.conf import settings as django_settings
from pytest_django import Settings

from notifications.absences import feeds
from notifications.absences.models import AbsenceFeed
from notifications.models import Recipient
from tests.factories import RecipientFactory
from tests.inbox.browser import Page, get, signed_in
from tests.notifications.calendar_feeds.test_absent_times import calendar_of, entry
from tests.support.receiver import Receiver, receiving
from tests.support.story import Story
from wfpush.web import waiting_threads

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(MONDAY, tick=False) as clock:
        yield clock


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    settings.CALENDAR_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]
    with receiving() as receiver:
        receiver.answer((200, {}, calendar_of("outlook").encode()))
        yield receiver


@pytest.fixture
def page(story: Story) -> Page:
    Recipient.objects.filter(pk=story.bob.pk).update(timezone="Europe/Berlin")
    return get(signed_in(story.bob), "/absence").follow("Read a calendar")


def test_bob_looks_saves_and_reads_what_it_says(page: Page, story: Story, receiver: Receiver) -> None:
    looked = page.press("Preview", address=receiver.url)

    assert looked.status == 200
    dentist = "Tuesday, 3 November, 08:00 until Tuesday, 3 November, 09:30"
    assert f"out of office {dentist}; Monday, 21 December" in looked.text
    assert "Tuesday, 10 November, 00:00 until Wednesday, 11 November, 00:00" in looked.text
    assert "Nothing is saved yet." in looked.text
    assert not AbsenceFeed.objects.exists()
    assert not [word for word in ("Dentist", "Vacation", "Molar") if word in looked.text]

    saved = looked.press("Save", delegate="Carol (carol)")
    assert "127.0.0.1 will be read now." in saved.text
    feeds.drain()
    read = get(saved.client, "/absence/calendar")
    assert "127.0.0.1 was read" in read.text
    assert dentist in read.text
    assert receiver.url not in read.response.content.decode()
    absences = get(saved.client, "/absence").text
    assert "You are away from Tuesday, 3 November, 08:00 until" in absences
    assert "From the calendar. Carol stands in." in absences
    assert "Your absences are read from 127.0.0.1." in absences

    chosen = read.press("Save", takes="whole_days")
    assert "Saved." in chosen.text
    assert AbsenceFeed.objects.get().url == receiver.url
    stopped = chosen.press("Stop reading")
    assert "The calendar is no longer read." in stopped.text
    assert not AbsenceFeed.objects.exists()


def test_what_some_choices_cannot_read_does_not_spoil_the_others(page: Page, receiver: Receiver) -> None:
    board = entry("RRULE:FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1", uid="board")
    receiver.answer((200, {}, calendar_of("outlook").replace("END:VCALENDAR", f"{board}\r\nEND:VCALENDAR").encode()))

    looked = page.press("Preview", address=receiver.url)

    assert looked.status == 200
    assert "marked as out of office Tuesday, 3 November, 08:00" in looked.text
    assert "only absences It cannot be read: an event repeats in an unsupported way" in looked.text


def test_bob_is_back_although_his_calendar_says_otherwise(
    page: Page, story: Story, receiver: Receiver, clock: time_machine.Traveller
) -> None:
    page.press("Save", address=receiver.url)
    feeds.drain()
    clock.move_to(MONDAY + timedelta(days=50))

    back = get(signed_in(story.bob), "/absence").press("I am back")

    assert "Removed: messages come as usual." in back.text
    assert "You are away" not in back.text


def test_what_is_wrong_is_said(page: Page, story: Story, receiver: Receiver, settings: Settings) -> None:
    assert "Enter the address of a calendar." in page.press("Save").text
    assert "People cannot stand in for themselves." in page.press("Save", address=receiver.url, delegate="bob").text
    settings.CALENDAR_ALLOWED_CIDRS, settings.OUTBOUND_ALLOWED_CIDRS = [], settings.CALENDAR_ALLOWED_CIDRS
    for button in ("Preview", "Save"):
        assert "Enter a public address." in page.press(button, address=receiver.url).text
    assert receiver.calls == []

    assert not AbsenceFeed.objects.exists()


def test_nobody_learns_what_else_answers_at_an_address(
    page: Page, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "SECONDS", 0.2)
    silent = socket.create_server(("127.0.0.1", 0))
    addresses = [receiver.url] * 4 + ["http://127.0.0.1:1/x", "http://nowhere.invalid/x"]
    addresses.append(f"http://127.0.0.1:{silent.getsockname()[1]}/x")
    receiver.answer(401, 404, (302, {"Location": "/"}, b""), (200, {}, b"SSH-2.0-OpenSSH"))

    looked = [page.press("Preview", address=address) for address in addresses]

    silent.close()
    assert {each.status for each in looked} == {422}
    assert len({each.text for each in looked}) == 1
    assert "It cannot be read: no calendar was found at this address" in looked[0].text


def test_looks_take_a_few_threads_and_leave_the_others_free(page: Page, story: Story) -> None:
    """A calendar that does not answer holds its thread for as long as the deadline."""
    address = "https://calendar.example/x.ics"
    with waiting_threads.slots.hold(person=story.bob.pk, host="another.example"):
        refused = page.press("Preview", address=address)
        assert (refused.status, refused.response["Retry-After"]) == (429, "10")
        assert "is still being read" in refused.text

    with ExitStack() as held:
        for number in range(django_settings.DATABASE_POOL // waiting_threads.SHARE):
            held.enter_context(waiting_threads.slots.hold(person=-number, host=f"{number}.example"))
        refused = page.press("Preview", address=address)
        assert (refused.status, refused.response["Retry-After"]) == (503, "10")
        assert "Many calendars are being read" in refused.text


def test_a_calendar_that_fails_says_so_on_both_pages(page: Page, receiver: Receiver) -> None:
    receiver.answer(500)
    page.press("Save", address=receiver.url)
    feeds.drain()

    assert (
        "has not been read since Monday, 2 November, 10:00: no calendar was found at this address"
        in get(page.client, page.url).text
    )
    assert "Your absences at 127.0.0.1 cannot be read at present." in get(page.client, "/absence").text


def test_customers_have_no_such_page(story: Story) -> None:
    erin = RecipientFactory(ref="C-9", engine=story.engine)

    assert signed_in(erin).get("/absence/calendar").status_code == 404
