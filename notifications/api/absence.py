"""When a person is away, and who stands in for them: for themselves, for who leads them, and for the directory."""

from typing import Any

from django.db.models import Model
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from notifications.absences import telling
from notifications.api import docs, serializers, shown
from notifications.api.authentication import EngineCaller, PersonCaller
from notifications.api.base import PersonView, answer, caller_of, validated
from notifications.api.people import DirectoryView
from notifications.errors import Invalid, NotAllowed, NotFound, ScopeMissing
from notifications.intake.eventdata import is_id
from notifications.items.representation import iso_utc
from notifications.models import Absence, AbsencePart, CalendarAbsence, Category, Engine, OpenItems, Recipient, Scope
from notifications.people import absence
from notifications.people.absence import Given, PartGiven
from notifications.people.absence_checks import faults_of
from notifications.people.leading import led_by
from notifications.types import Json

POINTERS = {"begins_at": "/from", "ends_at": "/to"}
EXTERNAL = "Only people of the organisation itself can be away."


class AbsenceView(PersonView):
    @extend_schema(operation_id="absence", responses=docs.responses({200: shown.AbsenceShown}))
    def get(self, request: Request) -> HttpResponse:
        """When one is, or will be, away, and who stands in; all null when there is nothing of the kind."""
        return answer(shown_of(self.recipient()))

    @extend_schema(
        operation_id="put_absence",
        request=serializers.AbsenceGiven,
        responses=docs.responses({200: shown.AbsenceShown}, 413, 415, 422),
    )
    def put(self, request: Request) -> HttpResponse:
        """Be away, and have somebody hear of things meanwhile; or, with `from` and `to` null, be back."""
        person = self.recipient()
        given = given_in(request.data, person)
        if given is None:
            absence.end_absence(person, by=person)
        else:
            absence.set_absence(person, given, by=person)
        return answer(shown_of(person))


class LeadersOrDirectory(BasePermission):
    """People, who may see whom they lead; and engines' keys with the scope `directory`. Raises ScopeMissing."""

    def has_permission(self, request: Request, view: Any) -> bool:
        caller = caller_of(request)
        if isinstance(caller, EngineCaller) and Scope.DIRECTORY not in caller.scopes:
            raise ScopeMissing("This needs an API key with the scope directory.")
        return caller is not None


class RecipientAbsenceView(DirectoryView):
    permission_classes = [LeadersOrDirectory]

    @extend_schema(operation_id="recipient_absence", responses=docs.responses({200: shown.AbsenceShown}, 404))
    def get(self, request: Request, ref: str) -> HttpResponse:
        """When somebody else is, or will be, away: for who leads them, and for keys with the scope `directory`."""
        return answer(shown_of(self._person(ref)))

    @extend_schema(
        operation_id="put_recipient_absence",
        request=serializers.AbsenceGiven,
        responses=docs.responses({200: shown.AbsenceShown}, 400, 404, 413, 415, 422),
    )
    def put(self, request: Request, ref: str) -> HttpResponse:
        """Say when somebody else is away; or, with `from` and `to` null, that they are back. Who leads them is named to
        them."""
        data, now = request.data, timezone.now()
        by = self._reader
        if by is None and isinstance(data, dict) and not {"from", "to"} & data.keys():
            return self.put_person(request, f"{ref}/absence")  # the ref may end in this text
        person = self._person(ref)
        given = given_in(data, person, by=by)
        if by is not None and given is not None:
            telling.set_for(person, given, by, now)
        elif by is not None:
            telling.end_for(person, by, now)
        elif given is not None:
            absence.set_absence(person, given, by=None, because=self._key)
        else:
            absence.end_absence(person, by=None, because=self._key)
        return answer(shown_of(person))

    @property
    def _reader(self) -> Recipient | None:
        """Who asks; None for an engine."""
        caller = caller_of(self.request)
        return caller.recipient if isinstance(caller, PersonCaller) else None

    @property
    def _key(self) -> str:
        return f"by a key of {self.engine().slug}"

    def _person(self, ref: str) -> Recipient:
        """Raises NotFound."""
        reader = self._reader
        people = led_by(reader) if reader is not None else Recipient.objects.filter(engine=None, active=True)
        found = people.filter(ref=ref).first() if is_id(ref) else None
        if found is None:
            raise NotFound("There is no such person of the organisation, or you do not lead them.")
        return found


def given_in(data: Any, person: Recipient, *, by: Recipient | None = None) -> Given | None:
    """The absence that a body says; None: the person is back. `by`: who leads them. Raises Invalid and NotAllowed."""
    if person.external:
        raise NotAllowed(EXTERNAL)
    said = validated(serializers.AbsenceGiven, data)
    if said["from"] is None:
        return None
    parts = [_part(number, each) for number, each in enumerate(said["parts"])]
    delegate = _delegate(said["delegate"], "/delegate")
    given = Given(said["from"], said["to"], delegate, parts, said["open_items"] or OpenItems.OFFER, said["give_back"])
    if faults := faults_of(person, given, timezone.now(), by=by):
        named = [{"pointer": _pointer(field), "detail": detail} for field, detail in faults.items()]
        raise Invalid("Some values are not possible; see errors.", named)
    return given


def _pointer(field: str) -> str:
    return POINTERS.get(field, f"/{field.replace('.', '/')}")


def _part(number: int, said: Json) -> PartGiven:
    """Raises Invalid."""
    place = f"/parts/{number}"
    return PartGiven(
        delegate=_delegate(said["delegate"], f"{place}/delegate"),
        category=_named(Category, "category", said["category"], place),
        engine=_named(Engine, "engine", said["engine"], place),
        case_type=said["case_type"] or "",
    )


def _named(model: type[Model], name: str, slug: str | None, place: str) -> Any:
    """Raises Invalid."""
    found = model._default_manager.filter(slug=slug).first() if slug else None
    if slug and found is None:
        raise _invalid(f"There is no {name} with this slug.", f"{place}/{name}")
    return found


def _delegate(ref: str | None, pointer: str) -> Recipient | None:
    """Raises Invalid."""
    found = Recipient.objects.filter(engine=None, ref=ref).first() if ref else None
    if ref and found is None:
        raise _invalid("There is no internal person with this ref.", pointer)
    return found


def _invalid(detail: str, pointer: str) -> Invalid:
    return Invalid(detail, [{"pointer": pointer, "detail": detail}])


def shown_of(person: Recipient) -> Json:
    """The person's absence, unless it is over, and what their calendar says."""
    now = timezone.now()
    row, by_calendar = absence.away_from(person, now), absence.in_calendar_of(person, now).first()
    said = _times_shown(row) | {"parts": [_part_shown(part) for part in row.parts.all()] if row is not None else []}
    return said | {"calendar": _times_shown(by_calendar) if by_calendar is not None else None}


def _times_shown(row: Absence | CalendarAbsence | None) -> Json:
    if row is None:
        return {"from": None, "to": None, "delegate": None, "open_items": None, "give_back": False}
    return {
        "from": iso_utc(row.begins_at),
        "to": iso_utc(row.ends_at),
        "delegate": _name(row.delegate),
        "open_items": row.open_items,
        "give_back": row.give_back,
    }


def _part_shown(part: AbsencePart) -> Json:
    return {
        "category": part.category.slug if part.category else None,
        "engine": part.engine.slug if part.engine else None,
        "case_type": part.case_type or None,
        "delegate": _name(part.delegate),
    }


def _name(person: Recipient | None) -> Json | None:
    return person.as_person() if person is not None else None
