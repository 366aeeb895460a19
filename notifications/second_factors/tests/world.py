"""What second factors add to the world of the desk's tests."""

from notifications.second_factors.models import SignInRules
from notifications.second_factors.tests.factors import add_app
from tests.admin.world import World


def add_to(day: World) -> None:
    SignInRules.objects.create()
    add_app(day.carol.user)
