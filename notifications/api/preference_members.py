"""The members of a person's preferences: what callers may send, and what the API answers."""

from datetime import time
from typing import Any

from rest_framework import serializers

from notifications.api.fields import Flag, ListOf, Whole
from notifications.models import LEAST_PAUSE, MOST_PAUSE, USUAL_PAUSE, Frequency
from notifications.preferences.personal import MOST_MESSAGES, MOST_TIMES, MOST_WINDOWS

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Clock(serializers.CharField):
    """A time of the person's wall clock."""

    default_error_messages = {"clock": "Write a time such as 07:30."}

    def to_internal_value(self, data: Any) -> Any:
        """A time."""
        if not isinstance(data, str) or len(data) != 5 or data[2] != ":":
            self.fail("clock")
        try:
            return time.fromisoformat(data)
        except ValueError:
            self.fail("clock")


class QuietHours(serializers.Serializer[Any]):
    """On these days, from a time until another; one that is not later is of the next day."""

    days = ListOf(child=serializers.ChoiceField(DAYS), most=7, min_length=1, help_text="Those on which they begin.")
    to = Clock(help_text="Such as 07:00.")

    def get_fields(self) -> dict[str, Any]:
        """With `from`, which is a keyword in Python."""
        return {"from": Clock(help_text="Such as 22:00."), **super().get_fields()}


class CategoryChoice(serializers.Serializer[Any]):
    channels = serializers.DictField(
        child=Flag(), required=False, default=dict, help_text="Channel to whether it is wanted. Others are as usual."
    )
    frequency = serializers.ChoiceField(
        Frequency.choices, required=False, allow_null=True, default=None, help_text="Null: as usual."
    )


class PreferencesGiven(serializers.Serializer[Any]):
    """What is left out is as it is for people who have chosen nothing."""

    categories = serializers.DictField(
        child=CategoryChoice(), required=False, default=dict, help_text="By the category's slug. Others are as usual."
    )
    quiet_hours = ListOf(child=QuietHours(), required=False, default=list, most=MOST_WINDOWS)
    quiet_on_holidays = Flag(
        required=False, default=False, help_text="All day, by the calendar of the person or their team."
    )
    digest_times = ListOf(
        child=Clock(), required=False, default=list, most=MOST_TIMES, help_text="Empty: at 08:00 and 16:00."
    )
    repeat_pause = Whole(
        required=False,
        default=USUAL_PAUSE,
        min_value=LEAST_PAUSE,
        max_value=MOST_PAUSE,
        help_text="Minutes in which what repeats comes together, after the first.",
    )
    most_an_hour = Whole(
        required=False,
        allow_null=True,
        default=None,
        min_value=1,
        max_value=MOST_MESSAGES,
        help_text="Messages an hour by one channel; null: any number.",
    )


class ChannelShown(serializers.Serializer[Any]):
    on = serializers.BooleanField()
    mandatory = serializers.BooleanField(help_text="Nobody can turn it off.")


class CategoryShown(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="In the person's language.")
    channels = serializers.DictField(child=ChannelShown())
    frequency = serializers.ChoiceField(Frequency.choices)
    mandatory_reason = serializers.CharField(allow_blank=True)


class PreferencesShown(PreferencesGiven):
    """All that was chosen, and what follows from it and from what administrators have chosen."""

    effective = serializers.DictField(
        child=CategoryShown(), help_text="All categories by their slug, with the channels that they use."
    )
