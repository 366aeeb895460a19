"""Days that are holidays for people, by their own calendar or that of their team: for quiet hours."""

from collections.abc import Sequence

from escalations.models import BusinessCalendar, PersonCalendar, TeamCalendar
from notifications.models import Team
from notifications.preferences.quiet import OnHolidays


def of_people(people: Sequence[int]) -> dict[int, OnHolidays]:
    """Return the holidays of people, by the person's pk."""
    readings = {person: calendar.reckoning_or_none() for person, calendar in calendars_of(people).items()}
    return {person: reading.data.is_holiday for person, reading in readings.items() if reading is not None}


def calendars_of(people: Sequence[int]) -> dict[int, BusinessCalendar]:
    """Return the calendars of people, by the person's pk. Of several teams with a calendar the first by slug counts."""
    by_person: dict[int, BusinessCalendar] = {}
    members = Team.members.through.objects.filter(recipient__in=people, team__working_time__isnull=False)
    teams = list(members.order_by("-team__slug").values_list("recipient_id", "team_id"))
    working = TeamCalendar.objects.select_related("calendar").prefetch_related("calendar__days")
    calendars = {row.team_id: row.calendar for row in working.filter(team__in={team for _, team in teams})}
    by_person |= {person: calendars[team] for person, team in teams}
    own = PersonCalendar.objects.select_related("calendar").prefetch_related("calendar__days")
    return by_person | {row.recipient_id: row.calendar for row in own.filter(recipient__in=people)}
