"""The pages on which people enter when they are away and who stands in, and on which leads see who else is away."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from notifications.absences import entering, notices
from notifications.absences.checks import MOST_PARTS, faults_of
from notifications.absences.entering import AbsenceEntry, PartEntry
from notifications.absences.models import AbsenceFeed
from notifications.absences.states import (
    SHOWN,
    Choice,
    choice_of,
    coming,
    part_choices,
    part_of_choice,
    reports,
    state,
    unheard,
)
from notifications.additions import TeamLink
from notifications.inbox.page_frame import show_page
from notifications.inbox.sign_in.session import PersonRequest, person_required
from notifications.inbox.wall_clock import WallClock
from notifications.models import Absence, OpenItems, Recipient
from notifications.people.colleagues import find_colleague, label, led_by, proposed_names
from notifications.wording.formats import zone_of
from wfpush import features, zones

EMPTY_PARTS = 2
"""Rows that the form offers for further parts."""


# --- the form -------------------------------------------------------------------------------------
class Delegate(forms.CharField):
    """A person by name, ref or e-mail address."""

    def to_python(self, value: Any) -> Any:
        """Return the person; None for an empty text."""
        text = super().to_python(value)
        return find_colleague(text) if text else None

    def prepare_value(self, value: Any) -> Any:
        return label(value) if isinstance(value, Recipient) else value


class PartForm(forms.Form):
    """The delegate for a part of an absence. `about` is empty in an unused row."""

    about = forms.ChoiceField(required=False)
    delegate = Delegate(required=False)

    def __init__(self, choices: Sequence[Choice], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["about"].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("delegate") and not self.cleaned_data.get("about"):
            self.add_error("about", _("Choose what this applies to."))
        return self.cleaned_data

    @property
    def absence_part(self) -> PartEntry | None:
        """Return the part; None for an unused row."""
        choice = self.cleaned_data.get("about")
        return PartEntry(self.cleaned_data.get("delegate"), **part_of_choice(choice)) if choice else None


class AbsenceForm(forms.Form):
    required = gettext_lazy("Enter the dates.")
    begins_at = WallClock(error_messages={"required": required})
    ends_at = WallClock(error_messages={"required": required})
    delegate = Delegate(required=False)
    open_items = forms.ChoiceField(choices=OpenItems.choices, required=False)
    give_back = forms.BooleanField(required=False)

    def __init__(
        self, person: Recipient, data: Any = None, *, row: Absence | None = None, by: Recipient | None = None
    ) -> None:
        names = ("begins_at", "ends_at", "delegate", "open_items", "give_back")
        stored = {name: getattr(row, name) for name in names} if row is not None else {"open_items": OpenItems.OFFER}
        super().__init__(data, initial=stored)
        self.person, self.by = person, by
        self.parts = self._part_forms(row)
        self.submitted: AbsenceEntry | None = None
        """The absence, once the form is valid."""

    def _part_forms(self, row: Absence | None) -> list[PartForm]:
        """Return forms for the existing parts, and empty ones."""
        choices = part_choices(row)
        if self.is_bound:
            count = sum(f"part-{number}-about" in self.data for number in range(MOST_PARTS + EMPTY_PARTS))
            return [PartForm(choices, self.data, prefix=f"part-{number}") for number in range(count)]
        parts = row.parts.all() if row is not None else ()
        stored = [{"about": choice_of(part), "delegate": part.delegate} for part in parts]
        rows = [*stored, *[{} for _number in range(EMPTY_PARTS)]]
        return [PartForm(choices, prefix=f"part-{number}", initial=each) for number, each in enumerate(rows)]

    def clean(self) -> dict[str, Any]:
        zone, form_data = timezone.get_current_timezone(), self.cleaned_data
        # An hour that occurs twice is covered as a whole: from the first occurrence, or until the end of the second.
        for name, to_instant in (("begins_at", zones.first_instant), ("ends_at", zones.last_instant)):
            if form_data.get(name):
                form_data[name] = to_instant(zone, form_data[name])
        valid = [part.is_valid() for part in self.parts]
        parts_are_valid = all(valid)
        if {"begins_at", "ends_at", "delegate", "open_items"} <= set(form_data) and parts_are_valid:
            self._check(form_data)
        elif not parts_are_valid:
            self.add_error(None, _("Correct the marked fields below."))
        return form_data

    def _check(self, form_data: dict[str, Any]) -> None:
        parts_by_form = {form: part for form in self.parts if (part := form.absence_part) is not None}
        forms_in_use = list(parts_by_form)
        submitted = AbsenceEntry(
            form_data["begins_at"],
            form_data["ends_at"],
            form_data["delegate"],
            list(parts_by_form.values()),
            form_data["open_items"] or OpenItems.OFFER,
            form_data["give_back"],
        )
        for field, fault in faults_of(self.person, submitted, timezone.now(), by=self.by).items():
            _whole, dot, number = field.partition("parts.")
            if dot:
                forms_in_use[int(number)].add_error("delegate", fault)
            self.add_error(None if dot or field not in self.fields else field, fault)
        self.submitted = submitted


# --- the page -------------------------------------------------------------------------------------
@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: PersonRequest) -> HttpResponse:
    """The page of one's own absence, or with `?for=REF` of a person whom the reader leads."""
    person = _person_shown(request)
    with timezone.override(zone_of(person.timezone)):
        if request.method != "POST":
            return _show(request, person, AbsenceForm(person, row=entering.away_from(person, timezone.now())))
        if "back" in request.POST:
            notices.enter(person, None, request.recipient, timezone.now())
            messages.success(request, _("Removed: messages come as usual."))
            return redirect(request.get_full_path())
        return _save(request, person)


