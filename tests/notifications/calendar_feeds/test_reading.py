"""One stranger's calendar costs nobody else anything: it is read in a process with limits that ends with it."""

import resource
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta

import pytest
from icalendar.timezone import tzp

from notifications import reasons
from notifications.calendar_feeds import absent_times, reading, sandbox
from notifications.calendar_feeds.reading import Unreadable, events_in, spans_by_choice, spans_in
from tests.notifications.calendar_feeds.test_absent_times import calendar, entry
from tests.support.berlin import BERLIN, berlin
from wfpush.config import places

NOW = berlin("2026-11-02T10:00")


def zone(name: str, offset: str = "+0100", *lines: str) -> str:
    changes = [
        line
        for kind, before in (("STANDARD", "+0000"), ("DAYLIGHT", offset))
        for line in (f"BEGIN:{kind}", "DTSTART:20000101T000000", f"TZOFFSETFROM:{before}", f"TZOFFSETTO:{offset}",
                     *lines, f"END:{kind}")
    ]  # fmt: skip
    return "\r\n".join(["BEGIN:VTIMEZONE", f"TZID:{name}", *changes, "END:VTIMEZONE"])


def in_zone(name: str, *lines: str) -> str:
    return entry(*lines, begins=f";TZID={name}:20261103T080000", ends=f";TZID={name}:20261103T100000")


def why(text: str) -> str:
    with pytest.raises(Unreadable) as refused:
        events_in(text, BERLIN, NOW)
    return refused.value.reason.code


DATES = ",".join(["20261103T080000Z"] * 290_000)
ENDLESS: dict[str, tuple[Callable[[], str], str]] = {
    "zones by the second": (
        lambda: calendar(zone("Odd", "+0200", "RRULE:FREQ=SECONDLY"), in_zone("Odd")),
        "feed_broken",
    ),
    "zones by the second, in other words": (
        lambda: calendar(zone("Odd", "+0200", "rrule;x=y:freq=secondly"), in_zone("Odd")),
        "feed_broken",
    ),
    "exceptions": (lambda: calendar(entry("RRULE:FREQ=DAILY", f"EXDATE:{DATES}")), "feed_too_many"),
    "exceptions, one a line": (
        lambda: calendar(entry("RRULE:FREQ=DAILY", *["EXDATE:20261103T080000Z"] * 100_000)),
        "feed_too_many",
    ),
    "components in components": (lambda: "BEGIN:VCALENDAR\r\n" + "BEGIN:VEVENT\r\n" * 300_000, "feed_no_calendar"),
    "zone lines": (lambda: calendar(*[zone(f"Z{number}") for number in range(1_000)], entry()), "feed_broken"),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_calendars_without_end_are_refused_before_anything_is_computed(name: str) -> None:
    text, code = ENDLESS[name]

    began = _children_seconds()
    assert why(text()) == code
    assert _children_seconds() - began < sandbox.CPU_SECONDS / 2


def test_properties_that_nobody_reads_cost_nothing() -> None:
    [event] = events_in(calendar(entry("SUMMARY:Alice", *["X-N:1"] * 200_000)), BERLIN, NOW)

    assert event.summary == "Alice"


def _children_seconds() -> float:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime


def test_a_zone_that_one_calendar_defines_is_unknown_to_the_next() -> None:
    stranger, ours = (
        events_in(calendar(zone("Our office", offset), in_zone("Our office")), BERLIN, NOW)[0].begins_at
        for offset in ("-1100", "+0100")
    )

    assert stranger - ours == timedelta(hours=12)
    assert tzp.timezone("Our office") is None


SLOW = """
import sys
from notifications.calendar_feeds import sandbox
sandbox.CPU_SECONDS, sandbox.MEMORY_BYTES = 1, 200_000_000
def question(*given):
    if given[1] == "all":
        {work}
    return []
sandbox._times_away = question
sandbox.main(sys.argv[1:])
"""
WORK = {
    "computes": "while True: pass",
    "grows": "b = bytearray(10**9)",
    "grows slowly": "b = list(range(10**9))",
    "recurses": "question(*given)",
    "is killed": "import os; os.kill(os.getpid(), 9)",
}


@pytest.mark.parametrize("name", WORK)
def test_a_child_that_takes_too_much_is_ended_and_keeps_what_it_answered(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "COMMAND", (sys.executable, "-c", SLOW.format(work=WORK[name])))

    marked, every = spans_by_choice(calendar(), [absent_times.MARKED, absent_times.ALL], BERLIN, NOW)

    assert (marked, every) == ([], reasons.FEED_TOO_MUCH())


def test_a_child_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "COMMAND", (sys.executable, "-c", "import time; time.sleep(600)"))
    monkeypatch.setattr(reading, "WALL_SECONDS", 0.1)

    assert why(calendar()) == "feed_too_much"


