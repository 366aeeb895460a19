from django.urls import URLPattern, path

from escalations.inbox import team_time

app_name = "team"

urlpatterns: list[URLPattern] = [
    path("team/time", team_time.page, name="time"),
    path("team/time.csv", team_time.download, name="time-csv"),
]
