"""Which entries of a calendar mean that somebody is away, as Outlook, Google and Nextcloud write them."""

import time
from datetime import datetime
from pathlib import Path

import pytest

from notifications.calendar_feeds import absent_times, content
from notifications.calendar_feeds.content import MAX_DATES, Refused, Span
from notifications.calendar_feeds.reading import spans_in
from tests.support.berlin import BERLIN, berlin
from tests.support.length import some

HERE = Path(__file__).parent / "calendars"
NOW = berlin("2026-11-02T10:00")


def calendar_of(product: str) -> str:
    """With the line ends of RFC 5545."""
    return "\r\n".join((HERE / f"{product}.ics").read_text().splitlines()) + "\r\n"


def entry(*lines: str, begins: str = ":20261103T080000Z", ends: str = ":20261103T100000Z", uid: str = "1") -> str:
    said = [f"UID:{uid}", f"DTSTART{begins}", *([f"DTEND{ends}"] if ends else []), *lines]
    return "\r\n".join(["BEGIN:VEVENT", *said, "END:VEVENT"])


def calendar(*entries: str) -> str:
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", *entries, "END:VCALENDAR", ""])


def spans(text: str, takes: str = absent_times.ALL, now: datetime = NOW) -> list[tuple[str, str]]:
    """As the clocks of Berlin show them."""
    found = absent_times.spans_in(content.parsed(text, absent_times.NAMES), takes, BERLIN, now)
    return [tuple(f"{at.astimezone(BERLIN):%m-%dT%H}" for at in (each.begins_at, each.ends_at)) for each in found]  # type: ignore[misc]


DENTIST, TRAINING, HOLIDAYS = ("11-03T08", "11-03T09"), ("11-10T00", "11-11T00"), ("12-21T00", "01-04T00")
LISBON, STOCK = ("11-16T00", "11-21T00"), ("11-30T00", "12-01T00")
OUT, MUM, MEETING = ("11-23T00", "11-28T00"), ("11-12T00", "11-13T00"), ("11-05T10", "11-05T11")


@pytest.mark.parametrize(
    ("product", "takes", "away"),
    [
        ("outlook", absent_times.MARKED, [DENTIST, HOLIDAYS]),
        ("outlook", absent_times.WHOLE_DAYS, [DENTIST, TRAINING, HOLIDAYS]),
        ("outlook", absent_times.ALL, [DENTIST, ("11-10T00", "11-12T00"), HOLIDAYS]),
        ("google", absent_times.MARKED, []),
        ("google", absent_times.WHOLE_DAYS, [OUT]),
        ("google", absent_times.ALL, [MEETING, MUM, OUT]),
        ("nextcloud", absent_times.MARKED, [LISBON]),
        ("nextcloud", absent_times.WHOLE_DAYS, [LISBON, STOCK]),
        ("nextcloud", absent_times.ALL, [("11-06T00", "11-07T00"), ("11-13T00", "11-14T00"), LISBON, STOCK]),
    ],
)
def test_each_choice_takes_of_each_product(product: str, takes: str, away: list[tuple[str, str]]) -> None:
    assert spans(calendar_of(product), takes) == away


def test_what_overlaps_or_touches_is_one_and_what_is_over_or_cancelled_is_none() -> None:
    text = calendar(
        entry(begins=":20261103T080000Z", ends=":20261103T120000Z", uid="1"),
        entry(begins=":20261103T110000Z", ends=":20261103T150000Z", uid="2"),
        entry(begins=":20261103T150000Z", ends=":20261103T160000Z", uid="3"),
        entry(begins=":20261101T080000Z", ends=":20261102T085959Z", uid="4"),
        entry("STATUS:CANCELLED", begins=":20261104T080000Z", ends=":20261104T120000Z", uid="5"),
        entry(begins=":20251001T080000Z", ends=":20261102T120000Z", uid="6"),
    )

    assert spans(text) == [("10-01T10", "11-02T13"), ("11-03T09", "11-03T17")]


def test_an_occurrence_that_was_moved_or_is_free_now_counts_as_it_is_now() -> None:
    off = ["X-MICROSOFT-CDO-BUSYSTATUS:OOF"]
    moved = ["RECURRENCE-ID:20261110T080000Z", *off]
    text = calendar(
        entry("RRULE:FREQ=WEEKLY;COUNT=4", *off),
        entry(*moved, begins=":20261111T080000Z", ends=":20261111T100000Z"),
        entry("RECURRENCE-ID:20261117T080000Z", "X-MICROSOFT-CDO-BUSYSTATUS:FREE",
              begins=":20261117T080000Z", ends=":20261117T100000Z"),
    )  # fmt: skip

    assert spans(text, absent_times.MARKED) == [
        ("11-03T09", "11-03T11"), ("11-11T09", "11-11T11"), ("11-24T09", "11-24T11"),
    ]  # fmt: skip


def test_days_are_those_of_the_person_and_follow_the_change_of_clocks() -> None:
    days = calendar(entry(begins=";VALUE=DATE:20261024", ends=";VALUE=DATE:20261026"))
    october = berlin("2026-10-20T10:00")

    [span] = spans_in(days, absent_times.ALL, BERLIN, october)

    assert span == Span(berlin("2026-10-24T00:00"), berlin("2026-10-26T00:00"))
    assert (span.ends_at - span.begins_at).total_seconds() == 49 * 3600
    weekly = calendar(entry("RRULE:FREQ=WEEKLY", begins=";TZID=America/New_York:20261020T090000", ends=""))
    assert spans(calendar(entry("DURATION:PT1H", begins=";TZID=America/New_York:20261027T090000", ends="")),
                 now=october) == [("10-27T14", "10-27T15")]  # fmt: skip
    assert spans(weekly, now=october) == [], "without an end it takes no time"


def test_titles_never_reach_the_reader_of_the_calendar() -> None:
    reduced = content.parsed(calendar_of("outlook"), absent_times.NAMES).reduced(NOW)

    assert reduced.count("BEGIN:VEVENT") > 2
    assert not [word for word in ("Dentist", "blood", "please", "Molar", "REMINDER", "Vacation") if word in reduced]


ODD = {
    "nothing": "",
    "a page": "<html><body>Sign in</body></html>",
    "half of it": calendar(entry())[:-20],
    "no end": calendar(entry()).replace("END:VEVENT\r\n", ""),
    "end of time": calendar(entry(begins=";VALUE=DATE:20261103", ends=";VALUE=DATE:99991231")),
    "garbage": calendar(entry(ends=":next Tuesday")),
    "too often": calendar(entry("RRULE:FREQ=DAILY;COUNT=99999999999999999999")),
    "dates": calendar(entry("RDATE:" + ",".join(["20261103T080000Z"] * (MAX_DATES + 1)))),
    "a hundred thousand": calendar(*[entry(uid=str(number)) for number in range(100_000)]),
}


@pytest.mark.parametrize("name", some(ODD, 6))
def test_what_makes_no_sense_or_takes_for_ever_is_refused_in_time(name: str) -> None:
    began = time.process_time()

    with pytest.raises(Refused):
        spans(ODD[name])

    assert time.process_time() - began < 5
