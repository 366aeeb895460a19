"""A form's field for a time in the reader's zone, or in that of another person."""

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

WALL_CLOCKS = ("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M")
"""Formats of `datetime-local`, and of typed times where a browser has no such field."""

FIRST_YEAR, LAST_YEAR = 1970, 9000
"""The years that can be computed in every time zone."""


class WallClock(forms.CharField):
    """A time in the current time zone."""

    def to_python(self, value: Any) -> Any:
        """Return a naive datetime; None for an empty text."""
        text = super().to_python(value) or ""
        for form in WALL_CLOCKS:
            try:
                wall_clock = datetime.strptime(text, form)
            except ValueError:
                continue
            if FIRST_YEAR <= wall_clock.year <= LAST_YEAR:
                return wall_clock
        if text:
            raise ValidationError(_("Enter a date and a time, such as 2026-12-24 17:00."))
        return None

    def prepare_value(self, value: Any) -> Any:
        return f"{timezone.localtime(value):%Y-%m-%dT%H:%M}" if isinstance(value, datetime) else value
