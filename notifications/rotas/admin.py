"""Duty rotas: layers with their turns, overrides, swaps, calendars that are read or offered, and the coming shifts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import StackedInline, TabularInline
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextareaWidget

from notifications.admin.desk.base import DeskChangeList, HistoryAdmin, ReadOnlyInline
from notifications.admin.desk.calendar_feeds import reading_mark
from notifications.admin.desk.decorators import action, display, link_column
from notifications.admin.desk.display import NOTHING, change_url, link, mark, there, with_why
from notifications.admin.desk.fields import ListField
from notifications.admin.desk.invalid_ids import AutocompleteMixin
from notifications.models import Recipient
from notifications.models.validators import validate_callback_url
from notifications.people.colleagues import find_colleague, label
from notifications.rotas import calendar_export, duty, feeds, turns
from notifications.rotas.models import Rota, RotaFeed, RotaFeedShift, RotaLayer, RotaOverride, RotaSwap

PREVIEW_PERIOD = timedelta(weeks=4)
WARNING_PERIOD = timedelta(days=14)
MOST_ROWS = 60
MAX_NAMES = 5
"""Maximum number of unmatched names of one calendar; below, of all calendars on a page of the list."""
MOST_UNMATCHED = 1_000


# --- the form ---------------------------------------------------------------------------------------------------------
class RotaForm(forms.ModelForm):
    def clean_feed_url(self) -> str:
        url: str = self.cleaned_data["feed_url"].strip()
        if url:
            validate_callback_url(url, settings.OUTBOUND_ALLOWED_CIDRS)
        return url


class PeopleInOrder(ListField):
    """A field for people, one a line, in the order of their turns. The value is a list of their keys."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", UnfoldAdminTextareaWidget(attrs={"rows": 5, "dir": "auto"}))
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        there = Recipient.objects.in_bulk(value)
        return "\n".join(label(there[pk]) if pk in there else f"#{pk}" for pk in value)

    def to_python(self, value: Any) -> Any:
        lines = [line.strip() for line in str(value or "").splitlines() if line.strip()]
        if len(lines) > turns.MOST_PEOPLE:
            raise ValidationError(gettext("At most %(most)d people take turns.") % {"most": turns.MOST_PEOPLE})
        return [_key_of(line) for line in lines]


def _key_of(line: str) -> int:
    """Return a person's key. `#4711` is kept: a deleted person, whose turns are gaps. Raise ValidationError."""
    if line.startswith("#") and line[1:].isdecimal() and len(line) < 20:
        return int(line[1:])
    try:
        return find_colleague(line).pk
    except ValidationError as fault:
        raise ValidationError(f"“{line}”: {fault.message}") from fault


class LayerForm(forms.ModelForm):
    people = PeopleInOrder(
        label=_("People"), help_text=_("One a line, in the order of their turns: a name, a ref or an e-mail address.")
    )
    weekdays = forms.TypedMultipleChoiceField(
        label=_("Days of the week"),
        required=False,
        coerce=int,
        choices=list(WEEKDAYS.items()),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("None: every day."),
    )


class LayerFormSet(forms.BaseInlineFormSet):
    def clean(self) -> None:
        super().clean()
        active_forms = [form for form in self.forms if form not in self.deleted_forms and form.has_changed()]
        if len(active_forms) > turns.MOST_LAYERS:
            raise ValidationError(gettext("A rota has at most %(most)d layers.") % {"most": turns.MOST_LAYERS})


class LayerInline(StackedInline):
    model = RotaLayer
    form = LayerForm
    formset = LayerFormSet
    extra = 0
    verbose_name_plural = _("layers: the first that has somebody on duty counts")
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "people",
                    ("begins_on", "hand_over"),
                    ("length", "unit"),
                    ("from_time", "until_time"),
                    "weekdays",
                    "position",
                ]
            },
        )
    ]


class OverrideForm(forms.ModelForm):
    def clean(self) -> dict[str, Any]:
        form_data: dict[str, Any] = super().clean() or self.cleaned_data
        if form_data.get("begins_at") and form_data.get("ends_at") and form_data["ends_at"] <= form_data["begins_at"]:
            self.add_error("ends_at", gettext("The end must be after the start."))
        return form_data


