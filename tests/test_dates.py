"""The tests on other dates (`python -m tests.support.dates`), and that what they start has the date that they have."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import redis
from django.conf import settings
from django.db import connection
from django.utils import timezone

from tests.support import dates

NOW = datetime(2026, 11, 27, 8, tzinfo=UTC)


@pytest.mark.django_db
def test_the_servers_have_the_date_of_the_tests() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (database,) = cursor.fetchone()
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        seconds, _ = client.time()

    moments = (database, datetime.fromtimestamp(seconds, UTC))
    assert all(abs(moment - timezone.now()) < timedelta(minutes=1) for moment in moments), moments


def test_the_nights_in_which_clocks_change_are_found() -> None:
    found = {moment.name: moment.begins + dates.BEFORE for moment in dates.moments(NOW) if moment.again}

    assert found == {
        "midnight": datetime(2026, 11, 29, tzinfo=UTC),
        "berlin-spring": datetime(2027, 3, 28, 1, tzinfo=UTC),
        "berlin-autumn": datetime(2027, 10, 31, 1, tzinfo=UTC),
        "santiago-spring": datetime(2027, 9, 5, 4, tzinfo=UTC),
        "santiago-autumn": datetime(2027, 4, 4, 3, tzinfo=UTC),
    }


def test_where_clocks_never_change_it_says_so() -> None:
    with pytest.raises(ValueError, match="Asia/Tokyo"):
        dates.next_change(ZoneInfo("Asia/Tokyo"), NOW, forward=True)


@pytest.mark.parametrize(("now", "year"), [(NOW, 2028), (datetime(2028, 2, 29, tzinfo=UTC), 2032)])
def test_the_next_leap_day_is_found(now: datetime, year: int) -> None:
    assert dates.next_leap_day(now) == datetime(year, 2, 29, 12, tzinfo=UTC)


def test_without_libfaketime_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tests.support.dates.library", lambda: None)

    assert dates.main(["tests/notifications/wording/test_times.py"]) == 2
    assert "apt-get install libfaketime" in capsys.readouterr().err


def test_libfaketime_is_found_where_distributions_put_it(tmp_path: Path) -> None:
    assert dates.library(tmp_path) is None
    there = tmp_path / "usr/lib/aarch64-linux-gnu/faketime" / dates.LIBRARY
    there.parent.mkdir(parents=True)
    there.touch()
    assert dates.library(tmp_path) == there


def test_a_moved_process_has_the_date_and_a_true_monotonic_clock(tmp_path: Path) -> None:
    preload = dates.library()
    if preload is None:
        assert not os.environ.get("CI"), dates.MISSING
        pytest.skip(dates.MISSING)
    said = [
        subprocess.run(
            [sys.executable, "-c", "import time; print(time.time(), time.monotonic())"],
            env=dates.moved(moment, preload, tmp_path / "offset", dict(os.environ)),
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for moment in (dates.Moment("leap-day", dates.next_leap_day(NOW)), dates.moments(NOW)[-1])
    ]
    begins = (dates.next_leap_day(NOW), dates.moments(NOW)[-1].begins)
    assert all(0 <= float(wall) - begin.timestamp() < 60 for (wall, _), begin in zip(said, begins, strict=True)), said
    assert float(said[0][1]) < float(said[1][1])


def test_only_tests_without_browsers_are_run() -> None:
    chosen = list(dates.files(everything=False))
    assert "tests/escalations/kinds/test_engine_calls.py" in chosen
    assert not [path for path in chosen if path.startswith(("tests/browsers", "tests/soak"))]
    assert set(chosen) < set(dates.files(everything=True))
