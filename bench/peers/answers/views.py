"""A view that records a final answer: the same rows as ours, and a frame for each copy."""

import hashlib
import json
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from django.http import Http404
from django.urls import path
from django.utils import timezone
from rest_framework import serializers
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response as Answer
from rest_framework.views import APIView

from notifications.models import (
    Callback,
    Delivery,
    DeliveryState,
    Notification,
    NotificationState,
    Recipient,
    RecipientToken,
    Response,
    Task,
    TaskState,
)


class Tokens(TokenAuthentication):
    keyword = "Bearer"

    def authenticate_credentials(self, key: str) -> Any:
        digest = hashlib.sha256(key.encode()).hexdigest()
        token = RecipientToken.objects.select_related("recipient").filter(digest=digest).first()
        if token is None or not token.usable:
            raise AuthenticationFailed
        return token.recipient, token


class HasToken(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        return request.auth is not None


class AnswerSerializer(serializers.Serializer[Any]):
    action = serializers.CharField(max_length=60)
    comment = serializers.CharField(max_length=4_000, required=False, default="")


class AnswersView(APIView):
    authentication_classes = (Tokens,)
    permission_classes = (HasToken,)

    def post(self, request: Request, pk: Any) -> Answer:
        serializer = AnswerSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        person: Any = request.user
        with transaction.atomic():
            item = Notification.objects.select_related("case").filter(pk=pk, recipient=person).first()
            if item is None:
                raise Http404
            task: Task = Task.objects.select_for_update().get(notifications=item)
            if task.state != TaskState.OPEN:
                return Answer({"code": "already_answered"}, status=409)
            response = record(task, item, person, serializer.validated_data)
        said = {"id": response.pk, "action": response.action, "comment": response.comment, "at": response.at}
        return Answer({**said, "by": {"ref": person.ref, "name": person.name}, "engine": "waiting"}, status=201)


def record(task: Task, item: Notification, person: Recipient, said: dict[str, str]) -> Response:
    now = timezone.now()
    by = {"ref": person.ref, "name": person.name}
    response = Response.objects.create(
        task=task, notification=item, recipient=person, effect="final", via="api", at=now, **said
    )
    last = task.callbacks.order_by("-position").first()
    body = {"task_id": task.task_id, "responded_by": by, "responded_at": now.isoformat(), **said}
    Callback.objects.create(
        id=response.pk,
        response=response,
        engine_id=task.engine_id,
        task=task,
        position=last.position + 1 if last else 1,
        due_at=now,
        body=json.dumps({"type": "task.responded", "subject": task.task_id, "data": body}),
    )
    task.state, task.outcome = TaskState.ANSWERED, {"action": said["action"], "by": by, "at": now.isoformat()}
    task.save()
    for copy in Notification.objects.filter(task=task, state=NotificationState.OPEN):
        _answered(copy, task.outcome, now)
    return response


def _answered(copy: Notification, outcome: Any, now: Any) -> None:
    """A copy's new state with a seq of its own, and no message any more that would ask for an answer."""
    person = Recipient.objects.select_for_update().get(pk=copy.recipient_id)
    person.inbox_seq += 1
    person.save(update_fields=["inbox_seq"])
    copy.seq, copy.state, copy.outcome = person.inbox_seq, NotificationState.ANSWERED, outcome
    copy.read_at, copy.updated_at = now, now
    copy.save()
    Delivery.objects.filter(notification=copy, state=DeliveryState.PENDING).update(
        state=DeliveryState.SUPERSEDED, ended_at=now, due_at=None
    )
    unread = Notification.objects.filter(recipient=person, read_at=None).count()
    transaction.on_commit(lambda: _tell(copy, unread))


def _tell(copy: Notification, unread: int) -> None:
    layer: Any = get_channel_layer()
    frame = {"type": "inbox.changed", "seq": copy.seq, "state": copy.state, "unread": unread}
    async_to_sync(layer.group_send)(f"inbox.{copy.recipient_id}", frame)


urlpatterns = [path("api/v1/notifications/<uuid:pk>/responses", AnswersView.as_view())]
