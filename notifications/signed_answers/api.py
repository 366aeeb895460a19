"""The challenges that people sign, for the inbox and apps in browsers."""

import json
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.serializers import CharField, DateTimeField, DictField, ListField, Serializer, UUIDField

from notifications.api.frame import docs
from notifications.api.frame.base import PersonView, answer, validated
from notifications.api.frame.fields import JsonObject, ListOf
from notifications.api.frame.serializers import OptionalText
from notifications.api.frame.shown import Shown
from notifications.api.operations.operation import Operation, Tag
from notifications.errors import NotAllowed, SignatureRequired
from notifications.items.representation import iso_utc
from notifications.second_factors.views import in_json
from notifications.signed_answers import assertions, challenges
from notifications.signed_answers.challenges import AnswerToSign
from notifications.types import Json
from wfpush.web.fields import Text

MAX_ANSWERS = 100
"""Answers of one challenge; as many as the inbox answers at once."""


class AnswerToSignGiven(Serializer[Any]):
    notification = UUIDField(help_text="The item's id.")
    action = Text(max_length=60)
    comment = OptionalText()
    revision = OptionalText(max_length=100, allow_null=True, help_text="That of the item as the person was shown it.")
    variables = JsonObject(required=False, default=dict)
    values = JsonObject(required=False, default=dict)


class ChallengeRequest(Serializer[Any]):
    answers = ListOf(
        child=AnswerToSignGiven(), allow_empty=False, most=MAX_ANSWERS, help_text="Exactly as they are sent then."
    )


class ChallengeShown(Shown):
    id = UUIDField()
    options = DictField(help_text="For `navigator.credentials.get`, with bytes as base64url.")
    statements = ListField(
        child=CharField(), help_text="What is signed of each answer, in their order: canonical JSON."
    )
    expires_at = DateTimeField()


class SignaturesView(PersonView):
    @docs.operation("signing_challenge", {201: ChallengeShown}, 404, request=ChallengeRequest)
    def post(self, request: Request) -> HttpResponse:
        """Ask for a challenge, which a passkey signs. It is for these answers, this session and five minutes."""
        payload, caller = validated(ChallengeRequest, request.data), self.caller()
        user = caller.recipient.user
        if not caller.session or not isinstance(user, User):
            raise NotAllowed("Only a session with an account signs answers: sign in to the inbox.")
        if not assertions.has_passkey(user.pk):
            detail = "You have no passkey. Set one up under “Sign-in security”."
            raise SignatureRequired(detail, why="missing", has_passkey=False)
        issued = challenges.issue(
            caller.recipient, caller.session, [_answer(each) for each in payload["answers"]], timezone.now()
        )
        body: Json = {
            "id": str(issued.id),
            "options": json.loads(in_json(assertions.options(user, issued.challenge))),
            "statements": list(issued.statements),
            "expires_at": iso_utc(issued.expires_at),
        }
        return answer(body, 201)


def _answer(payload: Json) -> AnswerToSign:
    return AnswerToSign(
        notification=payload["notification"],
        action=str(payload["action"]),
        comment=str(payload["comment"]),
        variables=dict(payload["variables"]),
        values=dict(payload["values"]),
        revision=str(payload["revision"] or ""),
    )


urlpatterns: list[URLPattern] = [path("v1/signatures", SignaturesView.as_view())]


# --- words of /api/docs -----------------------------------------------------------------------------------------------
_ITEM = "0199f3b2-7c1e-7a44-8e55-2f6b1c0d9e11"
TAG = Tag(
    "Signatures",
    "Rules of the desk want some answers signed with a passkey. The browser signs a challenge for exactly one answer, "
    "or for several at once, and sends the result with each of them as `signature`.",
    {
        "signing_challenge": Operation(
            "Ask for a challenge to sign",
            request={"answers": [{"notification": _ITEM, "action": "approve", "comment": "", "revision": "q0Xv…"}]},
            response={
                "id": "0199f3b2-9d2a-7c10-9a3b-4d5e6f708192",
                "options": {
                    "publicKey": {
                        "challenge": "o8c…",
                        "rpId": "wfpush.acme.example",
                        "allowCredentials": [{"type": "public-key", "id": "AbC…"}],
                        "userVerification": "required",
                    }
                },
                "statements": ['{"action":"approve","comment":"",…}'],
                "expires_at": "2026-12-01T09:05:00Z",
            },
            meanings={
                201: "The challenge, to be signed once",
                403: "`not_allowed`: a token cannot sign; `signature_required`: the person has no passkey",
                404: "`not_found`: one of the items is not the person's",
            },
        )
    },
)
