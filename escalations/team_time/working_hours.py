"""When people work: by their calendar or that of a team of theirs; without one, by the usual hours of their zone."""

from collections.abc import Iterable
from datetime import datetime, time

from escalations.calendars.definition import BadCalendar, CalendarData
from escalations.calendars.working_time import Calendar
from escalations.models import BusinessCalendar
from escalations.policies.holidays import calendars_of
from notifications.models import Recipient

USUAL = (time(8), time(18))
"""From Monday to Friday."""


class WorkingHours:
    def __init__(self, people: Iterable[Recipient]) -> None:
        zones = {person.pk: person.timezone or "UTC" for person in people}
        by_person = calendars_of([*zones])
        calendars = {calendar.pk: _reckoning(calendar) for calendar in {*by_person.values()}}
        usual = {zone: Calendar(CalendarData(zone, ((USUAL,),) * 5 + ((),) * 2)) for zone in {*zones.values()}}
        own = {person: calendars[calendar.pk] for person, calendar in by_person.items()}
        self._of = {person: own.get(person) or usual[zone] for person, zone in zones.items()}

    def are(self, person: int, at: datetime) -> bool:
        """Whether the person works then."""
        return self._of[person].is_open(at)


def _reckoning(calendar: BusinessCalendar) -> Calendar | None:
    """None for a calendar that cannot be read: the desk says so."""
    try:
        return calendar.reckoning()
    except BadCalendar:
        return None
