"""Calendars of working time: seven lines for the week, special days, who uses the calendar, and a picture of the
result."""

from collections.abc import Iterable
from typing import Any

import holidays
from django import forms
from django.contrib import admin
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dates import WEEKDAYS as WEEKDAY_NAMES
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.forms import PaginationInlineFormSet
from unfold.widgets import UnfoldAdminSelect2Widget

from escalations.admin import calendar_words
from escalations.admin.fields import HoursField, hours_text
from escalations.calendars.definition import MOST_DAYS, WEEKDAYS
from escalations.calendars.working_time import BadCalendar, Calendar, NoWorkingTime
from escalations.models import BusinessCalendar, CalendarDay, PersonCalendar, Policy, TeamCalendar
from notifications.admin.desk.base import HistoryAdmin, LedgerAdmin
from notifications.admin.desk.decorators import column, display
from notifications.admin.desk.display import NOTHING, link, list_url, mark, shortened
from notifications.admin.desk.filters import Conditions
from notifications.admin.desk.invalid_ids import ChooseSome
from notifications.models import Recipient, Team
from notifications.wording.formats import locale_of
from wfpush import zones

WORKERS: dict[str, tuple[type[Model], str]] = {"teams": (TeamCalendar, "team"), "people": (PersonCalendar, "recipient")}
"""The form's fields for the users of a calendar: the model of their rows, and its field for a team or person."""


# --- the form ---------------------------------------------------------------------------------------------------------
def countries(also: str) -> list[tuple[str, str]]:
    """Return code and name of countries with known public holidays, sorted by name. `also`: a stored value, perhaps in
    another form such as DEU."""
    territories = locale_of(get_language() or "en").territories
    codes = {code for code in holidays.list_supported_countries() if code in territories} | {also}
    return sorted(((code, country_name(code)) for code in codes if code), key=lambda each: each[1])


def country_name(code: str) -> str:
    """Return the country's name in the reader's language."""
    return str(locale_of(get_language() or "en").territories.get(code, code))


def workers_field(name: str, label: object, queryset: QuerySet[Any]) -> forms.ModelMultipleChoiceField:
    model, field = WORKERS[name]
    widget = ChooseSome(model._meta.get_field(field), admin.site)
    return forms.ModelMultipleChoiceField(queryset, label=label, required=False, widget=widget)


class CalendarForm(forms.ModelForm):
    timezone = forms.ChoiceField(
        label=_("Time zone"),
        initial="UTC",
        choices=[(name, name) for name in sorted(zones.names())],
        widget=UnfoldAdminSelect2Widget,
    )
    country = forms.ChoiceField(
        label=_("Public holidays of"),
        required=False,
        widget=UnfoldAdminSelect2Widget,
        help_text=_("None: public holidays are working days."),
    )
    mon, tue, wed, thu, fri, sat, sun = (HoursField(label=WEEKDAY_NAMES[at]) for at in range(7))
    teams = workers_field("teams", _("Teams"), Team.objects.all())
    people = workers_field("people", _("People"), Recipient.objects.all())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if isinstance(country := self.fields.get("country"), forms.ChoiceField):
            country.choices = [("", gettext("none")), *countries(self.instance.country)]
        week = self.instance.week if isinstance(self.instance.week, dict) else {}
        for day in WEEKDAYS:
            self.initial.setdefault(day, week.get(day) or [])
        for name, (model, field) in WORKERS.items():
            ours = model._default_manager.filter(calendar=self.instance.pk) if self.instance.pk else ()
            self.initial.setdefault(name, [getattr(row, f"{field}_id") for row in ours])

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        self.instance.week = {day: cleaned[day] for day in WEEKDAYS if cleaned.get(day)}
        for name in WORKERS:
            self._check_workers(name, cleaned.get(name, ()))
        if cleaned.get("subdivision") and cleaned.get("country") == "":
            self.add_error("subdivision", gettext("Choose the country, too."))
        calendar = BusinessCalendar(week=self.instance.week)
        for name in ("timezone", "country", "subdivision"):
            setattr(calendar, name, cleaned.get(name) or getattr(calendar, name))
        try:
            Calendar.from_dict(calendar.as_dict({}))  # DayFormSet checks the calendar with its special days
        except BadCalendar as fault:
            self.add_error(*form_error(fault, cleaned))
        return cleaned

    def _check_workers(self, name: str, chosen: Iterable[Any]) -> None:
        """Refuse people and teams that have another calendar."""
        model, field = WORKERS[name]
        elsewhere = model._default_manager.filter(**{f"{field}__in": chosen}).exclude(calendar=self.instance.pk or 0)
        for row in elsewhere.select_related(field, "calendar"):
            text = gettext("%(who)s already uses the calendar “%(calendar)s”. Remove it there first.")
            self.add_error(name, text % {"who": row, "calendar": row.calendar})  # type: ignore[attr-defined]


