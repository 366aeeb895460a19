"""A view that puts each event into django-q2's queue."""

from typing import Any

from django.urls import path
from django_q.tasks import async_task
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


class EventSerializer(serializers.Serializer[Any]):
    specversion = serializers.ChoiceField(["1.0"])
    id = serializers.CharField(max_length=200)
    source = serializers.CharField(max_length=500)  # type: ignore[assignment]
    type = serializers.CharField(max_length=200)
    data = serializers.JSONField()  # type: ignore[assignment]


class EventsView(APIView):
    authentication_classes = ()
    permission_classes = ()

    def post(self, request: Request) -> Response:
        serializer = EventSerializer(data=request.data, many=isinstance(request.data, list))
        serializer.is_valid(raise_exception=True)
        events = serializer.validated_data if isinstance(request.data, list) else [serializer.validated_data]
        for event in events:
            async_task("bench.peers.inboxes.tasks.process", event)
        return Response({"accepted": len(events)}, status=202)


urlpatterns = [path("api/v1/events", EventsView.as_view())]
