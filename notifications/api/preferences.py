"""The preferences of a person for their messages: written by the person, or by an engine for them."""

from collections.abc import Iterator, Mapping
from datetime import time
from typing import Any, ClassVar

from django.http import HttpResponse
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request

from notifications.api.frame import docs
from notifications.api.frame.base import EngineView, PersonView, answer, validated
from notifications.api.frame.fields import Flag, ListOf, Whole
from notifications.channel_facts import INBOX, channel_names
from notifications.errors import Invalid, NotFound, ScopeMissing
from notifications.models import LEAST_PAUSE, MOST_PAUSE, USUAL_PAUSE, Category, Frequency, Recipient, Scope
from notifications.people import resolver
from notifications.preferences import personal_preferences
from notifications.preferences.matrix import rows_of
from notifications.preferences.personal_preferences import (
    MOST_MESSAGES,
    MOST_TIMES,
    MOST_WINDOWS,
    CategoryPreference,
    PreferenceValues,
)
from notifications.preferences.quiet_hours import Window
from notifications.types import Json
from notifications.wording.languages import language_of
from wfpush.web.pointers import pointer

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Clock(serializers.CharField):
    """A time on the person's wall clock, such as 07:30."""

    default_error_messages = {"clock": "Enter a time such as 07:30."}

    def to_internal_value(self, data: Any) -> Any:
        """Return the time."""
        if not isinstance(data, str) or len(data) != 5 or data[2] != ":":
            self.fail("clock")
        try:
            return time.fromisoformat(data)
        except ValueError:
            self.fail("clock")

    def to_representation(self, value: Any) -> str:
        return f"{value:%H:%M}"


class Days(ListOf):
    """Days of the week, 0 for Monday."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=serializers.ChoiceField(DAYS), most=7, min_length=1, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        return frozenset(DAYS.index(day) for day in super().to_internal_value(data))

    def to_representation(self, data: Any) -> list[Any]:
        return [DAYS[day] for day in sorted(data)]


class QuietHours(serializers.Serializer[Any]):
    """On these days, from a time until another; one that is not later is of the next day."""

    days = Days(help_text="Those on which they begin.")
    to = Clock(source="ends", help_text="Such as 07:00.")

    def get_fields(self) -> dict[str, Any]:
        """Add `from`, which is a keyword in Python."""
        return {"from": Clock(source="begins", help_text="Such as 22:00."), **super().get_fields()}


class UsualOrChoice(serializers.ChoiceField):
    """A choice that may be unset: empty in the database, null outside."""

    def to_representation(self, value: Any) -> Any:
        return value or None


class CategoryChoice(serializers.Serializer[Any]):
    channels = serializers.DictField(
        child=Flag(), required=False, default=dict, help_text="Channel to whether it is wanted. Others are as usual."
    )
    frequency = UsualOrChoice(
        Frequency.choices, required=False, allow_null=True, default=None, help_text="Null: as usual."
    )


class PreferencesGiven(serializers.Serializer[Any]):
    """What is left out is as it is for people who have chosen nothing."""

    categories = serializers.DictField(
        source="choices",
        child=CategoryChoice(),
        required=False,
        default=dict,
        help_text="By the category's slug. Others are as usual.",
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


class PreferencesView(PersonView):
    @docs.operation("preferences", {200: PreferencesShown})
    def get(self, request: Request) -> HttpResponse:
        """What one has chosen, and what follows from it."""
        return answer(_as_json(self.recipient()))

    @docs.operation("put_preferences", {200: PreferencesShown}, request=PreferencesGiven)
    def put(self, request: Request) -> HttpResponse:
        """Choose how to be reached, in place of all that was chosen before. Messages that are held back follow."""
        return _put(self.recipient(), request)


class RecipientPreferencesView(EngineView):
    scopes: ClassVar[tuple[Scope, ...]] = (Scope.PEOPLE, Scope.DIRECTORY)

    @docs.operation("recipient_preferences", {200: PreferencesShown}, 404)
    def get(self, request: Request, ref: str) -> HttpResponse:
        """What a person has chosen, and what follows from it."""
        return answer(_as_json(self.person(ref)))

    @docs.operation("put_recipient_preferences", {200: PreferencesShown}, 404, request=PreferencesGiven)
    def put(self, request: Request, ref: str) -> HttpResponse:
        """Choose for a person how they are reached, in place of all that was chosen before."""
        return _put(self.person(ref), request)

    def person(self, ref: str) -> Recipient:
        """Return the person whose preferences the key may see. Raises NotFound and ScopeMissing."""
        person = resolver.find_person(self.engine(), ref)
        if person is None:
            raise NotFound("There is no such person. Create it first: PUT /api/v1/recipients/{ref}.")
        if not person.external and Scope.DIRECTORY not in self.caller().scopes:
            raise ScopeMissing("For internal people this needs a key with the scope directory.")
        return person


def _put(person: Recipient, request: Request) -> HttpResponse:
    """Store the preferences of a request, and return the new ones. Raises Invalid."""
    payload = validated(PreferencesGiven, request.data)
    choices = {
        slug: CategoryPreference(own["channels"], own["frequency"] or "") for slug, own in payload["choices"].items()
    }
    windows = [Window(**window) for window in payload["quiet_hours"]]
    preferences = PreferenceValues(**{**payload, "choices": choices, "quiet_hours": windows})
    faults = list(_unknown(choices))
    faults += [
        {"pointer": _pointer(*place), "detail": detail} for place, detail in personal_preferences.faults_of(preferences)
    ]
    if faults:
        raise Invalid("Some values are not possible; see errors.", faults)
    personal_preferences.put(person, preferences, timezone.now())
    return answer(_as_json(person))


def _unknown(choices: Mapping[str, CategoryPreference]) -> Iterator[Json]:
    """Yield an error for each category or channel that does not exist."""
    slugs = set(Category.objects.values_list("slug", flat=True))
    channels = set(channel_names()) - {INBOX}
    for slug, choice in choices.items():
        if slug not in slugs:
            yield {"pointer": _pointer("categories", slug), "detail": "There is no category with this slug."}
        for name in choice.channels:
            if name not in channels:
                detail = "There is no channel of this name that can be turned off."
                yield {"pointer": _pointer("categories", slug, "channels", name), "detail": detail}


def _pointer(*place: str | int) -> str:
    path = ""
    for name in place:
        path = pointer(path, name)
    return path


def _as_json(person: Recipient) -> Json:
    language = language_of(person)
    effective = {
        row.category.slug: {
            "name": row.category.name_in(language),
            "channels": {cell.channel: {"on": cell.on, "mandatory": cell.mandatory} for cell in row.cells},
            "frequency": row.frequency,
            "mandatory_reason": row.category.mandatory_reason,
        }
        for row in rows_of(person)
    }
    return PreferencesGiven(personal_preferences.read(person)).data | {"effective": effective}
