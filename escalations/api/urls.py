from django.urls import URLPattern, path

from escalations.api.operations import TAG
from escalations.api.views import SimulationsView

__all__ = ["TAG", "urlpatterns"]

urlpatterns: list[URLPattern] = [path("v1/simulations", SimulationsView.as_view())]
