"""Serializer fields for JSON that convert nothing, for all modules that read JSON."""

from typing import Any

from rest_framework import serializers

MAX_MILLISECONDS = 253_402_300_799_000
"""The end of the year 9999, as milliseconds since 1970."""


class Text(serializers.CharField):
    """A text as it was written, with its spaces."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class Milliseconds(serializers.FloatField):
    """A time as browsers give it, in milliseconds since 1970."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0, max_value=MAX_MILLISECONDS, **kwargs)

    def to_internal_value(self, data: Any) -> float:
        if not isinstance(data, int | float) or isinstance(data, bool):
            self.fail("invalid")
        return float(super().to_internal_value(data))
