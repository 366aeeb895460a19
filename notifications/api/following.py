"""Cases and kinds of cases that a person follows, and cases that they have muted."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.serializers import CharField

from notifications.api.frame import docs, paging, serializers
from notifications.api.frame.base import PersonView, answer, nothing, query_of
from notifications.api.frame.fields import Instant, TextOrNull
from notifications.api.frame.shown import Shown, page_of
from notifications.errors import NotFound
from notifications.models import Case, FollowedKind, MutedCase, Recipient
from notifications.preferences import following


class CaseNamed(Shown):
    engine = CharField(source="case.engine.slug", help_text="Its slug.")
    id = CharField(source="case.case_id")
    title = CharField(source="case.title")
    type = TextOrNull(source="case.type")


class CaseMuted(CaseNamed):
    since = Instant(source="created_at")


class KindFollowed(Shown):
    engine = CharField(source="engine.slug", help_text="Its slug.")
    type = CharField(source="case_type")
    since = Instant(source="created_at")


class CaseChoiceView(PersonView):
    """The base of views that follow or mute a case. People see cases that they were notified of."""

    def each_case(self, case_id: str, change: Callable[[Recipient, Case], None]) -> HttpResponse:
        for case in cases_of(self.recipient(), case_id):
            change(self.recipient(), case)
        return nothing()


class FollowView(CaseChoiceView):
    @docs.operation("follow", {204: None}, 404)
    def put(self, request: Request, case_id: str) -> HttpResponse:
        """Follow a case: hear of its milestones."""
        return self.each_case(case_id, lambda person, case: case.followers.add(person))

    @docs.operation("unfollow", {204: None}, 404)
    def delete(self, request: Request, case_id: str) -> HttpResponse:
        """Follow a case no longer."""
        return self.each_case(case_id, lambda person, case: case.followers.remove(person))


class FollowKindView(CaseChoiceView):
    @docs.operation("follow_kind", {204: None}, 404)
    def put(self, request: Request, case_id: str) -> HttpResponse:
        """Follow the kind of this case: each case of its engine with the same type of which one has heard."""
        return self.each_case(case_id, following.follow_kind)

    @docs.operation("unfollow_kind", {204: None}, 404)
    def delete(self, request: Request, case_id: str) -> HttpResponse:
        """Follow the kind of this case no longer."""
        return self.each_case(case_id, following.unfollow_kind)


class MuteView(CaseChoiceView):
    @docs.operation("mute", {204: None}, 404)
    def put(self, request: Request, case_id: str) -> HttpResponse:
        """Mute a case: hear of it in the inbox only, unless it is urgent, or waits for one."""
        return self.each_case(case_id, following.mute)

    @docs.operation("unmute", {204: None}, 404)
    def delete(self, request: Request, case_id: str) -> HttpResponse:
        """Mute a case no longer."""
        return self.each_case(case_id, following.unmute)


class FollowedCasesView(PersonView):
    @docs.operation("followed_cases", {200: page_of(CaseNamed, "FollowedCases")}, query=serializers.PageQuery)
    def get(self, request: Request) -> HttpResponse:
        """The cases that one follows, the last one first."""
        rows = Case.followers.through.objects.filter(recipient=self.recipient()).select_related("case__engine")
        return _page(request, rows, CaseNamed)


class FollowedKindsView(PersonView):
    @docs.operation("followed_kinds", {200: page_of(KindFollowed, "FollowedKinds")}, query=serializers.PageQuery)
    def get(self, request: Request) -> HttpResponse:
        """The kinds of cases that one follows, the last one first."""
        rows = FollowedKind.objects.filter(recipient=self.recipient()).select_related("engine")
        return _page(request, rows, KindFollowed)


class MutedCasesView(PersonView):
    @docs.operation("muted_cases", {200: page_of(CaseMuted, "MutedCases")}, query=serializers.PageQuery)
    def get(self, request: Request) -> HttpResponse:
        """The cases that one has muted, the last one first."""
        person = self.recipient()
        rows = MutedCase.objects.filter(recipient=person, case__in=following.cases_of(person))
        rows = rows.select_related("case__engine")
        return _page(request, rows, CaseMuted)


def _page(request: Request, rows: QuerySet[Any], member: type[Shown]) -> HttpResponse:
    query = query_of(request, serializers.PageQuery)
    page_rows, after = paging.newest(rows, query.get("cursor"), query["limit"])
    return answer({"items": member(page_rows, many=True).data, "next": after})


def cases_of(recipient: Recipient, case_id: str, engine: str = "") -> list[Case]:
    """Return the cases with this id that the person was notified of, of `engine` or of all. Raises NotFound."""
    cases = following.cases_of(recipient).filter(case_id=case_id).select_related("engine")
    matches = list(cases.filter(engine__slug=engine) if engine else cases)
    if not matches:
        raise NotFound("There is no such case that you have heard of.")
    return matches
