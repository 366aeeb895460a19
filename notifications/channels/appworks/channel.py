from django.db.models import F

from notifications.channels.appworks.checks import look
from notifications.channels.appworks.facts import FACTS
from notifications.channels.appworks.transport import AppWorks
from notifications.channels.base import PersonChannel, Places

CHANNEL = PersonChannel(
    facts=FACTS,
    transport=AppWorks(),
    places=Places(most=8, each=4, by=F("channel")),  # so all four that one gateway may have (concurrency/places.py)
    look=look,
)
