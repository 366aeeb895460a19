"""Cases and kinds of cases that a person follows, and cases that they have muted."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from notifications.api import docs, paging, serializers, shown
from notifications.api.base import PersonView, answer, nothing, query_of
from notifications.errors import NotFound
from notifications.items.representation import iso_utc
from notifications.models import Case, FollowedKind, MutedCase, Recipient
from notifications.preferences import following
from notifications.types import Json


class FollowView(PersonView):
    """Cases are known to people by what they heard of them."""

    @extend_schema(operation_id="follow", request=None, responses=docs.responses({204: None}, 404))
    def put(self, request: Request, case_id: str) -> HttpResponse:
        """Follow a case: hear of its milestones."""
        for case in cases_of(self.recipient(), case_id):
            case.followers.add(self.recipient())
        return nothing()

    @extend_schema(operation_id="unfollow", responses=docs.responses({204: None}, 404))
    def delete(self, request: Request, case_id: str) -> HttpResponse:
        """Follow a case no longer."""
        for case in cases_of(self.recipient(), case_id):
            case.followers.remove(self.recipient())
        return nothing()


class FollowKindView(PersonView):
    @extend_schema(operation_id="follow_kind", request=None, responses=docs.responses({204: None}, 404))
    def put(self, request: Request, case_id: str) -> HttpResponse:
        """Follow the kind of this case: each case of its engine with the same type of which one has heard."""
        for case in cases_of(self.recipient(), case_id):
            following.follow_kind(self.recipient(), case)
        return nothing()

    @extend_schema(operation_id="unfollow_kind", responses=docs.responses({204: None}, 404))
    def delete(self, request: Request, case_id: str) -> HttpResponse:
        """Follow the kind of this case no longer."""
        for case in cases_of(self.recipient(), case_id):
            following.unfollow_kind(self.recipient(), case.engine_id, case.type)
        return nothing()


class MuteView(PersonView):
    @extend_schema(operation_id="mute", request=None, responses=docs.responses({204: None}, 404))
    def put(self, request: Request, case_id: str) -> HttpResponse:
        """Mute a case: hear of it in the inbox only, unless it is urgent, or waits for one."""
        for case in cases_of(self.recipient(), case_id):
            following.mute(self.recipient(), case)
        return nothing()

    @extend_schema(operation_id="unmute", responses=docs.responses({204: None}, 404))
    def delete(self, request: Request, case_id: str) -> HttpResponse:
        """Mute a case no longer."""
        for case in cases_of(self.recipient(), case_id):
            following.unmute(self.recipient(), case)
        return nothing()


class FollowedCasesView(PersonView):
    @extend_schema(
        operation_id="followed_cases",
        parameters=[serializers.PageQuery],
        responses=docs.responses({200: shown.FollowedCases}, 422),
    )
    def get(self, request: Request) -> HttpResponse:
        """The cases that one follows, the last one first."""
        rows = Case.followers.through.objects.filter(recipient=self.recipient()).select_related("case__engine")
        return _listed(request, rows, lambda row: _case(row.case))


class FollowedKindsView(PersonView):
    @extend_schema(
        operation_id="followed_kinds",
        parameters=[serializers.PageQuery],
        responses=docs.responses({200: shown.FollowedKinds}, 422),
    )
    def get(self, request: Request) -> HttpResponse:
        """The kinds of cases that one follows, the last one first."""
        rows = FollowedKind.objects.filter(recipient=self.recipient()).select_related("engine")
        return _listed(
            request,
            rows,
            lambda row: {"engine": row.engine.slug, "type": row.case_type, "since": iso_utc(row.created_at)},
        )


class MutedCasesView(PersonView):
    @extend_schema(
        operation_id="muted_cases",
        parameters=[serializers.PageQuery],
        responses=docs.responses({200: shown.MutedCases}, 422),
    )
    def get(self, request: Request) -> HttpResponse:
        """The cases that one has muted, the last one first."""
        person = self.recipient()
        rows = MutedCase.objects.filter(recipient=person, case__in=following.cases_of(person))
        rows = rows.select_related("case__engine")
        return _listed(request, rows, lambda row: {**_case(row.case), "since": iso_utc(row.created_at)})


def _listed(request: Request, rows: QuerySet[Any], member: Callable[[Any], Json]) -> HttpResponse:
    query = query_of(request, serializers.PageQuery)
    page_rows, after = paging.newest(rows, query.get("cursor"), query["limit"])
    return answer({"items": [member(row) for row in page_rows], "next": after})


def _case(case: Case) -> Json:
    return {"engine": case.engine.slug, "id": case.case_id, "title": case.title, "type": case.type or None}


def cases_of(recipient: Recipient, case_id: str, engine: str = "") -> list[Case]:
    """Return the cases with this id that the person was notified of, of `engine` or of all. Raises NotFound."""
    cases = following.cases_of(recipient).filter(case_id=case_id).select_related("engine")
    matches = list(cases.filter(engine__slug=engine) if engine else cases)
    if not matches:
        raise NotFound("There is no such case that you have heard of.")
    return matches