def _person_shown(request: PersonRequest) -> Recipient:
    """Return the person whose absence is shown. Raises Http404 for external people, and for people whom the reader does
    not lead."""
    reader = request.recipient
    if reader.external:
        raise Http404
    ref = request.GET.get("for", reader.ref)
    if ref == reader.ref:
        return reader
    if "\x00" in ref:
        raise Http404
    return get_object_or_404(led_by(reader), ref=ref)


def _save(request: PersonRequest, person: Recipient) -> HttpResponse:
    row = entering.away_from(person, timezone.now())
    form = AbsenceForm(person, request.POST, row=row, by=request.recipient)
    if not form.is_valid() or form.submitted is None:
        return _show(request, person, form, status=422)
    notices.enter(person, form.submitted, request.recipient, timezone.now())
    messages.success(request, _("Saved."))
    return redirect(request.get_full_path())


def _show(request: PersonRequest, person: Recipient, form: AbsenceForm, *, status: int = 200) -> HttpResponse:
    now, own = timezone.now(), person == request.recipient
    rows = coming([person], now)[person.pk]
    away = bool(rows) and rows[0].begins_at <= now
    context = {
        "whose": person,
        "own": own,
        "form": form,
        "ends": away or any(isinstance(row, Absence) for row in rows),
        "away": away,
        "feed": AbsenceFeed.objects.filter(pk=person.pk).first() if own else None,
        "states": [state(row, now, own=own) for row in rows[:SHOWN]],
        "unheard": unheard(rows[0], now, own=own) if rows else "",
        "parts_open": any(part["about"].value() or part.errors for part in form.parts),
        "zone": timezone.get_current_timezone_name(),
        "people": proposed_names(person),
        "reports": reports(person, now) if own else [],
    }
    return show_page(request, "absences/absence.html", context, status=status)


@person_required
@require_safe
def team(request: PersonRequest) -> HttpResponse:
    """The page “My team”: the absences of the people whom the reader leads. Raises Http404 for readers without any."""
    if not led_by(request.recipient).exists():
        raise Http404
    with timezone.override(zone_of(request.recipient.timezone)):
        context = {"reports": reports(request.recipient, timezone.now()), "links": features.added(TeamLink)}
        return show_page(request, "absences/team.html", context)
