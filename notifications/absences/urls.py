"""The addresses of the pages of absence."""

from django.urls import URLPattern, path

from notifications.absences import calendar_page, pages

app_name = "absences"

urlpatterns: list[URLPattern] = [
    path("absence", pages.page, name="absence"),
    path("absence/calendar", calendar_page.page, name="calendar"),
    path("team", pages.team, name="team"),
]
