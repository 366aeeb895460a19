"""Who is on duty, for engines that keep the directory."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from notifications.api import docs, serializers, shown
from notifications.api.base import EngineView, answer, query_of
from notifications.errors import Invalid, NotFound
from notifications.items.representation import iso_utc
from notifications.models import Recipient, Rota, Scope
from notifications.people.absence import Absences
from notifications.rotas import duty, turns
from notifications.rotas.duty import Duties
from notifications.types import Json

FARTHEST = timedelta(days=366)
AHEAD = timedelta(days=100)


class OnDutyView(EngineView):
    scopes: ClassVar[tuple[Scope, ...]] = (Scope.DIRECTORY,)

    @extend_schema(
        operation_id="on_duty",
        parameters=[serializers.OnDutyQuery],
        responses=docs.responses({200: shown.OnDutyShown}, 404, 422),
    )
    def get(self, request: Request, slug: str) -> HttpResponse:
        """Who is on duty at a time, until when, and who is next."""
        now = timezone.now()
        at = query_of(request, serializers.OnDutyQuery)["at"] or now
        if abs(at - now) > FARTHEST:
            detail = "At most 366 days ahead or back."
            raise Invalid(detail, [{"pointer": "/at", "detail": detail}])
        rota = Rota.objects.select_related("team").filter(slug=slug.replace("\x00", "")).first()
        if rota is None:
            raise NotFound("There is no rota of this slug.")
        return answer(_as_json(rota, at))


def _as_json(rota: Rota, at: datetime) -> Json:
    people, absences = Duties(at).people(rota), Absences(at)
    person = next((each for each in people if not absences.is_out(each)), people[0] if people else None)
    shifts = duty.shifts_of(rota, at, at + AHEAD)
    people_by_key = duty.people_of(shifts)
    current = next((shift for shift in shifts if shift.begins <= at), None)
    later = next((shift for shift in shifts if shift.begins > at), None)
    gap = turns.gaps(shifts, at, at + AHEAD)
    return {
        "rota": {"slug": rota.slug, "name": rota.name, "team": rota.team.slug},
        "at": iso_utc(at),
        "person": person.as_person() if person else None,
        "stands_in": _stands_in(absences, person),
        "until": iso_utc(current.ends if current else later.begins if later else None),
        "next": {"person": people_by_key[later.who].as_person(), "from": iso_utc(later.begins)} if later else None,
        "next_gap": {"from": iso_utc(gap[0][0]), "to": iso_utc(gap[0][1])} if gap else None,
    }


def _stands_in(absences: Absences, person: Recipient | None) -> Json | None:
    stand_in = absences.stand_ins([person]).get(person.pk) if person is not None else None
    return stand_in.as_person() if stand_in is not None else None
