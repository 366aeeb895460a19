"""People and teams, as engines keep them; tokens and links that engines hand to people."""

from typing import ClassVar

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from notifications.api import docs, serializers, shown
from notifications.api.base import EngineView, answer, validated
from notifications.errors import Invalid, NotAllowed, NotFound, ScopeMissing
from notifications.intake.eventdata import is_id
from notifications.items.representation import iso_utc
from notifications.models import Recipient, Scope
from notifications.people import directory, recipient_tokens, resolver, revocation
from notifications.people.directory import Writer


class DirectoryView(EngineView):
    def writer(self) -> Writer:
        return Writer(self.engine(), self.caller().scopes)

    def put_person(self, request: Request, ref: str) -> HttpResponse:
        if not is_id(ref):
            raise _bad_name("/ref", "A ref is 1 to 200 characters without control characters.")
        payload = validated(serializers.Person, request.data)
        person, created = directory.put_person(self.writer(), ref, payload)
        return answer(directory.person_json(person), 201 if created else 200)


class RecipientView(DirectoryView):
    scopes: ClassVar[tuple[Scope, ...]] = (Scope.PEOPLE, Scope.DIRECTORY)

    @extend_schema(
        operation_id="put_recipient",
        request=serializers.Person,
        responses=docs.responses({200: shown.PersonShown, 201: shown.PersonShown}, 400, 404, 413, 415, 422),
    )
    def put(self, request: Request, ref: str) -> HttpResponse:
        """Create or update a person. Members that are left out stay as they were."""
        return self.put_person(request, ref)


class WayInView(DirectoryView):
    """Addresses below a person. A ref may itself end in the same text: its PUT means the person."""

    suffix: ClassVar[str]

    def scopes_for(self, method: str) -> tuple[Scope, ...]:
        return RecipientView.scopes if method == "PUT" else (Scope.TOKENS,)

    @extend_schema(exclude=True)
    def put(self, request: Request, ref: str) -> HttpResponse:
        return self.put_person(request, f"{ref}/{self.suffix}")

    def person(self, ref: str) -> Recipient:
        """The person to whom a credential may be given. Raises NotFound, ScopeMissing and NotAllowed."""
        person = resolver.find_person(self.engine(), ref)
        if person is None:
            raise NotFound("There is no such person. Create it first: PUT /api/v1/recipients/{ref}.")
        if not person.external and not self.writer().directs:
            raise ScopeMissing("For internal people this needs a key with the scope directory.")
        if recipient_tokens.is_staff(person):
            raise NotAllowed("Staff sign in with their password only.")
        if not person.active:
            raise NotAllowed("This person is deactivated.")
        if not person.present:
            raise NotAllowed("This person's account is closed.")
        revocation.settle(person.pk, timezone.now())  # else what is given now would end with what was given before
        return person


class RecipientTokensView(WayInView):
    suffix = "tokens"

    @extend_schema(
        operation_id="give_token",
        request=serializers.TokenRequest,
        responses=docs.responses({201: shown.TokenShown}, 400, 404, 413, 415, 422),
    )
    def post(self, request: Request, ref: str) -> HttpResponse:
        """A recipient token, for the person's app or your customer portal. It is shown this once."""
        payload = validated(serializers.TokenRequest, request.data)
        row, token = recipient_tokens.new_token(self.person(ref), label=payload["label"], now=timezone.now())
        return answer({"token": token, "expires_at": iso_utc(row.expires_at)}, 201)


class RecipientLinksView(WayInView):
    suffix = "links"

    @extend_schema(
        operation_id="give_link",
        request=serializers.LinkRequest,
        responses=docs.responses({201: shown.LinkShown}, 400, 404, 413, 415, 422),
    )
    def post(self, request: Request, ref: str) -> HttpResponse:
        """A link that signs the person in once, within 24 hours, to the inbox or portal."""
        payload = validated(serializers.LinkRequest, request.data)
        row, url = recipient_tokens.new_link(self.person(ref), next=payload["next"], now=timezone.now())
        return answer({"url": url, "expires_at": iso_utc(row.expires_at)}, 201)


class TeamView(DirectoryView):
    scopes: ClassVar[tuple[Scope, ...]] = (Scope.DIRECTORY,)

    @extend_schema(
        operation_id="put_team",
        request=serializers.TeamGiven,
        responses=docs.responses({200: shown.TeamShown, 201: shown.TeamShown}, 400, 404, 413, 415, 422),
    )
    def put(self, request: Request, slug: str) -> HttpResponse:
        """Create or update a team. Members that are left out stay as they were; `members` replaces all of them."""
        if not serializers.SLUG.fullmatch(slug):
            raise _bad_name("/slug", "A team's slug is 1 to 100 letters, digits, - and _.")
        team, created = directory.put_team(self.writer(), slug, validated(serializers.TeamGiven, request.data))
        return answer(directory.team_json(team), 201 if created else 200)


def _bad_name(pointer: str, detail: str) -> Invalid:
    return Invalid(detail, [{"pointer": pointer, "detail": detail}])
