"""The API's absences of people: read and written by themselves, by their leads, and by keys for the directory."""

from typing import Any

from django.db.models import Model
from django.http import HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.serializers import BooleanField, ChoiceField, Serializer, ValidationError

from notifications.absences import entering, feeds, notices
from notifications.absences.checks import MOST_PARTS, faults_of
from notifications.absences.entering import AbsenceEntry, PartEntry
from notifications.api.frame import docs
from notifications.api.frame.authentication import EngineCaller, PersonCaller
from notifications.api.frame.base import PersonView, answer, caller_of, validated
from notifications.api.frame.fields import Flag, Instant, ListOf, Ref, TextOrNull
from notifications.api.frame.shown import PersonName, Shown
from notifications.api.operations.operation import Operation, Tag
from notifications.api.operations.story import CAROL
from notifications.api.people import DirectoryView
from notifications.errors import Invalid, NotAllowed, NotFound, ScopeMissing
from notifications.intake.eventdata import is_id
from notifications.models import Category, Engine, OpenItems, Recipient, Scope
from notifications.people.colleagues import led_by
from notifications.types import Json
from wfpush.web.fields import Text

POINTERS = {"begins_at": "/from", "ends_at": "/to"}
EXTERNAL = "Only people of the organisation itself can be away."


class AbsencePartShown(Shown):
    category = TextOrNull(source="category.slug")
    engine = TextOrNull(source="engine.slug")
    case_type = TextOrNull()
    delegate = PersonName(allow_null=True)


class AbsenceTimes(Shown):
    to = Instant(source="ends_at", allow_null=True)
    delegate = PersonName(allow_null=True)
    open_items = ChoiceField(OpenItems.choices, allow_null=True)
    give_back = BooleanField()

    def get_fields(self) -> dict[str, Any]:
        """Add `from`, which is a keyword in Python."""
        return {"from": Instant(source="begins_at", allow_null=True), **super().get_fields()}


class AbsenceShown(AbsenceTimes):
    """All null: the person is there, and will be."""

    parts = AbsencePartShown(many=True, help_text="Other delegates for some of it; the first that fits counts.")
    calendar = AbsenceTimes(allow_null=True, help_text="Now or next, as the person's calendar says.")


