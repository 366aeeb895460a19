from django.urls import path

from bench.peers.inboxes.views import EventsView

urlpatterns = [path("api/v1/events", EventsView.as_view())]