def form_error(fault: BadCalendar, cleaned: dict[str, Any]) -> tuple[str | None, str]:
    """Return the form's field that the fault's pointer stands for, and the fault as a translated sentence."""
    _root, member, *rest = (*fault.pointer.split("/"), "")
    if member == "holidays" and rest[0] == "subdivision":
        country = cleaned["country"]
        subdivisions = ", ".join(holidays.list_supported_countries().get(country, ())) or gettext("none")
        text = gettext("%(country)s has no part of this name; known are: %(known)s.")
        return "subdivision", text % {"country": country_name(country), "known": subdivisions}
    if member == "holidays":
        return "country", gettext("The public holidays of this country are not known.")
    if member == "week" and rest[0] in WEEKDAYS:
        return rest[0], fault.detail
    return ("timezone" if member == "timezone" else None), fault.detail


# --- days of their own ------------------------------------------------------------------------------------------------
class DayForm(forms.ModelForm):
    hours = HoursField(label=_("Hours"), help_text=_("Empty: closed."))


class DayFormSet(PaginationInlineFormSet):
    def clean(self) -> None:
        """Check that the calendar as a whole holds working time."""
        super().clean()
        if any(self.errors):
            return
        remaining = (form.cleaned_data for form in self.forms if not self._should_delete_form(form))
        days = {each["date"].isoformat(): each["hours"] for each in remaining if each.get("date")}
        try:
            Calendar.from_dict(self.instance.as_dict(days)).check(timezone.localdate())
        except BadCalendar as fault:  # the form has reported the others
            if fault.pointer == "/days":
                text = gettext("A calendar has at most %(count)d special days.")
                raise forms.ValidationError(text % {"count": MOST_DAYS}) from fault
        except NoWorkingTime as fault:
            raise forms.ValidationError(gettext("It has no working time in the next 366 days.")) from fault


class DayInline(TabularInline):
    model = CalendarDay
    form = DayForm
    formset = DayFormSet
    extra = 0
    hide_title = True
    fields = ["date", "hours", "note"]
    verbose_name_plural = _("special days: replace the week's hours and public holidays")


class Gaps(Conditions):
    title = _("gaps")
    parameter_name = "gaps"
    conditions = {
        "unused": (_("no policy uses it"), Q(policies=None, teams=None, people=None)),
        "holidays": (_("works on public holidays"), Q(country="")),
    }


