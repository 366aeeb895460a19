"""All preferences of a person, as one value: read, checked, and written in place of the former ones."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from notifications.models import (
    LEAST_PAUSE,
    MOST_PAUSE,
    USUAL_PAUSE,
    Category,
    CategoryChoice,
    Preferences,
    QuietHours,
    Recipient,
)
from notifications.preferences import change_effects
from notifications.preferences.quiet_hours import Window, hours_left

MOST_WINDOWS, MOST_TIMES = 20, 12
MOST_MESSAGES = 1_000
"""The largest number of messages an hour that can be chosen."""
LEAST_LEFT = timedelta(hours=1)

Place = tuple[str | int, ...]
"""The place of a fault: ("quiet_hours", 3, "days")."""


@dataclass(frozen=True, slots=True)
class CategoryPreference:
    """The choices for one category: channels on or off, and the frequency; empty: the default."""

    channels: Mapping[str, bool]
    frequency: str = ""

    def __bool__(self) -> bool:
        return bool(self.channels or self.frequency)


@dataclass(frozen=True)
class PreferenceValues:
    """All preferences. `choices` by the slug of the category. `digest_times` empty: the usual ones."""

    choices: Mapping[str, CategoryPreference] = field(default_factory=dict)
    quiet_hours: Sequence[Window] = ()
    quiet_on_holidays: bool = False
    digest_times: Sequence[time] = ()
    repeat_pause: int = USUAL_PAUSE
    most_an_hour: int | None = None


def read(person: Recipient) -> PreferenceValues:
    row = Preferences.objects.filter(pk=person.pk).first() or Preferences()
    choices = person.category_choices.select_related("category").order_by("category__position", "category__slug")
    return PreferenceValues(
        choices={each.category.slug: CategoryPreference(each.channels, each.frequency) for each in choices},
        quiet_hours=tuple(Window(frozenset(each.days), each.begins, each.ends) for each in person.quiet_hours.all()),
        quiet_on_holidays=row.quiet_on_holidays,
        digest_times=tuple(row.digest_times),
        repeat_pause=row.repeat_pause,
        most_an_hour=row.most_an_hour,
    )


# --- checks ---------------------------------------------------------------------------------------
def faults_of(preferences: PreferenceValues) -> Iterator[tuple[Place, str]]:
    """Yield each fault with its place."""
    yield from _faults_of_windows(preferences.quiet_hours)
    if len(preferences.digest_times) > MOST_TIMES:
        yield ("digest_times",), _("Choose at most %(most)d times.") % {"most": MOST_TIMES}
    for place, at in enumerate(preferences.digest_times):
        if at in preferences.digest_times[:place]:
            yield ("digest_times", place), _("This time exists already.")
    if not LEAST_PAUSE <= preferences.repeat_pause <= MOST_PAUSE:
        bounds = {"least": LEAST_PAUSE, "most": MOST_PAUSE}
        yield ("repeat_pause",), _("Enter a number of minutes from %(least)d to %(most)d.") % bounds
    if preferences.most_an_hour is not None and not 1 <= preferences.most_an_hour <= MOST_MESSAGES:
        yield ("most_an_hour",), _("Enter a number from 1 to %(most)d.") % {"most": MOST_MESSAGES}


def _faults_of_windows(windows: Sequence[Window]) -> Iterator[tuple[Place, str]]:
    if len(windows) > MOST_WINDOWS:
        yield ("quiet_hours",), _("Choose quiet hours at most %(most)d times.") % {"most": MOST_WINDOWS}
        return
    for place, window in enumerate(windows):
        if not window.days:
            yield ("quiet_hours", place, "days"), _("Choose the days.")
        elif window in windows[:place]:
            yield ("quiet_hours", place), _("These quiet hours exist already.")
    if windows and hours_left(windows) < LEAST_LEFT:
        yield ("quiet_hours",), _("Leave at least one hour a week without quiet hours.")


# --- writing --------------------------------------------------------------------------------------
@transaction.atomic
def put(person: Recipient, preferences: PreferenceValues, now: datetime) -> None:
    """Replace the person's preferences, in which `faults_of` has found nothing, and apply them to held messages."""
    write(person, preferences)
    change_effects.apply(person, now)


def write(person: Recipient, preferences: PreferenceValues) -> None:
    """Replace the person's preferences without the effects on messages. Call it in a transaction."""
    Preferences.objects.get_or_create(pk=person.pk)
    row = Preferences.objects.select_for_update().get(pk=person.pk)  # a parallel save waits here
    row.quiet_on_holidays = preferences.quiet_on_holidays
    row.digest_times = sorted(preferences.digest_times)
    row.repeat_pause, row.most_an_hour = preferences.repeat_pause, preferences.most_an_hour
    row.save()
    _write_windows(person, preferences.quiet_hours)
    _write_choices(person, preferences.choices)


def _write_windows(person: Recipient, windows: Sequence[Window]) -> None:
    there = {Window(frozenset(row.days), row.begins, row.ends): row.pk for row in person.quiet_hours.all()}
    new = dict.fromkeys(windows)
    person.quiet_hours.exclude(pk__in=[pk for window, pk in there.items() if window in new]).delete()
    QuietHours.objects.bulk_create(
        QuietHours(recipient=person, days=sorted(window.days), begins=window.begins, ends=window.ends)
        for window in new
        if window not in there
    )


def _write_choices(person: Recipient, choices: Mapping[str, CategoryPreference]) -> None:
    own_by_slug = {slug: own for slug, own in choices.items() if own}
    person.category_choices.exclude(category__slug__in=list(own_by_slug)).delete()
    CategoryChoice.objects.bulk_create(
        [
            CategoryChoice(
                recipient=person,
                category=category,
                channels=dict(own_by_slug[category.slug].channels),
                frequency=own_by_slug[category.slug].frequency,
            )
            for category in Category.objects.filter(slug__in=list(own_by_slug))
        ],
        update_conflicts=True,
        unique_fields=["recipient", "category"],
        update_fields=["channels", "frequency"],
    )
