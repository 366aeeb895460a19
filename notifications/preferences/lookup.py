"""The preferences that count for people, read for many at once: their own, their teams' and their brands'."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta, tzinfo
from functools import cached_property
from typing import Any

from django.db import connection

from notifications import reasons
from notifications.models import (
    USUAL_DIGEST_TIMES,
    USUAL_PAUSE,
    Category,
    CategoryDefault,
    Frequency,
    Limit,
    Recipient,
    Team,
)
from notifications.preferences.quiet_hours import OnHolidays, Quiet, Window
from notifications.reasons import NOTHING, Reason
from notifications.types import Json
from notifications.wording.formats import zone_of
from wfpush import features
from wfpush.postgres.revision import Compiled

SELF, TEAM, BRAND = "self", "team", "brand"


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice for one category: channels on or off, and the frequency. `by`: SELF, or TEAM or BRAND of that `name`."""

    channels: Mapping[str, bool]
    frequency: str
    by: str
    name: str = ""

    @property
    def reason(self) -> Reason:
        """The reason why a channel is off."""
        if self.by == SELF:
            return reasons.TURNED_OFF()
        return (reasons.OFF_FOR_TEAM if self.by == TEAM else reasons.OFF_FOR_BRAND)(name=self.name)


@dataclass(frozen=True)
class PreferenceSet:
    """All choices that count for one person, the nearest first: their own, their teams', their brand's."""

    zone: tzinfo
    choices: Mapping[int, Sequence[Choice]] = field(default_factory=dict)
    """Choices by the pk of the category."""
    quiet: Quiet | None = None
    digest_times: Sequence[time] = USUAL_DIGEST_TIMES
    repeat_pause: timedelta = timedelta(minutes=USUAL_PAUSE)
    most_an_hour: int | None = None
    muted: frozenset[int] = frozenset()
    """Keys of cases whose messages come in the inbox only."""
    defaults: "_Defaults | None" = field(default=None, compare=False, repr=False)

    @property
    def limits(self) -> Mapping[str, int]:
        """Messages an hour by channel, as administrators limit them."""
        return self.defaults.limits if self.defaults is not None else {}

    def off(self, category: Category, channel: str) -> Reason:
        """Return why this person gets no messages of the category on the channel; NOTHING: they get them."""
        if channel in category.mandatory:
            return NOTHING
        for choice in self.choices.get(category.pk, ()):
            if channel in choice.channels:
                return NOTHING if choice.channels[channel] else choice.reason
        return NOTHING

    def frequency(self, category: Category) -> Frequency:
        frequencies = (each.frequency for each in self.choices.get(category.pk, ()) if each.frequency)
        return Frequency(next(frequencies, category.frequency))

    def quiet_until(self, now: datetime) -> datetime | None:
        return self.quiet.until(now) if self.quiet is not None else None


class Reading:
    """The choices of people; each person's are read once."""

    def __init__(self) -> None:
        self._by_person: dict[int, PreferenceSet] = {}

    def look_up(self, people: Iterable[Recipient]) -> None:
        """Read the choices of new people by one statement, and one more where teams or calendars count."""
        new = {person.pk: person for person in people if person.pk not in self._by_person}
        if not new:
            return
        rows = _rows(list(new))
        defaults = _DEFAULTS.get()
        teams = _teams_of(list(new), defaults) if defaults.teams else {}
        on_holidays = holidays_of([pk for pk, mine in rows.items() if _settings_of(mine).get("quiet_on_holidays")])
        for pk, person in new.items():
            self._by_person[pk] = _chosen(person, rows.get(pk, {}), defaults, teams.get(pk, ()), on_holidays.get(pk))

    def of(self, person: Recipient) -> PreferenceSet:
        if person.pk not in self._by_person:
            self.look_up([person])
        return self._by_person[person.pk]


# --- choices of people ----------------------------------------------------------------------------
_ROWS = """
SELECT recipient_id, 'settings', to_jsonb(said) FROM notifications_preferences said WHERE recipient_id = ANY(%s)
UNION ALL
SELECT recipient_id, 'quiet', to_jsonb(said) FROM notifications_quiethours said WHERE recipient_id = ANY(%s)
UNION ALL
SELECT recipient_id, 'choice', to_jsonb(said) FROM notifications_categorychoice said WHERE recipient_id = ANY(%s)
UNION ALL
SELECT recipient_id, 'muted', to_jsonb(case_id) FROM notifications_mutedcase WHERE recipient_id = ANY(%s)
"""


