from typing import ClassVar

from django.http import HttpResponse
from django.urls import URLPattern, path
from rest_framework.request import Request
from rest_framework.serializers import CharField

from notifications.api.frame import docs
from notifications.api.frame.base import EngineView, answer
from notifications.api.frame.shown import Shown
from notifications.api.operations.operation import Operation, Tag
from notifications.models import Scope
from tests.features.bells.models import Bell


class BellShown(Shown):
    name = CharField()
    person = CharField(source="person.ref")


class BellView(EngineView):
    scopes: ClassVar[tuple[Scope, ...]] = (Scope.DIRECTORY,)

    @docs.operation("bell", {200: BellShown}, 404)
    def get(self, request: Request, name: str) -> HttpResponse:
        """Who has a bell."""
        return answer(BellShown(Bell.objects.get(name=name)).data)


urlpatterns: list[URLPattern] = [path("v1/bells/<str:name>", BellView.as_view())]
TAG = Tag(
    "Bells", "Who has which.", {"bell": Operation("See who has a bell", response={"name": "old", "person": "bob"})}
)
