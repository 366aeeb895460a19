"""Bob's calendar, from a real server: while it says that he is away, Carol hears; what it says no more has ended."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError
from pytest_django import Settings

from notifications.absences import entering, feeds, hand_over, notices
from notifications.absences.entering import AbsenceEntry
from notifications.absences.feeds import FeedSettings
from notifications.absences.models import AbsenceFeed, CalendarAbsence, TakenEntries
from notifications.calendar_feeds import polling, reading
from notifications.models import Absence, Notification, Recipient
from notifications.people.stand_ins import StandIns
from tests.notifications.calendar_feeds.test_absent_times import calendar, entry
from tests.support.receiver import Receiver, receiving
from tests.support.story import Story

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OOF = "X-MICROSOFT-CDO-BUSYSTATUS:OOF"


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def story(clock: time_machine.Traveller) -> Story:
    return Story.begin()


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    settings.CALENDAR_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]
    with receiving() as receiver:
        yield receiver


def serve(receiver: Receiver, *entries: str) -> None:
    receiver.answer((200, {"Content-Type": "text/calendar"}, calendar(*entries).encode()))


def away(begins: str = ":20261102T080000Z", ends: str = ":20261102T160000Z", uid: str = "1") -> str:
    return entry(OOF, "SUMMARY:Operation", begins=begins, ends=ends, uid=uid)


def goes_by(story: Story, receiver: Receiver, **wanted: Any) -> AbsenceFeed:
    said = {"address": receiver.url, "takes": TakenEntries.MARKED, "delegate": story.carol, **wanted}
    feeds.put(story.bob, FeedSettings(**said), by=story.bob)
    feeds.drain()
    return AbsenceFeed.objects.get()


def read_again(clock: time_machine.Traveller, after: timedelta) -> AbsenceFeed:
    clock.move_to(NOW + after)
    feeds.drain()
    return AbsenceFeed.objects.get()


def times() -> list[tuple[float, float]]:
    """Hours from now."""
    rows = CalendarAbsence.objects.order_by("begins_at").values_list("begins_at", "ends_at")
    return [((begins - NOW) / HOUR, (ends - NOW) / HOUR) for begins, ends in rows]


def who_stands_in(story: Story, hours: float = 0) -> Recipient | None:
    return StandIns(NOW + hours * HOUR).of([story.bob]).get(story.bob.pk)


def test_what_the_calendar_says_is_handed_over_and_taken_back_as_any_absence(
    story: Story, receiver: Receiver, clock: time_machine.Traveller
) -> None:
    story.assign()
    serve(receiver, away(), away(":20261103T080000Z", ":20261103T090000Z", "2"))
    feed = goes_by(story, receiver)

    assert receiver.calls[0].headers["accept"] == "text/calendar"
    assert (feed.read_at, feed.failing_since, feed.due_at) == (NOW, None, NOW + feeds.EVERY)
    assert times() == [(-1, 7), (23, 24)]
    assert [who_stands_in(story, hours) for hours in (-2, 0, 7, 23.5, 24)] == [
        None, story.carol, None, story.carol, None,
    ]  # fmt: skip
    story.assign("t-2")
    assert story.states("t-2") == {"carol": "open"}
    assert hand_over.run(NOW) == 1, "what was there already is offered"
    offered = Notification.objects.get(recipient=story.carol, task__task_id="T-42")
    assert offered.notice.startswith("Offered by Bob, who is away.")
    assert hand_over.run(NOW + HOUR) == 0

    serve(receiver, away(":20261103T080000Z", ":20261103T100000Z", "2"))
    read_again(clock, timedelta(minutes=31))
    assert times() == [(23, 25)], "one has vanished, and one is longer"
    assert hand_over.run(NOW + HOUR) == 1
    offered.refresh_from_db()
    assert offered.state == "withdrawn"
    assert "Operation" not in str([*AbsenceFeed.objects.values(), *CalendarAbsence.objects.values()])


def test_what_is_entered_goes_before_it_and_is_never_touched(
    story: Story, receiver: Receiver, clock: time_machine.Traveller
) -> None:
    entered = entering.set_absence(story.bob, AbsenceEntry(NOW + 2 * HOUR, NOW + 4 * HOUR, story.alice), by=story.bob)
    serve(receiver, away())
    goes_by(story, receiver, delegate=None)

    assert [who_stands_in(story, hours) for hours in (0, 2, 3.9, 4, 8)] == [
        None, story.alice, story.alice, None, None,
    ]  # fmt: skip
    assert [StandIns(NOW + hours * HOUR).is_out(story.bob) for hours in (0, 3, 5, 8)] == [
        True, False, True, False,
    ]  # fmt: skip
    serve(receiver)
    read_again(clock, HOUR)
    assert times() == []
    assert Absence.objects.values().get() == Absence.objects.filter(pk=entered.pk).values().get()
    assert entered.history.count() == 1  # type: ignore[attr-defined]
    assert who_stands_in(story, 3) == story.alice


def test_whoever_is_back_early_stays_so_until_the_next_entry(
    story: Story, receiver: Receiver, clock: time_machine.Traveller
) -> None:
    both = away(), away(":20261103T080000Z", ":20261103T090000Z", "2")
    serve(receiver, *both)
    goes_by(story, receiver)

    notices.enter(story.bob, None, story.bob, NOW)
    assert times() == [(23, 24)]
    read_again(clock, HOUR)
    assert times() == [(23, 24)]
    serve(receiver, away(ends=":20261102T180000Z"), both[1])
    read_again(clock, 2 * HOUR)
    assert times() == [(7, 9), (23, 24)], "it is longer by now"


def test_a_calendar_that_fails_keeps_what_is_known_and_says_so_once_after_a_day(
    story: Story, receiver: Receiver, clock: time_machine.Traveller, settings: Settings
) -> None:
    serve(receiver, away(ends=":20261110T160000Z"))
    goes_by(story, receiver)
    known = times()

    none = "no calendar was found at this address"
    faults: list[tuple[Any, str]] = [
        (401, none),
        ((200, {}, b"<html>Sign in</html>"), none),
        ((200, {}, calendar(away()).encode()[:-30]), none),
        ((200, {}, b"BEGIN:VCALENDAR\n" + b"x" * feeds.MAX_BODY), "it is larger than 5120 kB"),
        ((302, {"Location": "http://127.0.0.1:1/"}, b""), none),
    ]
    for number, (answer, why) in enumerate(faults, 1):
        receiver.answer(answer)
        failing = read_again(clock, number * HOUR)
        assert (failing.fault, failing.failing_since, failing.read_at) == (why, NOW + HOUR, NOW)
        assert times() == known
    settings.CALENDAR_ALLOWED_CIDRS = []
    settings.OUTBOUND_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]
    assert read_again(clock, 6 * HOUR).fault == none
    assert len(receiver.calls) == 6, "where engines may be called, calendars of people are not read"
    assert not Notification.objects.exists()

    assert times() == known
    for hours in (26, 27):
        read_again(clock, hours * HOUR)
    told = Notification.objects.get()
    assert (told.recipient, told.title) == (story.bob, "Your calendar cannot be read")
    assert told.body.startswith("127.0.0.1: not read since Monday, 2 November, 10:00: no calendar was found")
    assert "Your known absences still count." in told.body
    assert receiver.url not in told.body
    assert who_stands_in(story, 27) == story.carol

    settings.CALENDAR_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]
    serve(receiver)
    mended = read_again(clock, 28 * HOUR)
    assert (mended.failing_since, mended.fault, mended.told_at, times()) == (None, "", None, [])


def test_a_calendar_that_takes_too_much_is_read_seldom(
    story: Story, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "COMMAND", (sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"))
    serve(receiver, away())

    feed = goes_by(story, receiver)

    assert feed.fault == "reading it takes too much time or memory"
    assert feed.due_at == NOW + polling.TOO_MUCH_EVERY


def test_a_changed_choice_counts_at_once_and_the_address_is_kept_and_encrypted(
    story: Story, receiver: Receiver
) -> None:
    serve(receiver, away(), entry(begins=":20261104T080000Z", ends=":20261104T090000Z", uid="2"))
    goes_by(story, receiver)
    assert times() == [(-1, 7)]

    feed = goes_by(story, receiver, address="", takes=TakenEntries.ALL, delegate=story.alice)

    assert times() == [(-1, 7), (47, 48)]
    assert who_stands_in(story) == story.alice
    assert (feed.url, feed.host) == (receiver.url, "127.0.0.1")
    assert str(feed.__dict__["url"]).startswith("enc1:")
    assert [each.history_change_reason for each in feed.history.all()] == ["by bob", "by bob"]  # type: ignore[attr-defined]
    assert receiver.url not in str([*feed.history.values()])  # type: ignore[attr-defined]
    feeds.remove(feed, by=story.bob)
    assert times() == []
    assert who_stands_in(story) is None


def test_calendars_of_people_who_are_switched_off_are_not_read(
    story: Story, receiver: Receiver, clock: time_machine.Traveller
) -> None:
    serve(receiver)
    goes_by(story, receiver)
    Recipient.objects.filter(pk=story.bob.pk).update(active=False)

    read_again(clock, DAY)

    assert len(receiver.calls) == 1
    assert not feeds.has_due(NOW + DAY)


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        (" webcal://cloud.example/remote.php/dav/x?export ", "https://cloud.example/remote.php/dav/x?export"),
        ("https://calendar.google.com/calendar/ical/bob/private-1/basic.ics", None),
        ("http://calendar.example/x.ics", ""),
        ("https://bob:secret@calendar.example/x.ics", ""),
        ("https://127.0.0.1/x.ics", ""),
        ("file:///etc/passwd", ""),
        ("calendar.example", ""),
    ],
)
def test_addresses_are_checked(typed: str, url: str | None, settings: Settings) -> None:
    settings.CALENDAR_ALLOWED_CIDRS, settings.HTTPS = [], True
    if url == "":
        with pytest.raises(ValidationError):
            feeds.cleaned(typed)
    else:
        assert feeds.cleaned(typed) == (url or typed)
