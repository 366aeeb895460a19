"""A person's own recipient tokens."""

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from notifications.api import docs, serializers, shown
from notifications.api.base import PersonView, answer, nothing, session_key, validated
from notifications.api.holding import hold_sign_in
from notifications.errors import NotAllowed, NotFound
from notifications.items.representation import iso_utc
from notifications.models import RecipientToken
from notifications.people import devices, recipient_tokens, revocation


class TokensView(PersonView):
    @extend_schema(
        operation_id="new_token",
        request=serializers.TokenRequest,
        responses=docs.responses({201: shown.TokenShown}, 400, 413, 415, 422),
    )
    def post(self, request: Request) -> HttpResponse:
        """A recipient token of one's own, for an app. It takes a session, and is shown this once."""
        if self.caller().token is not None:
            raise NotAllowed("A token gives no further tokens. Sign in for that.")
        payload = validated(serializers.TokenRequest, request.data)
        revocation.settle(self.recipient().pk, timezone.now())
        with transaction.atomic():
            hold_sign_in(self.caller(), session_key(request), timezone.now())
            row, token = recipient_tokens.new_token(self.recipient(), label=payload["label"], now=timezone.now())
        return answer({"token": token, "expires_at": iso_utc(row.expires_at)}, 201)


class CurrentTokenView(PersonView):
    @extend_schema(operation_id="sign_out_token", responses=docs.responses({204: None}, 404))
    def delete(self, request: Request) -> HttpResponse:
        """Sign out the token that this call came with, and remove the devices that it registered."""
        token = self.caller().token
        if token is None:
            raise NotFound("This call came with a session, not with a token.")
        devices.revoke_tokens(RecipientToken.objects.filter(pk=token.pk), timezone.now())
        return nothing()
