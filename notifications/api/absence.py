"""When a person is away, and who stands in for them."""

from datetime import datetime

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from notifications.api import docs, serializers, shown
from notifications.api.base import PersonView, answer, validated
from notifications.errors import Invalid, NotAllowed
from notifications.items.representation import iso_utc
from notifications.models import Absence, Recipient
from notifications.people import absence
from notifications.types import Json

POINTERS = {"begins_at": "/from", "ends_at": "/to", "delegate": "/delegate"}


class AbsenceView(PersonView):
    @extend_schema(operation_id="absence", responses=docs.responses({200: shown.AbsenceShown}))
    def get(self, request: Request) -> HttpResponse:
        """When one is, or will be, away, and who stands in; all null when there is nothing of the kind."""
        return answer(_as_json(absence.away_from(self.recipient(), timezone.now())))

    @extend_schema(
        operation_id="put_absence",
        request=serializers.AbsenceGiven,
        responses=docs.responses({200: shown.AbsenceShown}, 413, 415, 422),
    )
    def put(self, request: Request) -> HttpResponse:
        """Be away, and have somebody hear of things meanwhile; or, with `from` and `to` null, be back."""
        person, now = self.recipient(), timezone.now()
        if person.external:
            raise NotAllowed("Only people of the organisation itself can be away.")
        given = validated(serializers.AbsenceGiven, request.data)
        if given["from"] is None:
            absence.end_absence(person, by=person)
            return answer(_as_json(None))
        delegate = _delegate(given["delegate"])
        _refuse(person, given["from"], given["to"], delegate, now)
        return answer(_as_json(absence.set_absence(person, given["from"], given["to"], delegate, by=person)))


def _delegate(ref: str | None) -> Recipient | None:
    """Raises Invalid."""
    found = Recipient.objects.filter(engine=None, ref=ref).first() if ref else None
    if ref and found is None:
        detail = "There is no internal person with this ref."
        raise Invalid(detail, [{"pointer": "/delegate", "detail": detail}])
    return found


def _refuse(
    person: Recipient, begins_at: datetime, ends_at: datetime, delegate: Recipient | None, now: datetime
) -> None:
    """Raises Invalid."""
    faults = absence.faults_of(person, begins_at, ends_at, delegate, now)
    if faults:
        named = [{"pointer": POINTERS[field], "detail": detail} for field, detail in faults.items()]
        raise Invalid("Some values are not possible; see errors.", named)


def _as_json(row: Absence | None) -> Json:
    if row is None:
        return {"from": None, "to": None, "delegate": None}
    delegate = row.delegate.as_person() if row.delegate else None
    return {"from": iso_utc(row.begins_at), "to": iso_utc(row.ends_at), "delegate": delegate}
