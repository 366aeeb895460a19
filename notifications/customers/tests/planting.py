"""Makes a row in each table of customers, for the test of erasure (notifications/retention/tests/planting.py)."""

from django.utils import timezone

from notifications.customers.models import Journey, Unsubscription
from notifications.models import Category, Recipient
from tests.support.world import World


def plant(world: World, person: Recipient) -> None:
    Journey.objects.all()[0].save()  # a record of its history
    Unsubscription.objects.create(
        recipient=person, category=Category.objects.all()[0], channel="sms", at=timezone.now()
    )
