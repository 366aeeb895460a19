"""The API's people and teams; tokens and links that engines hand to people, and a person's own tokens."""

from typing import Any, ClassVar

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.serializers import BooleanField, CharField, DateTimeField, ListField, URLField

from notifications.api.frame import docs, serializers
from notifications.api.frame.base import EngineView, PersonView, answer, nothing, validated
from notifications.api.frame.fields import TextOrNull
from notifications.api.frame.shown import Shown
from notifications.errors import Invalid, NotAllowed, NotFound, ScopeMissing
from notifications.intake.eventdata import is_id
from notifications.items.representation import iso_utc
from notifications.models import Recipient, RecipientToken, Scope
from notifications.people import devices, directory, recipient_tokens, resolver, revocation
from notifications.people.directory import Writer


class TimeZoneShown(CharField):
    def to_representation(self, value: str) -> str:
        return value or "UTC"


class SortedNames(ListField):
    """Sorted names of related rows, each the row's value of `field`."""

    def __init__(self, field: str, **kwargs: Any) -> None:
        super().__init__(child=CharField(), **kwargs)
        self.name_field = field

    def to_representation(self, rows: Any) -> list[Any]:
        return sorted(rows.values_list(self.name_field, flat=True))


class PersonShown(Shown):
    """Of internal people, keys without the scope directory see the first five members."""

    ref = CharField()
    name = CharField()
    locale = CharField()
    timezone = TimeZoneShown()
    external = BooleanField()
    email = TextOrNull(required=False)
    phone = TextOrNull(required=False)
    manager = TextOrNull(source="manager.ref", required=False)
    teams = SortedNames("slug", required=False)
    brand = TextOrNull(source="brand.slug", required=False)


class TeamShown(Shown):
    slug = CharField()
    name = CharField()
    lead = TextOrNull(source="lead.ref")
    members = SortedNames("ref")


class TokenShown(Shown):
    token = CharField(help_text="Shown this once.")
    expires_at = DateTimeField()


class LinkShown(Shown):
    url = URLField()
    expires_at = DateTimeField()


class DirectoryView(EngineView):
    def writer(self) -> Writer:
        return Writer(self.engine(), self.caller().scopes)

    def put_person(self, request: Request, ref: str) -> HttpResponse:
        if not is_id(ref):
            raise Invalid.at("/ref", "A ref is 1 to 200 characters without control characters.")
        payload = validated(serializers.Person, request.data)
        person, created = directory.put_person(self.writer(), ref, payload)
        return answer(PersonShown(person).data, 201 if created else 200)


class RecipientView(DirectoryView):
    scopes: ClassVar[tuple[Scope, ...]] = (Scope.PEOPLE, Scope.DIRECTORY)

    @docs.operation("put_recipient", {200: PersonShown, 201: PersonShown}, 404, request=serializers.Person)
    def put(self, request: Request, ref: str) -> HttpResponse:
        """Create or update a person. Members that are left out stay as they were."""
        return self.put_person(request, ref)


class WayInView(DirectoryView):
    """The base of addresses below a person. A ref may itself end in the same text: its PUT means the person."""

    suffix: ClassVar[str]

    def scopes_for(self, method: str) -> tuple[Scope, ...]:
        return RecipientView.scopes if method == "PUT" else (Scope.TOKENS,)

    @extend_schema(exclude=True)
    def put(self, request: Request, ref: str) -> HttpResponse:
        return self.put_person(request, f"{ref}/{self.suffix}")

    def person(self, ref: str) -> Recipient:
        """Return the person to whom a credential may be given. Raises NotFound, ScopeMissing and NotAllowed."""
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
        revocation.settle(person.pk, timezone.now())  # first, so that it does not revoke the new credential, too
        return person


class RecipientTokensView(WayInView):
    suffix = "tokens"

    @docs.operation("give_token", {201: TokenShown}, 404, request=serializers.TokenRequest)
    def post(self, request: Request, ref: str) -> HttpResponse:
        """A recipient token, for the person's app or your customer portal. It is shown this once."""
        payload = validated(serializers.TokenRequest, request.data)
        return _new_token(self.person(ref), payload["label"])


class RecipientLinksView(WayInView):
    suffix = "links"

    @docs.operation("give_link", {201: LinkShown}, 404, request=serializers.LinkRequest)
    def post(self, request: Request, ref: str) -> HttpResponse:
        """A link that signs the person in once, within 24 hours, to the inbox or portal."""
        payload = validated(serializers.LinkRequest, request.data)
        row, url = recipient_tokens.new_link(self.person(ref), next=payload["next"], now=timezone.now())
        return answer({"url": url, "expires_at": iso_utc(row.expires_at)}, 201)


class TokensView(PersonView):
    @docs.operation("new_token", {201: TokenShown}, request=serializers.TokenRequest)
    def post(self, request: Request) -> HttpResponse:
        """A recipient token of one's own, for an app. It takes a session, and is shown this once."""
        if self.caller().token is not None:
            raise NotAllowed("A token gives no further tokens. Sign in for that.")
        payload = validated(serializers.TokenRequest, request.data)
        revocation.settle(self.recipient().pk, timezone.now())
        with transaction.atomic():
            self.hold_sign_in(timezone.now())
            return _new_token(self.recipient(), payload["label"])


class CurrentTokenView(PersonView):
    @docs.operation("sign_out_token", {204: None}, 404)
    def delete(self, request: Request) -> HttpResponse:
        """Sign out the token that this call came with, and remove the devices that it registered."""
        token = self.caller().token
        if token is None:
            raise NotFound("This call came with a session, not with a token.")
        devices.revoke_tokens(RecipientToken.objects.filter(pk=token.pk), timezone.now())
        return nothing()


def _new_token(person: Recipient, label: str) -> HttpResponse:
    row, token = recipient_tokens.new_token(person, label=label, now=timezone.now())
    return answer({"token": token, "expires_at": iso_utc(row.expires_at)}, 201)


class TeamView(DirectoryView):
    scopes: ClassVar[tuple[Scope, ...]] = (Scope.DIRECTORY,)

    @docs.operation("put_team", {200: TeamShown, 201: TeamShown}, 404, request=serializers.TeamGiven)
    def put(self, request: Request, slug: str) -> HttpResponse:
        """Create or update a team. Members that are left out stay as they were; `members` replaces all of them."""
        if not serializers.SLUG.fullmatch(slug):
            raise Invalid.at("/slug", "A team's slug is 1 to 100 letters, digits, - and _.")
        team, created = directory.put_team(self.writer(), slug, validated(serializers.TeamGiven, request.data))
        return answer(TeamShown(team).data, 201 if created else 200)
