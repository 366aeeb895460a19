"""People on duty, for engines that keep the directory."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.http import HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.serializers import CharField, Serializer

from notifications.api.frame import docs
from notifications.api.frame.base import EngineView, answer, query_of
from notifications.api.frame.fields import Instant
from notifications.api.frame.shown import PersonName, Shown
from notifications.api.operations.operation import Operation, Tag
from notifications.errors import Invalid, NotFound
from notifications.models import Scope
from notifications.people.stand_ins import StandIns
from notifications.rotas import duty, turns
from notifications.rotas.duty import Duties
from notifications.rotas.models import Rota
from notifications.types import Json

FARTHEST = timedelta(days=366)
AHEAD = timedelta(days=100)


class RotaName(Shown):
    slug = CharField()
    name = CharField()
    team = CharField(source="team.slug", help_text="The slug of the team.")


class Gap(Shown):
    to = Instant()

    def get_fields(self) -> dict[str, Any]:
        return {"from": Instant(), **super().get_fields()}


class NextOnDuty(Shown):
    person = PersonName()

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "from": Instant()}


class OnDutyShown(Shown):
    rota = RotaName()
    at = Instant()
    person = PersonName(allow_null=True, help_text="Null: nobody.")
    stands_in = PersonName(allow_null=True, help_text="The delegate, where the person is away.")
    until = Instant(allow_null=True, help_text="The next hand-over, or the end of the gap.")
    next = NextOnDuty(allow_null=True)
    next_gap = Gap(allow_null=True, help_text="Within 100 days.")


class OnDutyQuery(Serializer[Any]):
    at = Instant(required=False, default=None, help_text="Empty: now. At most 366 days ahead or back.")


class OnDutyView(EngineView):
    scopes: ClassVar[tuple[Scope, ...]] = (Scope.DIRECTORY,)

    @docs.operation("on_duty", {200: OnDutyShown}, 404, query=OnDutyQuery)
    def get(self, request: Request, slug: str) -> HttpResponse:
        """Who is on duty at a time, until when, and who is next."""
        now = timezone.now()
        at = query_of(request, OnDutyQuery)["at"] or now
        if abs(at - now) > FARTHEST:
            raise Invalid.at("/at", "At most 366 days ahead or back.")
        rota = Rota.objects.select_related("team").filter(slug=slug.replace("\x00", "")).first()
        if rota is None:
            raise NotFound("There is no rota of this slug.")
        return answer(OnDutyShown(_on_duty(rota, at)).data)


def _on_duty(rota: Rota, at: datetime) -> dict[str, Any]:
    people, stand_ins = Duties(at).people(rota), StandIns(at)
    person = next((each for each in people if not stand_ins.is_out(each)), people[0] if people else None)
    shifts = duty.shifts_of(rota, at, at + AHEAD)
    current = next((shift for shift in shifts if shift.begins <= at), None)
    later = next((shift for shift in shifts if shift.begins > at), None)
    gap = next(iter(turns.gaps(shifts, at, at + AHEAD)), None)
    return {
        "rota": rota,
        "at": at,
        "person": person,
        "stands_in": stand_ins.of([person]).get(person.pk) if person else None,
        "until": current.ends if current else later.begins if later else None,
        "next": {"person": duty.people_of([later])[later.who], "from": later.begins} if later else None,
        "next_gap": {"from": gap[0], "to": gap[1]} if gap else None,
    }


urlpatterns: list[URLPattern] = [path("v1/rotas/<str:slug>/on-duty", OnDutyView.as_view())]


# --- words of /api/docs -----------------------------------------------------------------------------------------------
ON_DUTY: Json = {
    "rota": {"slug": "claims", "name": "Claims", "team": "finance"},
    "at": "2026-12-24T20:00:00Z",
    "person": {"ref": "alice", "name": "Alice"},
    "stands_in": None,
    "until": "2026-12-25T13:00:00Z",
    "next": {"person": {"ref": "carol", "name": "Carol"}, "from": "2026-12-28T07:00:00Z"},
    "next_gap": {"from": "2026-12-25T13:00:00Z", "to": "2026-12-28T07:00:00Z"},
}

TAG = Tag(
    "People and teams",
    "",
    {
        "on_duty": Operation(
            "See who is on duty",
            response=ON_DUTY,
            meanings={
                403: "`scope_missing`: the key has not the scope `directory`",
                404: "`not_found`: there is no such rota",
                422: "`invalid`: a time without its offset, or too far away",
            },
        ),
    },
)