@admin.register(BusinessCalendar)
class BusinessCalendarAdmin(HistoryAdmin):
    empty_says = _("Working time that SLA policies use. Add the first calendar.")
    form = CalendarForm
    list_display = ["name", "timezone", "hours", "closed_on", "used_by", "policy_count"]
    list_filter = [Gaps]
    search_fields = ["name", "timezone", "teams__team__name", "people__recipient__name", "=people__recipient__ref"]
    parts = [CalendarDay, TeamCalendar, PersonCalendar]
    inlines = [DayInline]
    readonly_fields = ["weeks", "next_holidays", "data_versions", "works_by_it"]
    data_versions = column(lambda calendar: calendar_words.sources(), _("calculated with"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[BusinessCalendar]:
        calendars: QuerySet[BusinessCalendar] = super().get_queryset(request)
        return calendars.annotate(
            team_total=Count("teams", distinct=True),
            person_total=Count("people", distinct=True),
            policy_total=Count("policies", distinct=True),
        ).prefetch_related("days")

    def get_fieldsets(self, request: HttpRequest, obj: BusinessCalendar | None = None) -> list[Any]:
        """Return the form's sections. Users who may not edit see the week only in the picture."""
        edits = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        week = {"fields": list(WEEKDAYS), "description": WEEK_HELP}
        meaning = {"fields": ["weeks", "next_holidays", "data_versions"]}
        workers = ["teams", "people"] if edits else ["works_by_it"]
        return [
            (None, {"fields": ["name", "timezone", ("country", "subdivision")]}),
            *([(_("Week"), week)] if edits else []),
            (_("Used by"), {"fields": workers}),
            *([(_("Preview"), meaning)] if obj else []),
        ]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        for name, (model, field) in WORKERS.items():
            if name in form.cleaned_data:
                chosen = form.cleaned_data[name]
                ours = model._default_manager.filter(calendar=form.instance)
                ours.exclude(**{f"{field}__in": chosen}).delete()
                there = set(ours.values_list(field, flat=True))
                new = [model(**{field: each, "calendar": form.instance}) for each in chosen if each.pk not in there]
                model._default_manager.bulk_create(new)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Show faults of the whole calendar at the top of the page, too: the inline of days is far below the week."""
        for inline in context["inline_admin_formsets"]:
            for sentence in inline.formset.non_form_errors():
                context["adminform"].form.add_error(None, sentence)
        return super().render_change_form(request, context, *args, **kwargs)

    # --- columns ----------------------------------------------------------------------------------------------------
    @display(description=_("week"))
    def hours(self, calendar: BusinessCalendar) -> SafeString:
        reckoning = calendar.reckoning_or_none()
        if reckoning is None:
            return mark("bad", gettext("cannot be read"))
        return shortened(calendar_words.week_in_short(reckoning.data) or gettext("only special days"), 110)

    @display(description=_("public holidays of"), ordering="country")
    def closed_on(self, calendar: BusinessCalendar) -> str:
        if not calendar.country:
            return gettext("none")
        return ", ".join([country_name(calendar.country), *filter(None, [calendar.subdivision])])

    @display(description=_("used by"))
    def used_by(self, calendar: Any) -> str:
        teams, people = calendar.team_total, calendar.person_total
        of_teams = ngettext("%(count)d team", "%(count)d teams", teams) % {"count": teams}
        of_people = ngettext("%(count)d person", "%(count)d people", people) % {"count": people}
        return ", ".join([*([of_teams] if teams else []), *([of_people] if people else [])]) or "–"

    @display(description=_("SLA policies"), ordering="policy_total")
    def policy_count(self, calendar: Any) -> SafeString:
        query = f"calendar__id__exact={calendar.pk}"
        return format_html('<a class="desk-link" href="{}">{}</a>', list_url(Policy, query), calendar.policy_total)

    # --- the picture ------------------------------------------------------------------------------------------------
    @display(description=_("working time"))
    def weeks(self, calendar: BusinessCalendar) -> SafeString:
        reckoning = calendar.reckoning_or_none()
        notes = {day.date: day.note for day in calendar.days.all()}
        return calendar_words.two_weeks(reckoning, notes, timezone.now()) if reckoning else NOTHING

    @display(description=_("next public holidays"))
    def next_holidays(self, calendar: BusinessCalendar) -> SafeString:
        reckoning = calendar.reckoning_or_none()
        return calendar_words.holiday_table(reckoning.data, timezone.now()) if reckoning else NOTHING

    @display(description=_("teams and people"))
    def works_by_it(self, calendar: BusinessCalendar) -> str:
        teams = [str(each) for each in calendar.teams.select_related("team")]
        return ", ".join([*teams, *(str(each) for each in calendar.people.select_related("recipient"))]) or "–"


WEEK_HELP = _("Such as 09:00–12:30, 13:30–18:00. Empty: closed. Overnight: 22:00–06:00. A whole day: 00:00–00:00.")


# --- lists across all calendars ---------------------------------------------------------------------------------------
class PartOfCalendar(LedgerAdmin):
    """The list of a kind of calendar part across all calendars. Parts are edited on the calendar's page."""

    list_filter = ["calendar"]
    of_calendar = column(lambda row: link(row.calendar), _("calendar"), "calendar__name")


@admin.register(CalendarDay)
class CalendarDayAdmin(PartOfCalendar):
    empty_says = _("Holidays and short days. They are edited on the calendar's page.")
    list_display = ["date", "hours_words", "note", "of_calendar"]
    list_select_related = ["calendar"]
    search_fields = ["note", "calendar__name"]
    fields = ["date", "hours_words", "note", "of_calendar"]
    hours_words = column(lambda day: hours_text(day.hours) or gettext("closed"), _("hours"))


@admin.register(TeamCalendar)
class TeamCalendarAdmin(PartOfCalendar):
    empty_says = _("Teams with their own calendar. They are chosen on the calendar's page.")
    list_display = ["team", "of_calendar"]
    list_select_related = ["team", "calendar"]
    search_fields = ["team__name", "calendar__name"]


@admin.register(PersonCalendar)
class PersonCalendarAdmin(PartOfCalendar):
    empty_says = _("People with their own calendar. They are chosen on the calendar's page.")
    list_display = ["recipient", "of_calendar"]
    list_select_related = ["recipient", "calendar"]
    search_fields = ["recipient__name", "=recipient__ref", "calendar__name"]