class AbsencePartGiven(Serializer[Any]):
    """Exactly one of `category`, `engine` and `case_type`."""

    category = Text(required=False, allow_null=True, default=None, max_length=60, help_text="The slug of a category.")
    engine = Text(required=False, allow_null=True, default=None, max_length=60, help_text="The slug of an engine.")
    case_type = Text(
        required=False, allow_null=True, default=None, max_length=100, help_text="As events name it in `case.type`."
    )
    delegate = Ref(allow_null=True, help_text="Who stands in; null: nobody.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if sum(bool(attrs[name]) for name in ("category", "engine", "case_type")) != 1:
            raise ValidationError("Give one of category, engine and case_type.")
        return attrs


class AbsenceGiven(Serializer[Any]):
    """`from` and `to` null: the person is there."""

    to = Instant(allow_null=True, help_text="When they are back.")
    delegate = Ref(required=False, allow_null=True, default=None, help_text="Who stands in; null: nobody.")
    parts = ListOf(
        child=AbsencePartGiven(),
        required=False,
        default=list,
        most=MOST_PARTS,
        help_text="Other delegates for some of it; the first that fits counts.",
    )
    open_items = ChoiceField(
        OpenItems.values,
        required=False,
        allow_null=True,
        default=None,
        help_text="What becomes of items that wait already; null: `offer`.",
    )
    give_back = Flag(
        required=False, default=False, help_text="With `reassign`: what is still open comes back at the end."
    )

    def get_fields(self) -> dict[str, Any]:
        """Add `from`, which is a keyword in Python."""
        return {"from": Instant(allow_null=True), **super().get_fields()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        missing = [name for name in ("from", "to") if attrs[name] is None]
        if len(missing) == 1:
            raise ValidationError({missing[0]: "Give both times, or null for both."})
        return attrs


class AbsenceView(PersonView):
    @docs.operation("absence", {200: AbsenceShown})
    def get(self, request: Request) -> HttpResponse:
        """When one is, or will be, away, and who stands in; all null when there is nothing of the kind."""
        return answer(absence_json(self.recipient()))

    @docs.operation("put_absence", {200: AbsenceShown}, request=AbsenceGiven)
    def put(self, request: Request) -> HttpResponse:
        """Be away, and have somebody hear of things meanwhile; or, with `from` and `to` null, be back."""
        person = self.recipient()
        notices.enter(person, absence_in(request.data, person), person, timezone.now())
        return answer(absence_json(person))


class LeadersOrDirectory(BasePermission):
    """Admits people, and engines' keys with the scope `directory`. Raises ScopeMissing for other keys."""

    def has_permission(self, request: Request, view: Any) -> bool:
        caller = caller_of(request)
        if isinstance(caller, EngineCaller) and Scope.DIRECTORY not in caller.scopes:
            raise ScopeMissing("This needs an API key with the scope directory.")
        return caller is not None


class RecipientAbsenceView(DirectoryView):
    permission_classes = [LeadersOrDirectory]

    @docs.operation("recipient_absence", {200: AbsenceShown}, 404)
    def get(self, request: Request, ref: str) -> HttpResponse:
        """When somebody else is, or will be, away: for who leads them, and for keys with the scope `directory`."""
        return answer(absence_json(self._person(ref)))

    @docs.operation("put_recipient_absence", {200: AbsenceShown}, 404, request=AbsenceGiven)
    def put(self, request: Request, ref: str) -> HttpResponse:
        """Say when somebody else is away; or, with `from` and `to` null, that they are back. Who leads them is named to
        them."""
        data, by = request.data, self._reader
        if by is None and isinstance(data, dict) and not {"from", "to"} & data.keys():
            return self.put_person(request, f"{ref}/absence")  # the ref may end in this text
        person = self._person(ref)
        key = "" if by is not None else f"by a key of {self.engine().slug}"
        notices.enter(person, absence_in(data, person, by=by), by, timezone.now(), key)
        return answer(absence_json(person))

    @property
    def _reader(self) -> Recipient | None:
        """The calling person; None for an engine."""
        caller = caller_of(self.request)
        return caller.recipient if isinstance(caller, PersonCaller) else None

    def _person(self, ref: str) -> Recipient:
        """Return the person of this ref, if the caller may see their absence. Raises NotFound."""
        reader = self._reader
        people = led_by(reader) if reader is not None else Recipient.objects.filter(engine=None, active=True)
        person = people.filter(ref=ref).first() if is_id(ref) else None
        if person is None:
            raise NotFound("There is no such person of the organisation, or you do not lead them.")
        return person


def absence_in(data: Any, person: Recipient, *, by: Recipient | None = None) -> AbsenceEntry | None:
    """Return the absence in a body; None if the person is back. `by` leads them. Raises Invalid and NotAllowed."""
    if person.external:
        raise NotAllowed(EXTERNAL)
    payload = validated(AbsenceGiven, data)
    if payload["from"] is None:
        return None
    parts = [_part(number, each) for number, each in enumerate(payload["parts"])]
    delegate = _delegate(payload["delegate"], "/delegate")
    submitted = AbsenceEntry(
        payload["from"], payload["to"], delegate, parts, payload["open_items"] or OpenItems.OFFER, payload["give_back"]
    )
    if faults := faults_of(person, submitted, timezone.now(), by=by):
        pointers = {field: POINTERS.get(field, f"/{field.replace('.', '/')}") for field in faults}
        errors = [{"pointer": pointers[field], "detail": detail} for field, detail in faults.items()]
        raise Invalid("Some values are not possible; see errors.", errors)
    return submitted


def _part(number: int, payload: Json) -> PartEntry:
    """Return one part of an absence, read from its JSON. Raises Invalid."""
    place = f"/parts/{number}"
    return PartEntry(
        delegate=_delegate(payload["delegate"], f"{place}/delegate"),
        category=_row_of_slug(Category, "category", payload["category"], place),
        engine=_row_of_slug(Engine, "engine", payload["engine"], place),
        case_type=payload["case_type"] or "",
    )


def _row_of_slug(model: type[Model], name: str, slug: str | None, place: str) -> Any:
    """Return the row with this slug; None without a slug. Raises Invalid."""
    row = model._default_manager.filter(slug=slug).first() if slug else None
    if slug and row is None:
        raise Invalid.at(f"{place}/{name}", f"There is no {name} with this slug.")
    return row


def _delegate(ref: str | None, pointer: str) -> Recipient | None:
    """Return the internal person with this ref; None without a ref. Raises Invalid."""
    person = Recipient.objects.filter(engine=None, ref=ref).first() if ref else None
    if ref and person is None:
        raise Invalid.at(pointer, "There is no internal person with this ref.")
    return person


def absence_json(person: Recipient) -> Json:
    """Return the person's current or coming absence as JSON, and the next one of their calendar."""
    now = timezone.now()
    row, by_calendar = entering.away_from(person, now), feeds.in_calendar_of(person, now).first()
    shown = AbsenceShown(row or {"give_back": False, "parts": []}).data
    return shown | {"calendar": AbsenceTimes(by_calendar).data if by_calendar is not None else None}


urlpatterns: list[URLPattern] = [
    path("v1/absence", AbsenceView.as_view()),
    path("v1/recipients/<path:ref>/absence", RecipientAbsenceView.as_view()),
]


# --- words of /api/docs -----------------------------------------------------------------------------------------------
TIMES = {"from": "2026-12-21T16:00:00Z", "to": "2027-01-04T08:00:00Z"}
CLAIMS = {"category": None, "engine": None, "case_type": "claim"}
ITEMS = {"open_items": "offer", "give_back": False}
ABSENCE = {**TIMES, "delegate": "carol", "parts": [{**CLAIMS, "delegate": None}], **ITEMS}
AWAY = {**TIMES, "delegate": CAROL, "parts": [{**CLAIMS, "delegate": None}], **ITEMS, "calendar": None}

UNLED = "`not_found`: no such person of the organisation, or the caller does not lead them"

TAG = Tag(
    "Absence",
    "While a person is away, their messages go to their delegate.",
    {
        "absence": Operation("See when one is away", response=AWAY),
        "put_absence": Operation("Be away, or be back", request=ABSENCE, response=AWAY),
        "recipient_absence": Operation("See when somebody else is away", response=AWAY, meanings={404: UNLED}),
        "put_recipient_absence": Operation(
            "Say when somebody else is away", request=ABSENCE, response=AWAY, meanings={404: UNLED}
        ),
    },
)
