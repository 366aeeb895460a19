"""Calendars are written as people write hours, refused if they have no working time, and described in words."""

import html
import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import translation

from escalations.admin import calendar_words
from escalations.admin.fields import DurationField, HoursField
from escalations.models import BusinessCalendar, CalendarDay, PersonCalendar, TeamCalendar
from notifications.models import Team
from tests.admin import sla
from tests.admin.pages import adding, filled, form_at, list_of, page_of, save_form, text_of
from tests.admin.world import World
from tests.support.length import some
from wfpush import zones

THURSDAY = datetime(2026, 12, 24, 12, tzinfo=UTC)


@pytest.fixture
def munich(world: World) -> BusinessCalendar:
    return sla.calendar()


def refused(client: Client, calendar: BusinessCalendar, **changes: Any) -> dict[str, str]:
    """The fields with faults, and their messages."""
    answer = save_form(client, calendar, **changes)
    assert answer.status_code == 200
    return {name: " ".join(said) for name, said in answer.context["adminform"].form.errors.items()}


def with_day(client: Client, calendar: BusinessCalendar, day: str, hours: str) -> Any:
    added = {"id": "", "calendar": str(calendar.pk), "date": day, "hours": hours, "note": ""}
    fields = {f"days-1-{name}": value for name, value in added.items()}
    return save_form(client, calendar, **fields, **{"days-TOTAL_FORMS": "2"})


# --- hours and durations as people write them ---------------------------------------------------------------------
@pytest.mark.parametrize(
    ("written", "hours"),
    [
        ("09:00–12:30, 13:30–18:00", [["09:00", "12:30"], ["13:30", "18:00"]]),
        ("9-17", [["09:00", "17:00"]]),
        ("9.30 - 17:00;18—19", [["09:30", "17:00"], ["18:00", "19:00"]]),
        ("22:00–06:00", [["22:00", "06:00"]]),
        ("00:00–24:00", [["00:00", "00:00"]]),
        ("00:00–00:00", [["00:00", "00:00"]]),
        (" ", []),
    ],
)
def test_hours_are_read_as_people_write_them(written: str, hours: list[list[str]]) -> None:
    field = HoursField()
    assert field.clean(written) == hours
    assert field.clean(field.prepare_value(hours)) == hours


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("nine to five", "Enter “nine to five” as from–until, such as 09:00–12:30."),
        ("09:00", "Enter “09:00” as from–until"),
        ("09:00–25:00", "“09:00–25:00” contains an invalid time."),
        ("09:00–12:60", "contains an invalid time"),
        ("24:00–06:00", "contains an invalid time"),
        ("24:30–06:00", "contains an invalid time"),
        (", ".join(["09:00–10:00"] * 49), "At most 48 times of work may begin on one day."),
    ],
)
def test_what_is_no_hours_is_told(written: str, sentence: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(sentence)):
        HoursField().clean(written)


@pytest.mark.parametrize(
    ("written", "minutes"),
    [
        ("90", 90),
        ("1h 30m", 90),
        ("1h30", 90),
        ("2d", 2880),
        ("-1 h 30 min", -90),
        ("−1h", -60),
        ("0", 0),
        ("2 Std.", 120),
    ],
)
def test_durations_are_read_as_people_write_them(written: str, minutes: int) -> None:
    field = DurationField(signed=True)
    assert field.clean(written) == minutes
    assert field.clean(field.prepare_value(minutes)) == minutes


@pytest.mark.parametrize("written", ["soon", "1 h x", "h", "-", "99999999999d", "1:30"])
def test_what_is_no_duration_is_told(written: str) -> None:
    with pytest.raises(ValidationError, match="Enter a time such as 30m, 1h 30m or 2d"):
        DurationField(signed=True).clean(written)


def test_only_what_may_come_before_takes_a_minus() -> None:
    with pytest.raises(ValidationError, match="without a minus"):
        DurationField().clean("-1h")
    with pytest.raises(ValidationError, match="required"):
        DurationField().clean(" ")
    assert DurationField(required=False).clean("") is None


# --- the form -----------------------------------------------------------------------------------------------------
def test_a_calendar_is_made_from_seven_lines(world: World, root: Client) -> None:
    fields = filled(
        form_at(root, adding(BusinessCalendar)),
        name="Night shift",
        timezone="Europe/Vienna",
        country="AT",
        mon="22:00-06:00",
        sat="0–24",
        teams=[str(world.team.pk)],
        people=[str(world.carol.pk)],
    )
    assert "was added successfully" in text_of(root.post(adding(BusinessCalendar), fields, follow=True))
    made = BusinessCalendar.objects.get(name="Night shift")
    assert made.week == {"mon": [["22:00", "06:00"]], "sat": [["00:00", "00:00"]]}
    assert (made.timezone, made.country) == ("Europe/Vienna", "AT")
    assert TeamCalendar.objects.get(team=world.team).calendar == made
    assert PersonCalendar.objects.get(recipient=world.carol).calendar == made


