"""Calendars that rotas read, from a real server, and the one that a rota offers."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import icalendar
import pytest
import time_machine
from django.test import Client
from pytest_django import Settings

from notifications.calendar_feeds.content import Refused
from notifications.calendar_feeds.occurrences import MAX_OCCURRENCES, MAX_RULES, occurrences_in
from notifications.calendar_feeds.reading import events_in
from notifications.models import Recipient, Team
from notifications.rotas import calendar_export, duty, feeds
from notifications.rotas.models import Rota, RotaFeed, RotaFeedShift
from notifications.rotas.tests.rotas import add_layer, rota_of
from tests.factories import RecipientFactory, TeamFactory
from tests.notifications.calendar_feeds.test_absent_times import calendar
from tests.support.berlin import BERLIN, berlin
from tests.support.receiver import Receiver, receiving

NOW = berlin("2026-11-02T07:00")


def event(*lines: str, begins: str = "20261102T080000", ends: str = "20261103T080000") -> str:
    zone = "TZID=Europe/Berlin:"
    said = [f"DTSTART;{zone}{begins}", f"DTEND;{zone}{ends}", *lines]
    return "\r\n".join(
        ["BEGIN:VEVENT", f"UID:{hash((begins, *lines))}", "DTSTAMP:20261101T000000Z", *said, "END:VEVENT"]
    )


def serve(receiver: Receiver, text: str, etag: str = "") -> None:
    receiver.answer((200, {"Content-Type": "text/calendar"} | ({"ETag": etag} if etag else {}), text.encode()))


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    settings.OUTBOUND_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def team(transactional_db: None) -> Team:
    people = [
        RecipientFactory(ref=name.lower(), name=name, email=f"{name.lower()}@acme.example")
        for name in ("Alice", "Bob", "Carol")
    ]
    return TeamFactory(slug="claims", name="Claims", members=people)


@pytest.fixture
def rota(clock: Any, receiver: Receiver, team: Team) -> Rota:
    made = rota_of(team)
    made.feed_url = receiver.url
    made.save()
    feeds.settle(made)
    return made


def on_duty(rota: Rota, at: str) -> list[str]:
    return [person.ref for person in duty.Duties(berlin(at)).people(rota)]


def test_shifts_are_matched_by_address_ref_or_name_and_others_are_named(rota: Rota, receiver: Receiver) -> None:
    add_layer(rota, Recipient.objects.get(ref="bob"))
    serve(
        receiver,
        calendar(
            event("SUMMARY:Whoever", "ATTENDEE:mailto:nobody@example.org", "ATTENDEE;CN=A:MAILTO:Alice@acme.example"),
            event("SUMMARY:On call: Carol", begins="20261103T080000", ends="20261104T080000"),
            event("SUMMARY:Zoe", begins="20261104T080000", ends="20261105T080000"),
            event("SUMMARY:carol", "STATUS:CANCELLED", begins="20261106T080000", ends="20261107T080000"),
            event("SUMMARY:carol", "RRULE:FREQ=WEEKLY;BYDAY=SU", begins="20261108T000000", ends="20261109T000000"),
        ),
    )

    feeds.drain()

    assert [on_duty(rota, f"2026-11-0{day}T12:00")[0] for day in range(2, 9)] == [
        "alice", "carol", "bob", "bob", "bob", "bob", "carol",
    ]  # fmt: skip
    assert on_duty(rota, "2027-03-28T23:59")[0] == "carol", "the clocks have changed that night"
    assert list(RotaFeedShift.objects.filter(person=None).values_list("summary", flat=True)) == ["Zoe"]


def test_a_feed_that_fails_keeps_what_was_read_and_says_since_when(
    rota: Rota, receiver: Receiver, clock: time_machine.Traveller
) -> None:
    serve(receiver, calendar(event("SUMMARY:Alice")), etag='"1"')
    feeds.drain()
    read = RotaFeed.objects.get()
    assert (read.etag, read.failing_since) == ('"1"', None)
    feeds.drain()
    assert len(receiver.calls) == 1, "nothing is due"

    first = NOW + timedelta(minutes=16)
    faults: list[tuple[Any, str]] = [
        (500, "its server answers 500"),
        ((200, {}, b"<html>Sign in</html>"), "the response is not a calendar (iCalendar, RFC 5545)"),
        ((200, {}, b"BEGIN:VCALENDAR\n" + b"x" * feeds.MAX_BODY), "it is larger than 1024 kB"),
        ((302, {"Location": "http://127.0.0.1/"}, b""), "its server answers 302"),
    ]
    for number, (answer, why) in enumerate(faults):
        receiver.answer(answer)
        clock.move_to(first + number * timedelta(minutes=16))
        feeds.drain()
        failing = RotaFeed.objects.get()
        assert (failing.fault, failing.failing_since, failing.read_at) == (why, first, NOW)
        assert on_duty(rota, "2026-11-02T12:00") == ["alice"]
    assert receiver.calls[1].headers["if-none-match"] == '"1"'

    receiver.answer((304, {}, b""))
    clock.move_to(first + timedelta(hours=2))
    feeds.drain()
    mended = RotaFeed.objects.get()
    assert (mended.fault, mended.failing_since, mended.read_at) == ("", None, first + timedelta(hours=2))
    assert on_duty(rota, "2026-11-02T12:00") == ["alice"]

    rota.feed_url = ""
    rota.save()
    feeds.settle(rota)
    assert not RotaFeed.objects.exists()
    assert on_duty(rota, "2026-11-02T12:00") == []


def test_private_addresses_are_not_read(rota: Rota, receiver: Receiver, settings: Settings) -> None:
    settings.OUTBOUND_ALLOWED_CIDRS = []

    feeds.drain()

    assert receiver.calls == []
    assert RotaFeed.objects.get().failing_since == NOW


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY", "FREQ=HOURLY", "FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;BYHOUR=1,2,3", "FREQ=YEARLY;BYSETPOS=1",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;BYMONTH=4,6;BYMONTHDAY=31",
    ],
)  # fmt: skip
def test_rules_that_take_for_ever_are_refused(rule: str) -> None:
    with pytest.raises(Refused, match="feed_odd_rule"):
        occurrences_in(calendar(event("SUMMARY:Alice", f"RRULE:{rule}")), BERLIN, NOW)


def test_too_many_rules_events_and_shifts_are_refused() -> None:
    daily = event("SUMMARY:Alice", "RRULE:FREQ=DAILY", begins="20200101T080000", ends="20200101T090000")
    single = [event("SUMMARY:Alice", f"X-N:{number}") for number in range(MAX_OCCURRENCES + 1)]

    for text in (calendar(*[daily] * (MAX_RULES + 1)), calendar(*single)):
        with pytest.raises(Refused, match="feed_too_many"):
            occurrences_in(text, BERLIN, NOW)


def test_days_begin_at_midnight_in_the_rotas_zone() -> None:
    text = calendar(
        "BEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20261101T000000Z\r\nDTSTART;VALUE=DATE:20261107\r\n"
        "DTEND;VALUE=DATE:20261109\r\nSUMMARY:Alice\r\nEND:VEVENT",
        "BEGIN:VEVENT\r\nUID:2\r\nDTSTAMP:20261101T000000Z\r\nDTSTART:20261110T080000\r\n"
        "DTEND:20261110T180000\r\nSUMMARY:Bob\r\nEND:VEVENT",
    )

    found = [(event.begins_at, event.ends_at) for event in events_in(text, BERLIN, NOW)]

    assert found == [
        (berlin("2026-11-07T00:00"), berlin("2026-11-09T00:00")),
        (berlin("2026-11-10T08:00"), berlin("2026-11-10T18:00")),
    ]


def test_the_offered_calendar_has_its_secret_address_until_there_is_another(team: Team, clock: Any) -> None:
    rota = rota_of(team, *team.members.order_by("ref"))
    client = Client()
    path = calendar_export.new_address(rota).removeprefix("http://localhost:8000")
    path = path[path.index("/rotas/") :]

    answer = client.get(path)

    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    events = icalendar.Calendar.from_ical(answer.content).walk("VEVENT")
    assert [str(each["SUMMARY"]) for each in events][:4] == [
        "Claims: Alice", "Claims: Bob", "Claims: Carol", "Claims: Alice",
    ]  # fmt: skip
    assert events[0].start == berlin("2026-11-02T08:00")
    last: datetime = events[-1].end
    assert last == NOW.astimezone(UTC) + calendar_export.AHEAD, "six months"
    other = calendar_export.new_address(rota)
    assert client.get(path).status_code == 404
    assert client.get(other[other.index("/rotas/") :]).status_code == 200
    assert client.get("/rotas/claims/.ics").status_code == 404
    calendar_export.end_address(rota)
    assert client.get(other[other.index("/rotas/") :]).status_code == 404
