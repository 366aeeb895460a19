from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import F

from notifications.channels.appworks.checks import diagnose
from notifications.channels.appworks.facts import FACTS
from notifications.channels.appworks.gateway import Gateway
from notifications.channels.appworks.transport import AppWorks
from notifications.channels.base import PersonChannel, Places


def host() -> str:
    """The host of the gateway, if there is one."""
    gateway: Gateway | None = settings.APPWORKS_GATEWAY
    return (urlsplit(gateway.url).hostname if gateway is not None else None) or FACTS.name


CHANNEL = PersonChannel(
    facts=FACTS,
    transport=AppWorks(),
    places=Places(most=8, each=4, by=F("channel")),  # so all four that one gateway may have (concurrency/places.py)
    service=host,
    diagnose=diagnose,
)
