"""One view and one serializer, as DRF's documentation shows them; batches by `many=True` and `bulk_create`."""

import hashlib
import json
from typing import Any

from django.db import transaction
from django.urls import path
from django.utils import timezone
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bench.peers.ingest.models import ApiKey, Event


class KeyAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[None, ApiKey]:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        digest = hashlib.sha256(given.encode()).hexdigest()
        key = ApiKey.objects.select_related("engine").filter(digest=digest, revoked_at=None).first()
        if key is None or not key.engine.active or (key.expires_at and key.expires_at < timezone.now()):
            raise AuthenticationFailed
        return None, key


class MaySendEvents(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        return isinstance(request.auth, ApiKey) and "events" in request.auth.scopes


class EventsSerializer(serializers.ListSerializer[Any]):
    def create(self, validated_data: list[dict[str, Any]]) -> list[Event]:
        return Event.objects.bulk_create([Event(**row) for row in validated_data])


class EventSerializer(serializers.ModelSerializer[Event]):
    specversion = serializers.ChoiceField(["1.0"], write_only=True)
    id = serializers.CharField(source="event_id", max_length=200)

    class Meta:
        model = Event
        list_serializer_class = EventsSerializer
        fields = ["specversion", "id", "source", "type", "subject", "time", "data"]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs.pop("specversion")
        data = attrs.get("data", {})
        canonical = json.dumps([attrs["type"], attrs.get("subject", ""), data], sort_keys=True)
        attrs["digest"] = hashlib.sha256(canonical.encode()).hexdigest()
        attrs["group"] = f"task:{data['task']['id']}" if "task" in data else ""
        attrs["engine"] = self.context["request"].auth.engine
        return attrs


class EventsView(APIView):
    authentication_classes = [KeyAuthentication]
    permission_classes = [MaySendEvents]

    def post(self, request: Request) -> Response:
        serializer = EventSerializer(
            data=request.data, many=isinstance(request.data, list), context={"request": request}
        )
        serializer.is_valid(raise_exception=True)
        with transaction.atomic():
            serializer.save()
        return Response(serializer.data, status=202)


urlpatterns = [path("api/v1/events", EventsView.as_view())]