def test_a_child_that_cannot_begin_is_our_own_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "COMMAND", (sys.executable, "-c", "import nothing_of_this_name"))

    with pytest.raises(RuntimeError, match="No module named"):
        events_in(calendar(), BERLIN, NOW)


def test_the_child_has_neither_django_nor_our_secrets() -> None:
    code = (
        "import json, os, sys; import notifications.calendar_feeds.sandbox;"
        "print(json.dumps([sorted(os.environ), [m for m in ('django', 'psycopg', 'aiohttp') if m in sys.modules]]))"
    )
    environment = reading.environment({"SECRET_KEY": "s", "DATABASE_URL": "d", "PATH": "/bin"})

    answer = subprocess.run([sys.executable, "-c", code], env=environment, cwd=places.PACKAGES, capture_output=True)

    assert b"SECRET_KEY" not in answer.stdout
    assert answer.stdout.endswith(b"[]]\n"), answer.stderr


@pytest.mark.parametrize(
    "text", ["", "\ufeff", "\ud7ff" * 9, "BEGIN:VCALENDAR\r\nEND:VCALENDAR", "BEGIN:VCALENDAR\n" * 9]
)
def test_anything_is_answered(text: str) -> None:
    try:
        assert events_in(text, BERLIN, NOW) == []
    except Unreadable as fault:
        assert fault.reason.code == "feed_no_calendar"


def test_texts_of_an_event_come_back_as_they_were_written() -> None:
    lines = ["SUMMARY:On call\\, Zoë", 'ATTENDEE;CN="A: B":mailto:a@x.example', "ATTENDEE:mailto:b@x.example"]
    [event] = events_in("\ufeff" + calendar(entry(*lines), entry(*lines, "STATUS:CANCELLED", uid="2")), BERLIN, NOW)

    assert (event.summary, list(event.attendees)) == ("On call, Zoë", ["mailto:a@x.example", "mailto:b@x.example"])
    assert event.begins_at == berlin("2026-11-03T09:00")
    assert spans_in(calendar(entry(*lines)), absent_times.ALL, BERLIN, NOW)[0].begins_at == event.begins_at


def test_times_without_a_zone_are_of_the_one_that_the_calendar_names() -> None:
    weekly = entry("RRULE:FREQ=WEEKLY;COUNT=25", begins=":20261103T130000Z", ends=":20261103T140000Z")
    named = calendar("X-WR-TIMEZONE:America/New_York", weekly)

    found = [event.begins_at for event in events_in(named, BERLIN, NOW)]

    assert (found[0], found[-1]) == (berlin("2026-11-03T14:00"), berlin("2027-04-20T14:00"))
    assert events_in(calendar(weekly), BERLIN, NOW)[-1].begins_at == berlin("2027-04-20T15:00")


def test_what_is_handed_on_is_bounded() -> None:
    lines = ["SUMMARY:" + "x" * 50_000, *[f"ATTENDEE:mailto:{number}@x.example" for number in range(1_000)]]

    [event] = events_in(calendar(entry(*lines)), BERLIN, NOW)

    assert (len(event.summary), len(event.attendees)) == (sandbox.MAX_TEXT, sandbox.MAX_ATTENDEES)
