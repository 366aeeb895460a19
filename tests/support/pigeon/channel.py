from django.db.models import F

from notifications.channels.base import PersonChannel, Places
from tests.support.pigeon.facts import FACTS
from tests.support.pigeon.transport import Pigeon

CHANNEL = PersonChannel(facts=FACTS, transport=Pigeon(), places=Places(most=4, each=2, by=F("channel")))
