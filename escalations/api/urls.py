from django.urls import URLPattern, path

from escalations.api.views import SimulationsView

urlpatterns: list[URLPattern] = [path("v1/simulations", SimulationsView.as_view())]
