"""The form in which a person's preferences are changed: on their own page, and at the desk."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from notifications.models import USUAL_DIGEST_TIMES, Frequency, Recipient
from notifications.preferences import personal_preferences
from notifications.preferences.matrix import Cell, Row, rows_of
from notifications.preferences.personal_preferences import MOST_WINDOWS, CategoryPreference, Place, PreferenceValues
from notifications.preferences.quiet_hours import Window

CLOCKS = ["%H:%M", "%H:%M:%S"]
SPARE = 1
"""Empty rows for further quiet hours."""
MOST_TYPED = 200
"""Characters of a list of times."""


class Times(forms.CharField):
    """Times of the clock, separated by commas."""

    def to_python(self, value: Any) -> Any:
        """Return the times; none for an empty text."""
        texts = [each for each in (super().to_python(value) or "").replace(";", ",").split(",") if each.strip()]
        return [forms.TimeField(input_formats=CLOCKS, error_messages=SAYS_TIME).clean(each.strip()) for each in texts]

    def prepare_value(self, value: Any) -> Any:
        return value if value is None or isinstance(value, str) else ", ".join(f"{each:%H:%M}" for each in value)


SAYS_TIME = {"invalid": gettext_lazy("Enter a time such as 07:30."), "required": gettext_lazy("Enter the dates.")}


class PreferencesForm(forms.Form):
    """Check boxes `c<category>-<channel>`, frequencies `f<category>`, rows of quiet hours `q<place>-days`, `-from` and
    `-until` with their number in `rows`, and fields for all categories."""

    rows = forms.IntegerField(min_value=0, max_value=MOST_WINDOWS + SPARE, widget=forms.HiddenInput)
    quiet_on_holidays = forms.BooleanField(required=False)
    digest_times = Times(required=False, max_length=MOST_TYPED)
    repeat_pause = forms.IntegerField(error_messages={"invalid": gettext_lazy("Enter a whole number.")})
    most_an_hour = forms.IntegerField(required=False, error_messages={"invalid": gettext_lazy("Enter a whole number.")})

    def __init__(self, person: Recipient, data: QueryDict | None = None, **options: Any) -> None:
        self.matrix = rows_of(person)
        preferences = personal_preferences.read(person)
        super().__init__(data, initial={**_initial(preferences, self.matrix), **options.pop("initial", {})}, **options)
        self.windows = self._number_of_windows()
        for row in self.matrix:
            for cell in row.cells:
                self.fields[name_of(row, cell)] = forms.BooleanField(required=False, disabled=cell.mandatory)
            frequencies = [("", ""), *Frequency.choices]
            self.fields[f"f{row.category.pk}"] = forms.ChoiceField(choices=frequencies, required=False)
        for place in range(self.windows):
            self.fields[f"q{place}-days"] = forms.TypedMultipleChoiceField(
                choices=days(), coerce=int, required=False, widget=forms.CheckboxSelectMultiple
            )
            for name in ("from", "until"):
                self.fields[f"q{place}-{name}"] = forms.TimeField(
                    required=False, input_formats=CLOCKS, error_messages=SAYS_TIME
                )

    def _number_of_windows(self) -> int:
        text = str(self.data.get("rows") if self.is_bound else self.initial["rows"])
        number = int(text) if text.isdecimal() and len(text) < 4 else 0
        return min(number, MOST_WINDOWS + SPARE)

    # --- reading and checking ---------------------------------------------------------------------
    @property
    def shown_windows(self) -> Iterator[dict[str, Any]]:
        """Yield the place of each row of quiet hours, and its bound fields."""
        for place in range(self.windows):
            fields = {"days": self[f"q{place}-days"], "begins": self[f"q{place}-from"], "ends": self[f"q{place}-until"]}
            yield {"place": place, **fields}

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        places = list(self._used_windows())
        if self.errors:
            return cleaned
        self.preferences = self._read_preferences(cleaned, places)
        for place, fault in personal_preferences.faults_of(self.preferences):
            self.add_error(self._field_at(place, places), fault)
        return cleaned

    def _used_windows(self) -> Iterator[int]:
        """Yield the places of filled rows. Add an error for each field that such a row lacks."""
        for place in range(self.windows):
            names = {name: f"q{place}-{name}" for name in ("days", "from", "until")}
            if not any(self[name].data not in (None, "", []) for name in names.values()):
                continue
            yield place
            for name, fault in (("from", _("Enter the start.")), ("until", _("Enter the end."))):
                if self.cleaned_data.get(names[name], "") is None:
                    self.add_error(names[name], fault)

    def _read_preferences(self, cleaned: Mapping[str, Any], places: Sequence[int]) -> PreferenceValues:
        return PreferenceValues(
            choices={row.category.slug: self._own(cleaned, row) for row in self.matrix},
            quiet_hours=[
                Window(frozenset(cleaned[f"q{place}-days"]), cleaned[f"q{place}-from"], cleaned[f"q{place}-until"])
                for place in places
            ],
            quiet_on_holidays=cleaned["quiet_on_holidays"],
            digest_times=cleaned["digest_times"] if sorted(cleaned["digest_times"]) != [*USUAL_DIGEST_TIMES] else (),
            repeat_pause=cleaned["repeat_pause"],
            most_an_hour=cleaned["most_an_hour"],
        )

    def _own(self, cleaned: Mapping[str, Any], row: Row) -> CategoryPreference:
        """Return the choices that differ from the defaults: the others follow a default when that changes."""
        cells = [cell for cell in row.cells if not cell.mandatory and cleaned[name_of(row, cell)] != cell.default]
        return CategoryPreference({cell.channel: not cell.default for cell in cells}, cleaned[f"f{row.category.pk}"])

    def _field_at(self, place: Place, rows: Sequence[int]) -> str | None:
        if place[0] == "quiet_hours":
            return f"q{rows[int(place[1])]}-days" if len(place) > 1 else "rows"
        return str(place[0])

    # --- rows without scripts ---------------------------------------------------------------------
    def typed(self) -> dict[str, Any]:
        """Return the typed values, as the initial values of another form."""
        return {
            name: field.widget.value_from_datadict(self.data, {}, name)
            for name, field in self.fields.items()
            if not field.disabled
        }

    def with_another_row(self) -> dict[str, Any]:
        return {**self.typed(), "rows": min(self.windows + 1, MOST_WINDOWS + SPARE)}

    def without_row(self, place: int) -> dict[str, Any]:
        initial = self.typed()
        for later in range(place, self.windows):
            for name in ("days", "from", "until"):
                initial[f"q{later}-{name}"] = initial.get(f"q{later + 1}-{name}")
        return {**initial, "rows": max(self.windows - 1, SPARE)}


def name_of(row: Row, cell: Cell) -> str:
    return f"c{row.category.pk}-{cell.channel}"


def days() -> list[tuple[int, str]]:
    """Return the days' numbers and names. 0 is Monday."""
    names = [_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun")]
    return list(enumerate(names))


def _initial(preferences: PreferenceValues, matrix: Sequence[Row]) -> dict[str, Any]:
    values: dict[str, Any] = {
        "rows": len(preferences.quiet_hours) + (SPARE if len(preferences.quiet_hours) < MOST_WINDOWS else 0),
        "quiet_on_holidays": preferences.quiet_on_holidays,
        "digest_times": preferences.digest_times or USUAL_DIGEST_TIMES,
        "repeat_pause": preferences.repeat_pause,
        "most_an_hour": preferences.most_an_hour,
    }
    for row in matrix:
        values |= {name_of(row, cell): cell.on for cell in row.cells}
        own = preferences.choices.get(row.category.slug)
        values[f"f{row.category.pk}"] = own.frequency if own else ""
    for place, window in enumerate(preferences.quiet_hours):
        values |= {
            f"q{place}-days": sorted(window.days),
            f"q{place}-from": f"{window.begins:%H:%M}",
            f"q{place}-until": f"{window.ends:%H:%M}",
        }
    return values