def test_the_form_says_again_what_is_kept(munich: BusinessCalendar, root: Client) -> None:
    before = munich.as_dict()
    assert "was changed successfully" in text_of(save_form(root, munich, name="Munich office"))
    munich.refresh_from_db()
    assert munich.name == "Munich office"
    assert munich.as_dict() == before


def test_an_abbreviation_of_three_letters_stays(munich: BusinessCalendar, root: Client) -> None:
    BusinessCalendar.objects.update(country="DEU")
    save_form(root, munich, name="Munich office")
    assert BusinessCalendar.objects.get(name="Munich office").country == "DEU"


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    some(
        [
            ({"wed": "open"}, "wed", "Enter “open” as from–until, such as 09:00–12:30."),
            ({"subdivision": "XX"}, "subdivision", "Germany has no part of this name; known are: BB, BE, BW, BY"),
            ({"country": "", "subdivision": "BY"}, "subdivision", "Choose the country, too."),
            ({"country": "ZZ"}, "country", "ZZ is not one of the available choices."),
            ({"timezone": "Europe/Munich"}, "timezone", "Europe/Munich is not one of the available choices."),
        ],
        2,
    ),
)
def test_a_fault_is_said_at_its_field(
    fields: dict[str, str], field: str, sentence: str, munich: BusinessCalendar, root: Client
) -> None:
    said = refused(root, munich, **fields)
    assert set(said) == {field}
    assert sentence in said[field]


def test_a_part_may_be_named_in_full(munich: BusinessCalendar, root: Client) -> None:
    assert "was changed successfully" in text_of(save_form(root, munich, subdivision="Bayern"))


def test_nobody_could_ever_work_by_it(munich: BusinessCalendar, root: Client) -> None:
    munich.days.all().delete()
    nothing = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), "")
    said = refused(root, munich, **nothing)
    assert said == {"__all__": "It has no working time in the next 366 days."}
    munich.refresh_from_db()
    assert munich.week == sla.WEEK


def test_days_of_their_own_are_enough_to_work_on(munich: BusinessCalendar, root: Client) -> None:
    CalendarDay.objects.update(date=datetime.now(UTC).date())
    nothing = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), "")
    assert "was changed successfully" in text_of(save_form(root, munich, **nothing))


def test_days_of_their_own_have_hours_or_none(munich: BusinessCalendar, root: Client) -> None:
    with_day(root, munich, "2026-12-31", "")
    assert munich.days.get(date=date(2026, 12, 31)).hours == []
    answer = with_day(root, munich, "2027-01-02", "noon")
    assert "Enter “noon” as from–until" in text_of(answer)
    assert munich.days.count() == 2


