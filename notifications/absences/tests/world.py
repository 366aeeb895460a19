"""What absences add to the world of the desk's tests."""

from notifications.absences.models import AbsenceFeed
from tests.admin.world import World


def add_to(day: World) -> None:
    AbsenceFeed.objects.create(recipient=day.carol, url="https://calendar.example/carol.ics", host="calendar.example")
