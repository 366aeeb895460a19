from django.urls import path

from bench.peers.answers.views import AnswersView

urlpatterns = [path("api/v1/notifications/<uuid:pk>/responses", AnswersView.as_view())]
