"""Answers of people: from inbox and app, and with the token of one notification."""

from dataclasses import replace
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import get_language
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from notifications.answers.respond import refuse_from_removed_device, take, take_with_token
from notifications.answers.submission import Answer, RecordedAnswer, RecordedMessage
from notifications.api.frame import changed, docs, serializers
from notifications.api.frame.base import ApiView, PersonView, answer, nothing, validated
from notifications.api.frame.shown import ResponseShown
from notifications.engines.callback_results import engine_states
from notifications.engines.returned_answers import take_back
from notifications.errors import Changed, Invalid, InvalidValues, NotFound
from notifications.forms.refusal import errors_of
from notifications.intake.eventdata import is_id
from notifications.items.representation import iso_utc, response_json
from notifications.models import Notification, TaskMessage, Via
from notifications.types import Json


class NotificationResponsesView(PersonView):
    @docs.operation(
        "respond",
        {200: ResponseShown, 201: ResponseShown},
        404,
        409,
        410,
        request=serializers.AnswerOfPerson,
        idempotent=True,
    )
    def post(self, request: Request, notification_id: UUID) -> HttpResponse:
        """Answer. The first final answer of a task wins; the engine is told next."""
        payload, person = validated(serializers.AnswerOfPerson, request.data), self.recipient()
        if "device" in payload:
            if not Notification.objects.filter(recipient=person, pk=notification_id).exists():
                raise NotFound("There is no such notification of yours.")
            refuse_from_removed_device(person, payload["device"])
        caller = self.caller()
        submitted = _answer_of(request, payload, caller.via)
        submitted = replace(
            submitted, assurance=caller.assurance, session=caller.session, proof=payload.get("signature")
        )
        try:
            return _result(take(person, notification_id, submitted, now=timezone.now()))
        except Changed as refused:
            refused.extra |= changed.for_person(notification_id, refused.shown)
            raise
        except InvalidValues as refused:
            if refused.faults and caller.token is None:  # a page shows them beside its fields
                refused.extra["errors"] = errors_of(refused.faults, get_language() or "en")
            raise

    @docs.operation("take_back", {204: None}, 404, 409)
    def delete(self, request: Request, notification_id: UUID) -> HttpResponse:
        """Take one's final answer back, until the `undo_until` of its outcome: the engine has not been told."""
        copy = Notification.objects.filter(recipient=self.recipient(), pk=notification_id).first()
        if copy is None:
            raise NotFound("There is no such notification of yours.")
        take_back(copy, timezone.now())
        return nothing()


class ResponsesView(ApiView):
    """Takes answers with an action token in the body, from service workers and e-mail pages. Sessions do not count."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @docs.operation(
        "respond_with_token",
        {200: ResponseShown, 201: ResponseShown},
        404,
        409,
        410,
        request=serializers.AnswerWithToken,
        public=True,
        idempotent=True,
    )
    def post(self, request: Request) -> HttpResponse:
        """Answer with the token of one notification, which offers its actions to one person once each."""
        payload = validated(serializers.AnswerWithToken, request.data)
        try:
            return _result(take_with_token(payload["token"], _answer_of(request, payload, Via.API), now=timezone.now()))
        except Changed as refused:
            refused.extra |= changed.for_token(payload["token"], refused.shown, timezone.now())
            raise


def key_of(request: Request) -> str:
    """Return the Idempotency-Key of a request; empty if it has none. Raises Invalid."""
    key = request.headers.get("Idempotency-Key", "")
    if key and not is_id(key):
        raise Invalid.at("", "An Idempotency-Key is 1 to 200 characters without control characters.")
    return key


def _answer_of(request: Request, payload: dict[str, object], via: Via) -> Answer:
    return Answer(
        action=str(payload["action"]),
        comment=str(payload["comment"]),
        variables=dict(payload["variables"]),  # type: ignore[call-overload]  # the serializer made sure
        values=dict(payload["values"]),  # type: ignore[call-overload]  # as above
        via=via.value,
        idempotency_key=key_of(request),
        to=str(payload["to"]),
        revision=str(payload["revision"] or ""),
        files=tuple(payload.get("attachments", ())),  # type: ignore[arg-type]  # as above
    )


def _result(recorded: RecordedAnswer | RecordedMessage) -> HttpResponse:
    if isinstance(recorded, RecordedMessage):
        return answer(_reply_json(recorded.message), 201 if recorded.created else 200)
    body = response_json(recorded.response)
    if recorded.connect:
        body["connect"] = recorded.connect
    return answer(body, 201 if recorded.created else 200)


def _reply_json(message: TaskMessage) -> Json:
    """Return a reply to a question in the form of an answer."""
    return {
        "id": str(message.pk),
        "action": "reply",
        "comment": message.text,
        "by": message.by,
        "to": message.reply_to.by if message.reply_to else None,
        "at": iso_utc(message.at),
        "via": message.via,
        "engine": engine_states([message]).get(message.pk),
        "late": message.late,
    }
