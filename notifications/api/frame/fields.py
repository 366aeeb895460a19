"""Fields of serializers. They convert no JSON input: text is text, a number is a number."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError as ModelFault
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from notifications.intake.eventdata import instant, is_id
from notifications.items.representation import iso_utc
from notifications.models.validators import MAX_ID, validate_timezone
from wfpush.web.fields import Text
from wfpush.web.pointers import MAX_ERRORS


class Ref(Text):
    """A person's ref, or another id of an engine."""

    default_error_messages = {"ref": f"Write 1 to {MAX_ID} characters without control characters."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MAX_ID, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        if not is_id(value):
            self.fail("ref")
        return value


class Instant(serializers.DateTimeField):
    """A time in ISO 8601 with an offset: without one the instant is ambiguous."""

    default_error_messages = {"instant": "Write an ISO 8601 time with its offset, such as 2026-11-25T16:00:00Z."}

    def to_internal_value(self, value: Any) -> datetime:
        moment = instant(value)
        if moment is None:
            self.fail("instant")
        return moment

    def to_representation(self, value: Any) -> Any:
        return iso_utc(value)


class TextOrNull(serializers.CharField):
    """Text in an answer; null if it is empty."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_null=True, **kwargs)

    def to_representation(self, value: str) -> str | None:  # type: ignore[override]  # stubs: never null
        return value or None


class Email(serializers.EmailField):
    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class TimeZone(Text):
    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        try:
            validate_timezone(value)
        except ModelFault as fault:
            raise serializers.ValidationError(fault.messages) from None
        return value


class Flag(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Whole(serializers.IntegerField):
    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return int(super().to_internal_value(data))


class ListOf(serializers.ListField):
    """A list whose length is checked before its members. Stops at the first few faults."""

    def __init__(self, *, most: int, **kwargs: Any) -> None:
        super().__init__(max_length=most, **kwargs)
        self.most = most

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            self.fail("not_a_list", input_type=type(data).__name__)
        if len(data) > self.most:
            raise serializers.ValidationError(f"Send at most {self.most:,}.")
        return super().to_internal_value(data)

    def run_child_validation(self, data: list[Any]) -> list[Any]:
        """Return the checked members. Raises ValidationError by index as DRF does, with MAX_ERRORS errors at most."""
        members: list[Any] = []
        faults: dict[int, Any] = {}
        for index, member in enumerate(data):
            try:
                members.append(self.child.run_validation(member))
            except serializers.ValidationError as fault:
                faults[index] = fault.detail
                if len(faults) == MAX_ERRORS:
                    break
        if faults:
            raise serializers.ValidationError({str(index): fault for index, fault in faults.items()})
        return members


@extend_schema_field(OpenApiTypes.OBJECT)
class JsonObject(serializers.Field[dict[str, Any], Any, Any, Any]):
    default_error_messages = {"invalid": "Write an object."}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("invalid")
        return data

    def to_representation(self, value: dict[str, Any]) -> dict[str, Any]:
        return value