class OverrideInline(AutocompleteMixin, TabularInline):
    model = RotaOverride
    form = OverrideForm
    extra = 0
    hide_title = True
    fields = ["person", "begins_at", "ends_at", "layer"]
    autocomplete_fields = ["person"]
    verbose_name_plural = _("overrides: somebody else, or nobody, for a time")

    def get_queryset(self, request: HttpRequest) -> QuerySet[RotaOverride]:
        """Return current and coming overrides. Past ones stay in the history."""
        rows: QuerySet[RotaOverride] = super().get_queryset(request)
        return rows.filter(ends_at__gt=timezone.now()).select_related("person")


class SwapInline(ReadOnlyInline):
    model = RotaSwap
    fields = ["asked_by", "asked_of", "begins_at", "ends_at", "back_begins_at", "back_ends_at", "state"]
    related = ("asked_by", "asked_of")
    per_page = 10
    show_change_link = False
    verbose_name_plural = _("swaps: what colleagues asked of each other")


# --- the list and the page --------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Row:
    """The columns of a rota in the list: the person on duty, the next gap, and unmatched names in its calendar."""

    person: Recipient | None
    gap: datetime | None
    unmatched: Sequence[str]


class RotaList(DeskChangeList):
    """A list that reads the columns of all rotas of a page together."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rotas: list[Any] = list(self.result_list)  # type: ignore[has-type]
        self.result_list, rows = rotas, _read_rows(rotas, timezone.now())
        for rota in rotas:
            rota.row = rows[rota.pk]


def _read_rows(rotas: Sequence[Rota], now: datetime) -> dict[int, Row]:
    ends = now + PREVIEW_PERIOD
    definitions = duty.definitions(rotas, now, ends)
    keys = {pk: next(iter(turns.on_duty(each, now)), None) for pk, each in definitions.items()}
    people = Recipient.objects.in_bulk({key for key in keys.values() if key is not None})
    gaps = {pk: turns.gaps(turns.shifts(each, now, ends), now, ends) for pk, each in definitions.items()}
    unmatched = _unmatched(rotas, now)
    return {
        pk: Row(people.get(keys[pk] or 0), gaps[pk][0][0] if gaps[pk] else None, unmatched.get(pk, []))
        for pk in definitions
    }


def _unmatched(rotas: Sequence[Rota], now: datetime) -> dict[int, list[str]]:
    """Return some names in each rota's calendar that match nobody, by the rota's key."""
    rows = RotaFeedShift.objects.filter(rota__in=rotas, person=None, ends_at__gt=now).order_by("rota", "summary")
    names_by_rota: dict[int, list[str]] = {}
    for pk, name in rows.values_list("rota_id", "summary").distinct()[:MOST_UNMATCHED]:
        names_by_rota.setdefault(pk, []).append(name)
    return names_by_rota


@admin.register(Rota)
class RotaAdmin(HistoryAdmin):
    empty_says = _(
        "Who is on duty for a team, and when, by turns. There are none yet: add one, and name it in a rule or step."
    )
    form = RotaForm
    list_display = ["name", "of_team", "on_duty", "coming_gap", "calendar"]
    list_filter = ["team"]
    search_fields = ["name", "slug", "team__name"]
    autocomplete_fields = ["team", "category"]
    prepopulated_fields = {"slug": ["name"]}
    parts = [RotaLayer, RotaOverride, RotaSwap]
    inlines = [LayerInline, OverrideInline, SwapInline]
    readonly_fields = ["coming", "calendar", "offered"]
    actions_detail = ["offer_calendar", "end_calendar"]

    def get_fieldsets(self, request: HttpRequest, obj: Rota | None = None) -> list[Any]:
        general_fields = ["name", "slug", "team", "timezone", "category"]
        read = ["feed_url", "calendar", "offered"] if obj else ["feed_url"]
        fieldsets = [
            *([(_("Who is on duty in the next four weeks"), {"fields": ["coming"]})] if obj else []),
            (None, {"fields": general_fields}),
            (_("Calendars"), {"fields": read}),
        ]
        return self.fold_prepopulated(fieldsets)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        rota, now = Rota.objects.get(pk=form.instance.pk), timezone.now()
        feeds.settle(rota)
        if gaps := turns.gaps(duty.shifts_of(rota, now, now + WARNING_PERIOD), now, now + WARNING_PERIOD):
            text = gettext("Nobody is on duty from %(begins)s until %(ends)s.")
            begins, ends = (there(each) for each in gaps[0])
            self.message_user(request, text % {"begins": begins, "ends": ends}, messages.WARNING)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[RotaList]:
        return RotaList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rota]:
        """Return the rotas without the text of their calendars, which may be long."""
        rows: QuerySet[Rota] = super().get_queryset(request)
        return rows.select_related("team", "feed").defer("feed__body")

    # --- columns ----------------------------------------------------------------------------------------------------
    of_team = link_column("team", _("team"), "team__name")

    @display(description=_("on duty now"))
    def on_duty(self, rota: Any) -> SafeString:
        return link(rota.row.person) if rota.row.person else mark("bad", gettext("nobody"))

    @display(description=_("next gap"))
    def coming_gap(self, rota: Any) -> SafeString:
        gap = rota.row.gap
        return mark("wait", there(gap)) if gap else mark("ok", gettext("none"))

    @display(description=_("calendar that is read"))
    def calendar(self, rota: Any) -> SafeString:
        feed: RotaFeed | None = getattr(rota, "feed", None)
        if feed is None:
            return NOTHING
        list_row = getattr(rota, "row", None)
        unmatched = list_row.unmatched if list_row else _unmatched([rota], timezone.now()).get(rota.pk, [])
        if not unmatched or feed.failing_since is not None or feed.read_at is None:
            return reading_mark(feed)
        text = gettext("It names unknown people: %(names)s. Their shifts are left out.")
        names = ", ".join(f"“{name}”" for name in unmatched[:MAX_NAMES])
        return with_why(mark("wait", gettext("read")), text % {"names": names})

    @display(description=_("calendar that is offered"))
    def offered(self, rota: Rota) -> SafeString:
        if not rota.address_digest:
            return mark("quiet", gettext("none: “Offer as a calendar” makes its address"))
        return mark("ok", gettext("at a secret address, shown only to its maker"))

    @display(description=_("shifts"))
    def coming(self, rota: Rota) -> SafeString:
        rows = list(_rows(rota, timezone.now()))
        return render_to_string(
            "rotas/shifts.html",
            {"rows": rows[:MOST_ROWS], "more": len(rows) > MOST_ROWS, "zone": timezone.get_current_timezone_name()},
        )

    # --- the offered calendar ---------------------------------------------------------------------------------------
    def offers(self, action: str, row: Rota) -> bool:
        return action != "end_calendar" or bool(row.address_digest)

    def has_offer_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("rotas.change_rota")

    @action(description=_("Offer as a calendar"), url_path="offer", permissions=["offer"], icon="event_upcoming")
    def offer_calendar(self, request: HttpRequest, object_id: str) -> HttpResponse:
        rota: Rota = self.get_row(request, object_id)
        title = gettext("Offer as a calendar")
        if request.method != "POST":
            text = gettext("Creates an address where calendars can read the shifts of the next six months.")
            if rota.address_digest:
                text += " " + gettext("The previous address stops working: everybody who uses it needs the new one.")
            return self.ask(request, rota, title=title, text=text, button=gettext("Make an address"))
        plain = calendar_export.new_address(rota)
        self.log(request, rota, "Made an address of the calendar")
        text = gettext("Anybody who has it can read who is on duty, without signing in. It is shown only this once.")
        context = {"plain": plain, "text": text, "back": change_url(rota)}
        return self.page(request, "admin/desk/shown_once.html", gettext("The address of the calendar"), **context)

    @action(description=_("End the calendar's address"), url_path="end-offer", permissions=["offer"], icon="block")
    def end_calendar(self, request: HttpRequest, object_id: str) -> HttpResponse:
        rota: Rota = self.get_row(request, object_id)
        title = gettext("End the calendar's address")
        if request.method != "POST":
            text = gettext("Calendars can no longer read it.")
            return self.ask(request, rota, title=title, text=text, button=title, danger=True)
        calendar_export.end_address(rota)
        return self.done(request, rota, gettext("The address has ended."))


# --- shifts -----------------------------------------------------------------------------------------------------------
def _rows(rota: Rota, now: datetime) -> Iterator[dict[str, Any]]:
    """Yield the shifts and the gaps between them."""
    ends = now + PREVIEW_PERIOD
    shifts = duty.shifts_of(rota, now, ends)
    people = duty.people_of(shifts)
    spans = [(shift.begins, shift.ends, people.get(shift.who)) for shift in shifts]
    spans += [(*gap, None) for gap in turns.gaps(shifts, now, ends)]
    for first, second, person in sorted(spans, key=lambda span: span[0]):
        yield {
            "begins": gettext("now") if first == now else there(first),
            "ends": there(second),
            "person": person,
        }
