"""Form fields for hours of the day and for durations, as people write them."""

import re
from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from escalations.calendars.definition import MOST_A_DAY

TIME = r"(\d{1,2})(?:[:.](\d\d))?"
INTERVAL = re.compile(rf"{TIME}\s*[-–—]\s*{TIME}")
BETWEEN = re.compile(r"[,;\n]")

PART = re.compile(r"(\d{1,9})(?!\d)\s*([a-zäöü]*)\.?\s*")
UNITS = {"": 1, "m": 1, "min": 1, "h": 60, "std": 60, "d": 1440, "t": 1440}
"""Minutes of each unit. A day is 24 hours, in working time, too."""
UNIT_CHOICES = (("m", _lazy("minutes")), ("h", _lazy("hours")), ("d", _lazy("days")))
SIDES = (("-", _lazy("before due")), ("", _lazy("after due")))
SIDE = re.compile(r"\s+(?:(?P<before>before|vor|avant|antes)|after|nach|après|después)\b.*")
"""What may follow a duration: whether it is before or after something, in a language of the desk."""
MAX_MINUTES = 2**31 - 1
"""The largest number of minutes that the database field takes."""


class ParsedField(forms.CharField):
    """A field whose text stands for a value: `to_python` returns it, and `stored` returns that of an initial value."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}))
        super().__init__(**kwargs)

    def stored(self, initial: Any) -> Any:
        return self.to_python(initial)

    def run_validators(self, value: Any) -> None:
        """Check nothing: `to_python` has checked the value, and the model checks its limits."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != self.stored(initial))
        except ValidationError:
            return True


# --- hours of a day ---------------------------------------------------------------------------------------------------
class HoursField(ParsedField):
    """A field that reads `09:00–12:30, 13:30–18:00` as [["09:00", "12:30"], ["13:30", "18:00"]]. Empty: closed."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return hours_text(value) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> Any:
        parts = [part.strip() for part in BETWEEN.split(str(value or "")) if part.strip()]
        if len(parts) > MOST_A_DAY:
            raise ValidationError(_("At most %(count)d times of work may begin on one day.") % {"count": MOST_A_DAY})
        return [_interval(part) for part in parts]

    def stored(self, initial: Any) -> Any:
        return [list(each) for each in initial or []]


def _interval(text: str) -> list[str]:
    match = INTERVAL.fullmatch(text)
    if match is None:
        raise ValidationError(_("Enter “%(text)s” as from–until, such as 09:00–12:30.") % {"text": text})
    times = [(int(match[at]), int(match[at + 1] or 0)) for at in (1, 3)]
    if any(time > (24, 0) or time[1] > 59 for time in times) or times[0] == (24, 0):
        raise ValidationError(_("“%(text)s” contains an invalid time.") % {"text": text})
    return [f"{hours % 24:02}:{minutes:02}" for hours, minutes in times]


def hours_text(hours: Iterable[Iterable[str]]) -> str:
    return ", ".join("–".join(each) for each in sorted(map(list, hours)))


# --- durations --------------------------------------------------------------------------------------------------------
class DurationWidget(forms.MultiWidget):
    """A number and its unit, and with `signed` whether it is before or after the due date."""

    def __init__(self, *, signed: bool = False) -> None:
        widgets: dict[str, forms.Widget | type[forms.Widget]] = {
            "number": UnfoldAdminIntegerFieldWidget({"min": 0, "aria-label": _lazy("number")}),
            "unit": UnfoldAdminSelectWidget({"aria-label": _lazy("unit")}, UNIT_CHOICES),
        }
        if signed:
            widgets["side"] = UnfoldAdminSelectWidget({"aria-label": _lazy("before or after")}, SIDES)
        super().__init__(widgets, {"data-duration": ""})

    def id_for_label(self, id_: str) -> str:
        return f"{id_}_0"

    def decompress(self, value: int | None) -> list[Any]:
        """Return the number in the largest unit in which it is whole."""
        if value is None:
            return [None, "h", ""][: len(self.widgets)]
        unit = next(unit for unit in ("d", "h", "m") if value % UNITS[unit] == 0 and (value or unit == "h"))
        return [abs(value) // UNITS[unit], unit, "-" if value < 0 else ""][: len(self.widgets)]


class DurationField(ParsedField):
    """A field that reads `90`, `1h 30m` or `2d` as minutes; with `signed`, `-1h` and `1h before` too. A DurationWidget
    sends the parts of such a text."""

    def __init__(self, *, signed: bool = False, **kwargs: Any) -> None:
        self.signed = signed
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        return written(value) if isinstance(value, int) and not isinstance(self.widget, DurationWidget) else value

    def to_python(self, value: Any) -> Any:
        if isinstance(value, list):
            number, unit, side = (*value, "")[:3]
            if number and not number.isdecimal():
                raise ValidationError(_("Enter a whole number."))
            value = f"{side}{number}{unit}" if number else ""
        text = str(value).strip() if value is not None else ""
        if not text:
            return None
        minutes = read(text)
        if minutes is None:
            raise ValidationError(_("Enter a time such as 30m, 1h 30m or 2d instead of “%(text)s”.") % {"text": text})
        if minutes < 0 and not self.signed:
            raise ValidationError(_("Enter a time without a minus."))
        return minutes

    def validate(self, value: Any) -> None:
        if self.required and value is None:
            raise ValidationError(self.error_messages["required"], code="required")


def read(text: str) -> int | None:
    """Return the minutes that a text stands for; None if it is no duration."""
    compact = text.strip().lower().replace("−", "-").replace("–", "-")
    side = SIDE.search(compact)
    sign = -1 if compact.startswith("-") or (side and side["before"]) else 1
    compact = compact[: side.start() if side else None].lstrip("+-").strip()
    parts = list(PART.finditer(compact))
    if not compact or "".join(part[0] for part in parts) != compact or any(part[2] not in UNITS for part in parts):
        return None
    minutes = sum(int(part[1]) * UNITS[part[2]] for part in parts)
    return sign * minutes if minutes <= MAX_MINUTES else None


def written(minutes: int) -> str:
    """Return the shortest notation of a duration."""
    left = abs(minutes)
    counts = {"d": left // 1440, "h": left % 1440 // 60, "m": left % 60}
    parts = [f"{count}{unit}" for unit, count in counts.items() if count]
    return ("-" if minutes < 0 else "") + (" ".join(parts) or "0")
