from django.conf import settings
from django.db.models import F

from notifications.channels.base import PersonChannel, Places, Receipts
from tests.support.pigeon.facts import FACTS
from tests.support.pigeon.transport import Pigeon, hang_up, listen, read


def most_an_hour() -> int:
    return getattr(settings, "PIGEONS_AN_HOUR", 0)


CHANNEL = PersonChannel(
    facts=FACTS,
    transport=Pigeon(),
    places=Places(most=4, each=2, by=F("channel")),
    never_twice=True,
    most_an_hour=most_an_hour,
    receipts=Receipts(read=read, listen=listen, hang_up=hang_up),
)