_Rows = Mapping[str, list[Any]]
"""The stored rows of one person, by the kinds that `_ROWS` names."""


def _rows(people: list[int]) -> dict[int, _Rows]:
    rows_by_person: dict[int, dict[str, list[Any]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [people] * 4)
        for pk, kind, row in cursor.fetchall():
            rows_by_person.setdefault(pk, defaultdict(list))[kind].append(json.loads(row))
    return {**rows_by_person}


def _settings_of(rows: _Rows) -> Json:
    return next(iter(rows.get("settings", ())), {})


def _chosen(
    person: Recipient,
    rows: _Rows,
    defaults: "_Defaults",
    teams: Sequence[int],
    is_holiday: OnHolidays | None,
) -> PreferenceSet:
    zone, settings = zone_of(person.timezone), _settings_of(rows)
    choices: dict[int, list[Choice]] = {}
    for row in rows.get("choice", ()):
        choices[row["category_id"]] = [Choice(row["channels"], row["frequency"], SELF)]
    for of_others in (*(defaults.teams.get(team, {}) for team in teams), defaults.brands.get(person.brand_id or 0, {})):
        for category, choice in of_others.items():
            choices.setdefault(category, []).append(choice)
    windows = tuple(
        Window(frozenset(row["days"]), time.fromisoformat(row["begins"]), time.fromisoformat(row["ends"]))
        for row in rows.get("quiet", ())
    )
    times = sorted(time.fromisoformat(each) for each in settings.get("digest_times") or ())
    return PreferenceSet(
        zone=zone,
        choices=choices,
        quiet=Quiet(zone, windows, is_holiday) if windows or is_holiday else None,
        digest_times=times or USUAL_DIGEST_TIMES,
        repeat_pause=timedelta(minutes=settings.get("repeat_pause", USUAL_PAUSE)),
        most_an_hour=settings.get("most_an_hour"),
        defaults=defaults,
        muted=frozenset(rows.get("muted", ())),
    )


# --- teams and brands -----------------------------------------------------------------------------
@dataclass(frozen=True)
class _Defaults:
    """Default choices by the pk of the team or brand, then of the category; limits by channel, which only sending
    reads."""

    teams: Mapping[int, Mapping[int, Choice]]
    brands: Mapping[int, Mapping[int, Choice]]

    @cached_property
    def limits(self) -> Mapping[str, int]:
        return dict(Limit.objects.exclude(channel="").values_list("channel", "most"))


def _read_defaults() -> _Defaults:
    teams: dict[int, dict[int, Choice]] = {}
    brands: dict[int, dict[int, Choice]] = {}
    for row in CategoryDefault.objects.select_related("team", "brand").order_by("pk"):
        for whose, by, defaults in ((row.team, TEAM, teams), (row.brand, BRAND, brands)):
            if whose is not None:
                choice = Choice(row.channels, row.frequency, by, str(whose))
                defaults.setdefault(whose.pk, {})[row.category_id] = choice
    return _Defaults(teams, brands)


_DEFAULTS = Compiled(_read_defaults)


def _teams_of(people: list[int], defaults: _Defaults) -> dict[int, list[int]]:
    """Return each person's teams that have defaults, in the order of their slugs."""
    members = Team.members.through.objects.filter(recipient__in=people, team__in=list(defaults.teams))
    teams_by_person: dict[int, list[int]] = {}
    for person, team in members.order_by("team__slug").values_list("recipient_id", "team_id"):
        teams_by_person.setdefault(person, []).append(team)
    return teams_by_person


# --- holidays ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Holidays:
    """Calendars that an app adds. `of` maps people's pks to functions that say whether a date is their holiday; people
    without a calendar are left out."""

    of: Callable[[Sequence[int]], Mapping[int, OnHolidays]]


def holidays_of(people: Sequence[int]) -> dict[int, OnHolidays]:
    by_person: dict[int, OnHolidays] = {}
    for each in features.added(Holidays) if people else ():
        by_person |= each.of(people)
    return by_person
