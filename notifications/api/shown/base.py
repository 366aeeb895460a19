"""What answers of all kinds have."""

from typing import Any

from rest_framework import serializers

# Docstrings of these classes appear in the description.
Shown = serializers.Serializer[Any]


class Fault(Shown):
    pointer = serializers.CharField(help_text="JSON pointer (RFC 6901) into the body; empty: the whole.")
    detail = serializers.CharField()


class Problem(Shown):
    """RFC 9457. Some codes add members, such as `answered_by`."""

    type = serializers.CharField(help_text="/problems/<code>")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    errors = Fault(many=True, required=False)  # type: ignore[assignment]  # members that Serializer has too


class PersonName(Shown):
    ref = serializers.CharField()
    name = serializers.CharField()