def test_too_many_days_of_their_own(munich: BusinessCalendar, root: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("escalations.calendars.definition.MOST_DAYS", 1)
    monkeypatch.setattr("escalations.admin.calendars.MOST_DAYS", 1)
    assert "A calendar has at most 1 special days." in text_of(with_day(root, munich, "2026-12-31", ""))


# --- who works by it ----------------------------------------------------------------------------------------------
def test_who_works_by_it_comes_and_goes(world: World, munich: BusinessCalendar, root: Client) -> None:
    save_form(root, munich, people=[world.alice.pk, world.bob.pk], teams=[world.team.pk])
    save_form(root, munich, people=[world.bob.pk, world.carol.pk], teams=[])
    assert {each.recipient for each in munich.people.all()} == {world.bob, world.carol}
    assert not munich.teams.exists()


def test_teams_and_people_are_looked_up_as_one_types(world: World, administrator: Client) -> None:
    asked = {"app_label": "escalations", "model_name": "personcalendar", "field_name": "recipient", "term": "bau"}
    found = administrator.get("/admin/autocomplete/", asked).json()["results"]
    assert [each["text"] for each in found] == ["Bob Bauer · bob"]


def test_everybody_works_by_one_calendar(world: World, munich: BusinessCalendar, root: Client) -> None:
    night = BusinessCalendar.objects.create(name="Night", week=sla.WEEK)
    TeamCalendar.objects.create(team=world.team, calendar=night)
    said = refused(root, munich, teams=[world.team.pk])
    assert said == {"teams": "Finance already uses the calendar “Night”. Remove it there first."}
    assert TeamCalendar.objects.get().calendar == night


def test_a_calendar_in_use_stays(munich: BusinessCalendar, root: Client) -> None:
    sla.policy(calendar=munich)
    root.post(page_of(munich).replace("/change/", "/delete/"), {"post": "yes"})
    assert BusinessCalendar.objects.filter(pk=munich.pk).exists()


def test_a_calendar_goes_with_its_parts(world: World, munich: BusinessCalendar, administrator: Client) -> None:
    TeamCalendar.objects.create(team=world.team, calendar=munich)
    administrator.post(page_of(munich).replace("/change/", "/delete/"), {"post": "yes"})
    assert not BusinessCalendar.objects.exists()
    assert Team.objects.filter(pk=world.team.pk).exists()


# --- the picture --------------------------------------------------------------------------------------------------
def pictured(calendar: BusinessCalendar) -> str:
    notes = {day.date: day.note for day in calendar.days.all()}
    page = calendar_words.two_weeks(calendar.reckoning(), notes, THURSDAY)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_two_weeks_say_which_hours_and_why(munich: BusinessCalendar) -> None:
    shown = pictured(munich)
    assert "This week: 27 h of working time" in shown  # Monday to Wednesday, and three hours of Christmas Eve
    assert "Wed, December 23 09:00–12:30, 13:30–18:00" in shown
    assert "Thu, December 24 09:00–12:00 Christmas Eve" in shown
    assert "Fri, December 25 closed Christmas Day" in shown
    assert "Sun, December 27 closed Next week" in shown
    assert "Fri, January 1 closed New Year's Day" in shown


def test_a_day_of_its_own_without_a_note(munich: BusinessCalendar) -> None:
    CalendarDay.objects.update(note="")
    assert "Thu, December 24 09:00–12:00 a special day" in pictured(munich)


def test_public_holidays_are_named_in_the_readers_language(munich: BusinessCalendar) -> None:
    data = munich.reckoning().data
    names = [name for _day, name in calendar_words.next_holidays(data, THURSDAY.date())]
    assert names[:3] == ["Christmas Day", "Second Day of Christmas", "New Year's Day"]
    with translation.override("de"):
        names = [name for _day, name in calendar_words.next_holidays(data, THURSDAY.date())]
    assert names[:3] == ["Erster Weihnachtstag", "Zweiter Weihnachtstag", "Neujahr"]


def test_the_page_shows_what_comes_of_it(munich: BusinessCalendar, root: Client) -> None:
    shown = text_of(root.get(page_of(munich)))
    assert "This week:" in shown
    assert "Next public holidays" in shown
    assert f"time zones: tzdata {zones.data_version()}" in shown


def test_the_list_reads_as_words(world: World, munich: BusinessCalendar, root: Client) -> None:
    TeamCalendar.objects.create(team=world.team, calendar=munich)
    PersonCalendar.objects.create(recipient=world.bob, calendar=munich)
    BusinessCalendar.objects.create(name="Fair")
    BusinessCalendar.objects.create(name="Broken", week={"mon": "all day"})
    sla.policy(calendar=munich)
    shown = text_of(root.get(list_of(BusinessCalendar)))
    assert "Munich Europe/Berlin Mon–Fri 09:00–12:30, 13:30–18:00 Germany, BY 1 team, 1 person 1" in shown
    assert "Fair UTC only special days none – 0" in shown
    assert "cannot be read" in shown
    assert root.get(page_of(BusinessCalendar.objects.get(name="Broken"))).status_code == 200
    found = root.get(list_of(BusinessCalendar, "q=Bauer")).context["cl"].result_list
    assert list(found) == [munich]


# --- roles --------------------------------------------------------------------------------------------------------
def test_an_operator_reads_and_does_not_edit(world: World, munich: BusinessCalendar, operator: Client) -> None:
    TeamCalendar.objects.create(team=world.team, calendar=munich)
    page = operator.get(page_of(munich))
    shown = text_of(page)
    assert "This week:" in shown
    assert "Finance" in shown
    assert 'name="mon"' not in page.content.decode()


def test_an_administrator_keeps_calendars(munich: BusinessCalendar, administrator: Client) -> None:
    assert "was changed successfully" in text_of(save_form(administrator, munich, sat="10–14"))
    munich.refresh_from_db()
    assert munich.week["sat"] == [["10:00", "14:00"]]
    assert munich.history.count() == 2
