"""Time zones of the `tzdata` package, and conversion of wall clock times into instants. Pure: no Django."""

from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from zoneinfo import ZoneInfo

SECOND = timedelta(seconds=1)


class UnknownZone(LookupError):
    """Raised if there is no time zone of that name."""


@cache
def zone(name: str) -> ZoneInfo:
    """Return the time zone from the package, whatever the system has installed. Raises UnknownZone."""
    if name not in names():
        raise UnknownZone(name)
    with files("tzdata.zoneinfo").joinpath(*name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


@cache
def names() -> frozenset[str]:
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())


def data_version() -> str:
    """Return the version of the time zone data, such as 2026a."""
    return version("tzdata")


def first_instant(zone: tzinfo, wall: datetime) -> datetime:
    """Return the first instant at which the wall clock shows `wall` (a naive datetime), or first shows a later time."""
    return _instant(zone, wall, fold=0)


def last_instant(zone: tzinfo, wall: datetime) -> datetime:
    """Return the second instant at which the wall clock shows `wall` if it does so twice, else as `first_instant`."""
    return _instant(zone, wall, fold=1)


def _instant(zone: tzinfo, wall: datetime, fold: int) -> datetime:
    # PEP 495: the two folds differ where a wall time occurs twice (fold 0 is the earlier instant) and where it never
    # occurs (fold 0 is the later instant, and the change lies between the two).
    first, second = (wall.replace(tzinfo=zone, fold=each).astimezone(UTC) for each in (0, 1))
    if first <= second:
        return second if fold else first
    return _change(zone, wall, second, first)


def _change(zone: tzinfo, wall: datetime, before: datetime, after: datetime) -> datetime:
    """Return the first instant at which the wall clock shows `wall` or later. Zones change on whole seconds."""
    while after - before > SECOND:
        middle = before + (after - before) // (2 * SECOND) * SECOND
        if middle.astimezone(zone).replace(tzinfo=None) < wall:
            before = middle
        else:
            after = middle
    return after
