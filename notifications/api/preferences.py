"""How a person wants to be reached: by the person, or by an engine for them."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from notifications.api import docs
from notifications.api.base import EngineView, PersonView, answer, validated
from notifications.api.preference_members import DAYS, PreferencesGiven, PreferencesShown
from notifications.channel_facts import INBOX, channel_names
from notifications.errors import Invalid, NotFound, ScopeMissing
from notifications.models import Category, Recipient, Scope
from notifications.people import resolver
from notifications.preferences import personal
from notifications.preferences.matrix import rows_of
from notifications.preferences.personal import Own, Wanted
from notifications.preferences.quiet import Window
from notifications.types import Json
from notifications.wording.languages import language_of
from wfpush.web.pointers import pointer


class PreferencesView(PersonView):
    @extend_schema(operation_id="preferences", responses=docs.responses({200: PreferencesShown}))
    def get(self, request: Request) -> HttpResponse:
        """What one has chosen, and what follows from it."""
        return answer(_as_json(self.recipient()))

    @extend_schema(
        operation_id="put_preferences",
        request=PreferencesGiven,
        responses=docs.responses({200: PreferencesShown}, 413, 415, 422),
    )
    def put(self, request: Request) -> HttpResponse:
        """Choose how to be reached, in place of all that was chosen before. Messages that are held back follow."""
        return _put(self.recipient(), request)


class RecipientPreferencesView(EngineView):
    scopes: ClassVar[tuple[Scope, ...]] = (Scope.PEOPLE, Scope.DIRECTORY)

    @extend_schema(operation_id="recipient_preferences", responses=docs.responses({200: PreferencesShown}, 404))
    def get(self, request: Request, ref: str) -> HttpResponse:
        """What a person has chosen, and what follows from it."""
        return answer(_as_json(self.person(ref)))

    @extend_schema(
        operation_id="put_recipient_preferences",
        request=PreferencesGiven,
        responses=docs.responses({200: PreferencesShown}, 404, 413, 415, 422),
    )
    def put(self, request: Request, ref: str) -> HttpResponse:
        """Choose for a person how they are reached, in place of all that was chosen before."""
        return _put(self.person(ref), request)

    def person(self, ref: str) -> Recipient:
        """Raises NotFound and ScopeMissing."""
        person = resolver.find_person(self.engine(), ref)
        if person is None:
            raise NotFound("There is no such person. Create it first: PUT /api/v1/recipients/{ref}.")
        if not person.external and Scope.DIRECTORY not in self.caller().scopes:
            raise ScopeMissing("For internal people this needs a key with the scope directory.")
        return person


def _put(person: Recipient, request: Request) -> HttpResponse:
    """Raises Invalid."""
    given = validated(PreferencesGiven, request.data)
    faults = list(_unknown(given["categories"]))
    said = _read(given)
    faults += [{"pointer": _pointer(*place), "detail": detail} for place, detail in personal.faults_of(said)]
    if faults:
        raise Invalid("Some values are not possible; see errors.", faults)
    personal.put(person, said, timezone.now())
    return answer(_as_json(person))


def _unknown(categories: Mapping[str, Any]) -> Iterator[Json]:
    """Categories and channels that do not exist."""
    known = set(Category.objects.values_list("slug", flat=True))
    channels = set(channel_names()) - {INBOX}
    for slug, choice in categories.items():
        if slug not in known:
            yield {"pointer": _pointer("categories", slug), "detail": "There is no category with this slug."}
        for name in choice["channels"]:
            if name not in channels:
                detail = "There is no channel of this name that can be turned off."
                yield {"pointer": _pointer("categories", slug, "channels", name), "detail": detail}


def _pointer(*place: str | int) -> str:
    found = ""
    for name in place:
        found = pointer(found, name)
    return found


def _read(given: Mapping[str, Any]) -> Wanted:
    return Wanted(
        choices={
            slug: Own(choice["channels"], choice["frequency"] or "") for slug, choice in given["categories"].items()
        },
        quiet_hours=[
            Window(frozenset(DAYS.index(day) for day in each["days"]), each["from"], each["to"])
            for each in given["quiet_hours"]
        ],
        quiet_on_holidays=given["quiet_on_holidays"],
        digest_times=given["digest_times"],
        repeat_pause=given["repeat_pause"],
        most_an_hour=given["most_an_hour"],
    )


def _as_json(person: Recipient) -> Json:
    said, language = personal.read(person), language_of(person)
    return {
        "categories": {
            slug: {"channels": own.channels, "frequency": own.frequency or None} for slug, own in said.choices.items()
        },
        "quiet_hours": [
            {
                "days": [DAYS[day] for day in sorted(window.days)],
                "from": f"{window.begins:%H:%M}",
                "to": f"{window.ends:%H:%M}",
            }
            for window in said.quiet_hours
        ],
        "quiet_on_holidays": said.quiet_on_holidays,
        "digest_times": [f"{each:%H:%M}" for each in said.digest_times],
        "repeat_pause": said.repeat_pause,
        "most_an_hour": said.most_an_hour,
        "effective": {
            row.category.slug: {
                "name": row.category.name_in(language),
                "channels": {cell.channel: {"on": cell.on, "mandatory": cell.mandatory} for cell in row.cells},
                "frequency": row.frequency,
                "mandatory_reason": row.category.mandatory_reason,
            }
            for row in rows_of(person)
        },
    }
